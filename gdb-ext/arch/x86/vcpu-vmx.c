// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of a vCPU that KVM executes by VMX: struct vcpu_vmx (Linux arch/x86/kvm/vmx/vmx.h). KVM reads a register
// out of the VMCS at its first use, and notes in regs_avail and in segment_cache that it has a copy.
//
// In:  the members and the memory of the kernel that has KVM; the copies that all vendors have.
// Out: the registers as the vCPU's guest sees them: KVM's copies, and where KVM has none the VMCS's; a text that says
//      which are whose.
// Trusts nothing it reads: a VMCS counts where its format is known, where it meets what holds of each VMCS, and where
// it agrees with all that KVM wrote to it, or read out of it. All other registers are unknown.
//
// A VMCS that is KVM's vmcs12 is a copy: the hypervisor below keeps the current one, and writes it to memory when the
// VMCS is cleared or another becomes current. Cleared, its launch state is 0.
#include "vmx.h"
#include "base/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CR3 = X86_CR0 + 3 };

struct vmx {
	struct x86_vmx vcpu;
	struct x86_vmx_layout layout;
	bool has_format; // else PAGE is not used, and WHY says why
	struct x86_vmcs_layout format;
	uint8_t page[X86_VMCS_SIZE];
	char why[GG_CPU_ORIGIN_SIZE / 2];
	struct gg_registers read; // out of PAGE
};

// ---- KVM's copies ----

// Sets the parts of segments that KVM has copies of.
static struct gg_error *set_segments(const struct vmx *vmx, struct gg_registers *ret)
{
	struct gg_error *err = NULL;
	for (unsigned int segment = 0; !err && segment < X86_VMX_SEGMENTS; segment++)
		for (unsigned int part = 0; !err && part < X86_SEGMENT_PARTS; part++) {
			const unsigned int id = X86_ES + segment * X86_SEGMENT_PARTS;
			uint64_t value;
			bool has;
			err = x86_vmx_segment(&vmx->vcpu, segment, part, &has, &value);
			if (!err && has && part == X86_FLAGS)
				x86_vmcs_set_rights(ret, id, value);
			else if (!err && has)
				gg_register_set(ret, id + part, value);
		}
	return err;
}

// Sets the bits of a control register that the guest cannot change without an exit; of the others OWNED tells
// which the hardware alone has.
static struct gg_error *set_control(const struct vmx *vmx, enum x86_register id, uint64_t copy,
				    const struct gg_member *owned, struct gg_registers *ret)
{
	uint64_t bits;
	struct gg_error *err = x86_vmx_read(&vmx->vcpu, vmx->vcpu.copies->address, owned, &bits);
	if (!err && owned->size)
		gg_register_learn(ret, id, copy, ~bits);
	return err;
}

static struct gg_error *set_controls(const struct vmx *vmx, struct gg_registers *ret)
{
	const struct x86_vcpu_copies *copies = vmx->vcpu.copies;
	bool has_cr3;
	struct gg_error *err = x86_vmx_keeps_cr3(&vmx->vcpu, &has_cr3);
	if (!err && has_cr3)
		gg_register_set(ret, CR3, copies->cr3);
	if (!err)
		err = set_control(vmx, X86_CR0, copies->cr0, &vmx->layout.cr0_owned, ret);
	if (!err)
		err = set_control(vmx, X86_CR4, copies->cr4, &vmx->layout.cr4_owned, ret);
	gg_register_set(ret, X86_EFER, copies->efer);
	return err;
}

// Sets what KVM has copies of, beside the registers that are alike with all vendors.
static struct gg_error *set_copies(const struct vmx *vmx, struct gg_registers *ret)
{
	const struct x86_vmx_layout *layout = &vmx->layout;
	uint64_t rflags, gs_base, in_hardware;
	struct gg_error *err = set_controls(vmx, ret);
	if (!err)
		err = set_segments(vmx, ret);
	if (!err)
		err = x86_vmx_read(&vmx->vcpu, vmx->vcpu.vendor, &layout->rflags, &rflags);
	if (!err)
		err = x86_vmx_read(&vmx->vcpu, vmx->vcpu.vendor, &layout->gs_base, &gs_base);
	if (!err)
		err = x86_vmx_read(&vmx->vcpu, vmx->vcpu.vendor, &layout->in_hardware,
				   &in_hardware);
	if (err)
		return err;
	gg_register_set(ret, X86_CR0 + 2, vmx->vcpu.copies->cr2);
	if (layout->rflags.size && x86_vmx_has(&vmx->vcpu, &layout->has_rflags)) {
		gg_register_set(ret, X86_RFLAGS, rflags);
		gg_register_set(ret, X86_RAW_EFLAGS, rflags);
	}
	if (layout->gs_base.size && layout->in_hardware.size && !in_hardware)
		gg_register_set(ret, X86_KERNEL_GS_BASE, gs_base);
	return NULL;
}

// ---- The VMCS ----

// Checks that FIELD has what KVM wrote; KVM has 0 for what it has not written.
static struct gg_error *check_written(const struct vmx *vmx, const struct x86_vmcs_layout *format,
				      enum x86_vmcs_field field, const struct gg_member *copy,
				      const char *name)
{
	uint64_t value, written;
	struct gg_error *err = x86_vmx_read(&vmx->vcpu, vmx->vcpu.loaded, copy, &written);
	if (err || !written || !x86_vmcs_field(format, vmx->page, field, &value) ||
	    value == written)
		return err;
	return gg_error_create(GG_BAD_DATA,
			       "its host %s is 0x%" PRIx64 ", and KVM wrote 0x%" PRIx64, name,
			       value, written);
}

// Checks that FIELD has what KVM read out of it; a copy of BIT that is dirty is newer than the VMCS.
static struct gg_error *check_read(const struct vmx *vmx, const struct x86_vmcs_layout *format,
				   enum x86_vmcs_field field, uint64_t bit, uint64_t copy,
				   const char *name)
{
	uint64_t value, dirty;
	struct gg_error *err =
		x86_vmx_read(&vmx->vcpu, vmx->vcpu.copies->address, &vmx->layout.dirty, &dirty);
	if (err || !vmx->layout.dirty.size || bit >= 64 ||
	    !(vmx->vcpu.copies->available >> bit & 1) || dirty >> bit & 1 ||
	    !x86_vmcs_field(format, vmx->page, field, &value) || value == copy)
		return err;
	return gg_error_create(GG_BAD_DATA,
			       "its %s is 0x%" PRIx64 ", and KVM read 0x%" PRIx64 " out of it",
			       name, value, copy);
}

// Checks that a VMCS of the hypervisor below, which keeps the current one, is in memory as a whole.
static struct gg_error *check_cleared(const struct vmx *vmx)
{
	enum { LAUNCH_STATE = 8 };
	struct gg_cursor cursor = gg_cursor(vmx->page, X86_VMCS_SIZE, false, "the VMCS");
	uint64_t cpu, state;
	struct gg_error *err = x86_vmx_read(&vmx->vcpu, vmx->vcpu.loaded, &vmx->layout.cpu, &cpu);
	if (!err)
		err = gg_cursor_member(&cursor, &(struct gg_member){ LAUNCH_STATE, 4 }, &state);
	if (!err && (int32_t)cpu >= 0 && state)
		err = gg_error_create(GG_BAD_DATA,
				      "it is active on CPU %" PRId32
				      ", and the hypervisor below may have a newer one",
				      (int32_t)cpu);
	return err;
}

static struct gg_error *check_page(const struct vmx *vmx, const struct x86_vmcs_layout *format)
{
	enum { RIP = 16 };
	const struct x86_vmx_layout *layout = &vmx->layout;
	const struct x86_vcpu_copies *copies = vmx->vcpu.copies;
	struct gg_error *err = x86_vmcs_check(format, vmx->page);
	if (!err)
		err = check_written(vmx, format, VMCS_HOST_CR3, &layout->host_cr3, "CR3");
	if (!err)
		err = check_written(vmx, format, VMCS_HOST_CR4, &layout->host_cr4, "CR4");
	if (!err)
		err = check_written(vmx, format, VMCS_HOST_RSP, &layout->host_rsp, "RSP");
	if (!err)
		err = check_written(vmx, format, VMCS_HOST_GS_BASE, &layout->gs, "GS base");
	if (!err)
		err = check_written(vmx, format, VMCS_HOST_FS_BASE, &layout->fs, "FS base");
	if (!err)
		err = check_read(vmx, format, VMCS_RIP, RIP, copies->general[RIP], "RIP");
	if (!err)
		err = check_read(vmx, format, VMCS_RSP, X86_RSP, copies->general[X86_RSP], "RSP");
	if (!err && format->revision == X86_VMCS12_REVISION)
		err = check_cleared(vmx);
	return err;
}

// Reads the VMCS; a page that cannot be used is no error.
static struct gg_error *read_page(struct vmx *vmx, const struct gg_vcpu_peers *peers)
{
	struct gg_error *err = x86_vmx_page(&vmx->vcpu, vmx->page);
	if (!err)
		err = x86_vmx_format(&vmx->vcpu, peers, vmx->page, &vmx->format);
	if (!err)
		err = check_page(vmx, &vmx->format);
	vmx->has_format = !err;
	if (err)
		snprintf(vmx->why, sizeof(vmx->why), "%s", gg_error_message(err));
	return gg_error_unless_final(err);
}

// Sets the bits that are unknown in RET and known in FROM.
static void fill(struct gg_registers *ret, const struct gg_registers *from)
{
	for (unsigned int id = 0; id < X86_FCW; id++) {
		const uint64_t known =
			~gg_register_unknown(from, id) & gg_register_unknown(ret, id);
		if (known)
			gg_register_learn(ret, id, gg_register(from, id), known);
	}
}

// Completes RET with the VMCS. In real mode that is virtual-8086 mode for the hardware, flags and segments are made up.
static struct gg_error *set_page(struct vmx *vmx, struct gg_registers *ret)
{
	uint64_t is_vm86;
	bool has_cr3;
	struct gg_error *err =
		x86_vmx_read(&vmx->vcpu, vmx->vcpu.vendor, &vmx->layout.vm86, &is_vm86);
	if (!err)
		err = x86_vmx_keeps_cr3(&vmx->vcpu, &has_cr3);
	if (err || !vmx->has_format)
		return err;
	gg_registers_init(&vmx->read, ret->set, ret->word);
	x86_vmcs_read_guest(&vmx->format, vmx->page, &vmx->read);
	if (!vmx->layout.controls.size)
		gg_register_forget(&vmx->read, CR3, UINT64_MAX);
	// KVM's copy has the bits that the guest does not own; without it they cannot be told apart.
	if (!vmx->layout.cr0_owned.size)
		gg_register_forget(&vmx->read, X86_CR0, UINT64_MAX);
	if (!vmx->layout.cr4_owned.size)
		gg_register_forget(&vmx->read, X86_CR4, UINT64_MAX);
	for (unsigned int id = X86_RFLAGS; is_vm86 && id < X86_GDT; id++)
		gg_register_forget(&vmx->read, id, UINT64_MAX);
	if (is_vm86)
		gg_register_forget(&vmx->read, X86_RAW_EFLAGS, UINT64_MAX);
	fill(ret, &vmx->read);
	return NULL;
}

// ---- Both ----

// Sets the modes that follow from known registers. The privilege is that of SS (Intel SDM, volume 3, chapter 25.4.1).
static void set_modes(struct gg_registers *ret)
{
	enum { CR0_PE = 1, VM_SHIFT = 17 };
	static const struct {
		enum x86_register id;
		unsigned int bit;
		uint64_t mode;
	} modes[] = {
		{ X86_CR0, 0, X86_HF_PE },
		{ X86_EFER, 10, X86_HF_LMA },
		{ X86_CS + X86_FLAGS, 21, X86_HF_CS64 },
		{ X86_RFLAGS, VM_SHIFT, X86_HF_VM },
		{ X86_SS + X86_FLAGS, X86_DESC_DPL_SHIFT, 1 },
		{ X86_SS + X86_FLAGS, X86_DESC_DPL_SHIFT + 1, 2 },
	};
	// An address of more than 32 bits is that of code of 64.
	if (gg_register(ret, X86_RIP) >> 32)
		gg_register_learn(ret, X86_HFLAGS, X86_HF_CS64, X86_HF_CS64);
	// In protected mode the selector of SS has the privilege too.
	if (gg_register(ret, X86_CR0) & CR0_PE && gg_register_known(ret, X86_SS))
		gg_register_learn(ret, X86_HFLAGS, gg_register(ret, X86_SS) & X86_HF_CPL,
				  X86_HF_CPL);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!(gg_register_unknown(ret, modes[i].id) >> modes[i].bit & 1))
			gg_register_learn(ret, X86_HFLAGS,
					  gg_register(ret, modes[i].id) >> modes[i].bit & 1
						  ? modes[i].mode
						  : 0,
					  modes[i].mode);
	// L has no meaning out of long mode.
	if (!(gg_register(ret, X86_HFLAGS) & X86_HF_LMA))
		gg_register_learn(ret, X86_HFLAGS, 0, X86_HF_CS64);
}

enum whose { NOBODY, KVM, VMCS, WHOSES };

static const struct {
	enum x86_register id;
	const char *name;
} shown[] = {
	{ X86_RAX, "general registers" },
	{ X86_RSP, "RSP" },
	{ X86_RIP, "RIP" },
	{ X86_RFLAGS, "RFLAGS" },
	{ X86_CR0 + 3, "CR3" },
	{ X86_CS + X86_SELECTOR, "segments" },
};

enum { SHOWN = sizeof(shown) / sizeof(*shown) };

static void append(char text[GG_CPU_ORIGIN_SIZE], const char *word)
{
	const size_t used = strlen(text);
	snprintf(text + used, GG_CPU_ORIGIN_SIZE - used, "%s", word);
}

// Describes whose the registers are.
static void describe(const struct vmx *vmx, const enum whose whose[SHOWN],
		     char ret[GG_CPU_ORIGIN_SIZE])
{
	const char *const titles[WHOSES] = { "unknown: ", "KVM's copies: ", "of the VMCS" };
	static const enum whose order[WHOSES] = { KVM, VMCS, NOBODY };
	ret[0] = 0;
	for (unsigned int i = 0; i < WHOSES; i++) {
		const char *separator = titles[order[i]];
		for (unsigned int j = 0; j < SHOWN; j++) {
			if (whose[j] != order[i])
				continue;
			if (*separator != ',' && *ret)
				append(ret, "; ");
			append(ret, separator);
			if (*separator != ',' && order[i] == VMCS) {
				append(ret, " (");
				append(ret, vmx->format.name);
				append(ret, "): ");
			}
			append(ret, shown[j].name);
			separator = ", ";
		}
	}
	if (!vmx->has_format) {
		append(ret, "; the VMCS is not used: ");
		append(ret, vmx->why);
	}
}

static struct gg_error *set_all(struct vmx *vmx, const struct gg_vcpu_peers *peers,
				struct gg_registers *ret, char origin[GG_CPU_ORIGIN_SIZE])
{
	enum whose whose[SHOWN] = { NOBODY };
	struct gg_error *err = set_copies(vmx, ret);
	for (unsigned int i = 0; i < SHOWN; i++)
		whose[i] = gg_register_known(ret, shown[i].id) ? KVM : NOBODY;
	if (!err)
		err = read_page(vmx, peers);
	if (!err)
		err = set_page(vmx, ret);
	if (err)
		return err;
	for (unsigned int i = 0; i < SHOWN; i++)
		if (whose[i] == NOBODY && gg_register_known(ret, shown[i].id))
			whose[i] = VMCS;
	set_modes(ret);
	describe(vmx, whose, origin);
	return NULL;
}

// Reads the registers that the next exit of a guest of the vCPU's guest loads, where the vCPU executes such a guest: in KVM's
// copy of that guest's VMCS.
static struct gg_error *set_outer(const struct vmx *vmx, struct gg_cpu_state *state)
{
	const struct x86_vmcs_layout *format = x86_vmcs_layout(X86_VMCS12_REVISION);
	uint8_t page[X86_VMCS_SIZE];
	gg_gva_t inner = 0;
	if (!vmx->layout.own.size || vmx->vcpu.loaded == vmx->vcpu.vendor + vmx->layout.own.offset)
		return NULL;
	gg_cpu_state_set_nested(state, "KVM's copy of the nested guest's VMCS is not there");
	struct gg_error *err =
		x86_vmx_read(&vmx->vcpu, vmx->vcpu.vendor, &vmx->layout.inner, &inner);
	if (!err && inner)
		err = gg_host_read(vmx->vcpu.kernel, inner, page, X86_VMCS_SIZE);
	if (!err && inner && x86_vmcs_revision(page) != X86_VMCS12_REVISION)
		err = gg_error_create(GG_BAD_DATA, "its revision is 0x%" PRIx32,
				      x86_vmcs_revision(page));
	if (!err && inner)
		err = x86_vmcs_check(format, page);
	if (!err && inner) {
		x86_vmcs_read_host(format, page, &state->nested, &state->own);
		state->unknown[0] = 0;
	}
	return gg_error_unless_final(err);
}

static struct gg_error *read_vmx(struct vmx *vmx, const struct gg_host *kernel,
				 const struct gg_vcpu_peers *peers,
				 const struct x86_vcpu_copies *copies,
				 const struct gg_registers *inside, struct gg_cpu_state *state)
{
	const struct x86_vmx_layout *layout = &vmx->layout;
	struct gg_error *err = x86_vmx_layout_resolve(kernel, &vmx->layout);
	if (err || !layout->vcpu.size || !layout->loaded.size || !layout->page.size)
		return err;
	err = x86_vmx_init(&vmx->vcpu, kernel, layout, copies);
	if (!err && vmx->vcpu.loaded)
		err = inside ? set_controls(vmx, &state->own)
			     : set_all(vmx, peers, &state->own, state->origin);
	if (!err && vmx->vcpu.loaded)
		err = set_outer(vmx, state);
	return err;
}

struct gg_error *x86_read_vmx(const struct gg_host *kernel, const struct gg_vcpu_peers *peers,
			      const struct x86_vcpu_copies *copies,
			      const struct gg_registers *inside, struct gg_cpu_state *state)
{
	struct vmx *vmx = calloc(1, sizeof(*vmx));
	if (!vmx)
		return gg_enomem;
	struct gg_error *err = read_vmx(vmx, kernel, peers, copies, inside, state);
	if (err && !gg_error_is_final(err))
		snprintf(state->origin, sizeof(state->origin), "KVM's state of VMX: %s",
			 gg_error_message(err));
	free(vmx);
	return gg_error_unless_final(err);
}
