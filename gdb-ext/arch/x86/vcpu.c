// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of a vCPU of KVM's: struct kvm_vcpu_arch (Linux arch/x86/include/asm/kvm_host.h), and with SVM
// the VMCB, to which the hardware writes the registers when it leaves the guest.
//
// In:  the members and the memory of the kernel that has KVM; the registers of the CPU that is inside.
// Out: the registers as the vCPU's guest sees them.
// Trusts nothing it reads: a VMCB must be possible for the hardware.
//
// KVM's copies of the general registers and of RIP are right whenever the vCPU is outside; RIP, RSP and RAX
// of the VMCB may be older by an instruction that KVM has emulated. KVM intercepts each change of CR4 and EFER,
// and adds bits of its own to those that the hardware gets. VMX is in vcpu-vmx.c.
#include "vcpu.h"
#include "base/cursor.h"
#include "host/host.h"

#include <inttypes.h>
#include <stdlib.h>

enum { RIP = X86_PLACE_OF_RIP };

struct layout {
	struct gg_member vcpu, block, own_block;    // of a vcpu_svm
	struct gg_member arch, mmu, root;           // of a kvm_vcpu, and of a kvm_mmu
	struct gg_member has_cr0, has_cr3, has_cr4; // enumerators: bits of AVAILABLE
};

#define OPTIONAL(member, type, ...) GG_LAYOUT_ROW_OPTIONAL(struct layout, member, type, __VA_ARGS__)

#define COPY(member, ...) GG_LAYOUT_ROW(struct x86_copies_layout, member, "kvm_vcpu", __VA_ARGS__)

static const struct gg_layout_row copies_rows[] = {
	COPY(regs, "arch.regs"),
	// A member of its own since Linux v7.2; the last of the registers before.
	GG_LAYOUT_ROW_OPTIONAL(struct x86_copies_layout, rip, "kvm_vcpu", "arch.rip"),
	COPY(available, "arch.regs_avail"),
	COPY(cr0, "arch.cr0"),
	COPY(cr2, "arch.cr2"),
	COPY(cr3, "arch.cr3"),
	COPY(cr4, "arch.cr4"),
	COPY(efer, "arch.efer"),
	COPY(state, "arch.mp_state"),
};

static const struct gg_layout_row rows[] = {
	OPTIONAL(vcpu, "vcpu_svm", "vcpu"),
	OPTIONAL(block, "vcpu_svm", "vmcb"),
	// A block of its own for a nested guest since Linux commit 4995a3685f1b (v5.13).
	OPTIONAL(own_block, "vcpu_svm", "vmcb01.ptr"),
	OPTIONAL(arch, "kvm_vcpu", "arch"),
	OPTIONAL(mmu, "kvm_vcpu", "arch.mmu"),
	// Linux commit b9e5603c2a3a (v5.18).
	OPTIONAL(root, "kvm_mmu", "root.hpa", "root_hpa"),
	OPTIONAL(has_cr0, "kvm_reg", "VCPU_REG_CR0", "VCPU_EXREG_CR0"),
	OPTIONAL(has_cr3, "kvm_reg", "VCPU_REG_CR3", "VCPU_EXREG_CR3"),
	OPTIONAL(has_cr4, "kvm_reg", "VCPU_REG_CR4", "VCPU_EXREG_CR4"),
};

struct vcpu {
	const struct gg_host *kernel;
	struct layout layout;
	struct x86_vcpu_copies copies;
	bool has_block,
		has_own_block; // OWN_BLOCK is the VMCB of a vCPU that executes a guest in turn
	uint8_t block[X86_VMCB_SIZE], own_block[X86_VMCB_SIZE];
};

// ---- KVM's copies ----

struct gg_error *x86_copies_layout_resolve(const struct gg_host *kernel,
					   struct x86_copies_layout *ret)
{
	return gg_layout_resolve(kernel, copies_rows, sizeof(copies_rows) / sizeof(*copies_rows),
				 ret);
}

static struct gg_error *read_general(const struct gg_host *kernel,
				     const struct x86_copies_layout *layout,
				     struct x86_vcpu_copies *copies)
{
	uint8_t bytes[sizeof(copies->general)];
	const struct gg_member *regs = &layout->regs, *rip = &layout->rip;
	const unsigned int count = rip->size ? RIP : RIP + 1;
	if (regs->size < count * 8)
		return gg_error_create(GG_BAD_DATA,
				       "kvm_vcpu.arch.regs has %" PRIu64 " bytes, less than %u",
				       regs->size, count * 8);
	struct gg_error *err =
		gg_host_read(kernel, copies->address + regs->offset, bytes, count * 8);
	struct gg_cursor cursor = gg_cursor(bytes, count * 8, false, "kvm_vcpu.arch.regs");
	for (unsigned int i = 0; !err && i < count; i++)
		err = gg_cursor_member(&cursor, &(struct gg_member){ i * 8, 8 },
				       &copies->general[i]);
	if (!err && rip->size)
		err = gg_host_read_member(kernel, copies->address, rip, &copies->general[RIP]);
	return err;
}

struct gg_error *x86_read_copies(const struct gg_host *kernel,
				 const struct x86_copies_layout *layout, gg_gva_t address,
				 struct x86_vcpu_copies *ret)
{
	const struct {
		const struct gg_member *member;
		uint64_t *value;
	} values[] = { { &layout->available, &ret->available },
		       { &layout->cr0, &ret->cr0 },
		       { &layout->cr2, &ret->cr2 },
		       { &layout->cr3, &ret->cr3 },
		       { &layout->cr4, &ret->cr4 },
		       { &layout->efer, &ret->efer },
		       { &layout->state, &ret->state } };
	*ret = (struct x86_vcpu_copies){ .address = address };
	struct gg_error *err = read_general(kernel, layout, ret);
	for (size_t i = 0; !err && i < sizeof(values) / sizeof(*values); i++)
		err = gg_host_read_member(kernel, address, values[i].member, values[i].value);
	return err;
}

// ---- The VMCB ----

// Offsets in the control area (AMD APM, volume 2, appendix B, table B-1), and bits there.
enum {
	CONTROL_VMRUN = 0x10, // bit 0: VMRUN is intercepted, as it must be
	CONTROL_ASID = 0x58,  // never 0
	CONTROL_NESTED = 0x90,
	NESTED_PAGING = 1 << 0,
	SEV = 1 << 1,
	SEV_ES = 1 << 2,
};

static uint64_t control(const uint8_t *block, uint64_t offset)
{
	struct gg_cursor cursor = gg_cursor(block, X86_SAVE_AREA, false, "the VMCB");
	uint64_t value = 0;
	gg_error_destroy(gg_cursor_member(&cursor, &(struct gg_member){ offset, 4 }, &value));
	return value;
}

// Tests whether the hardware can have executed BLOCK. A kernel with both vendors built in has the types
// of both.
static bool is_possible(const uint8_t *block)
{
	return control(block, CONTROL_VMRUN) & 1 && control(block, CONTROL_ASID);
}

static struct gg_error *read_block(const struct vcpu *vcpu, const struct gg_member *pointer,
				   uint8_t *ret, bool *is_block)
{
	gg_gva_t block;
	struct gg_error *err = gg_host_read_member(
		vcpu->kernel, vcpu->copies.address - vcpu->layout.vcpu.offset, pointer, &block);
	if (!err && block % X86_VMCB_SIZE == 0)
		err = gg_host_read(vcpu->kernel, block, ret, X86_VMCB_SIZE);
	*is_block = !err && block % X86_VMCB_SIZE == 0;
	return gg_error_unless_final(err);
}

// Reads the page at POINTER, if POINTER leads to the VMCB with the nested page tables that KVM's own vCPU has.
static struct gg_error *propose(struct vcpu *vcpu, gg_gva_t pointer, uint64_t root)
{
	struct gg_control_block state;
	if (!(pointer >> 63) || pointer % X86_VMCB_SIZE)
		return NULL;
	struct gg_error *err = gg_host_read(vcpu->kernel, pointer, vcpu->block, X86_VMCB_SIZE);
	vcpu->has_block = !err && x86_control_block(vcpu->block, &state) && state.has_tables &&
			  state.tables.root == root;
	return gg_error_unless_final(err);
}

// Finds the VMCB without the types of the vendor's module, which kernels before v5.11 do not have: its pointer is
// behind the vCPU.
static struct gg_error *find_block(struct vcpu *vcpu)
{
	enum { FAR = 2048, WORD = 8 };
	const struct layout *layout = &vcpu->layout;
	const gg_gva_t first = vcpu->copies.address + layout->arch.offset + layout->arch.size;
	gg_gva_t mmu, pointer;
	uint64_t root;
	if (!layout->arch.size || !layout->mmu.size || !layout->root.size)
		return NULL;
	struct gg_error *err =
		gg_host_read_member(vcpu->kernel, vcpu->copies.address, &layout->mmu, &mmu);
	if (!err)
		err = gg_host_read_member(vcpu->kernel, mmu, &layout->root, &root);
	for (uint64_t at = 0; !err && !vcpu->has_block && at < FAR; at += WORD) {
		err = gg_host_read_member(vcpu->kernel, first, &(struct gg_member){ at, WORD },
					  &pointer);
		if (!err)
			err = propose(vcpu, pointer, root);
	}
	return gg_error_unless_final(err);
}

static struct gg_error *read_blocks(struct vcpu *vcpu)
{
	const struct layout *layout = &vcpu->layout;
	if (!layout->block.size)
		return find_block(vcpu);
	struct gg_error *err = read_block(vcpu, &layout->block, vcpu->block, &vcpu->has_block);
	vcpu->has_block = vcpu->has_block && is_possible(vcpu->block);
	if (err || !vcpu->has_block || !layout->own_block.size)
		return err;
	gg_gva_t block, own;
	const gg_gva_t vendor = vcpu->copies.address - layout->vcpu.offset;
	err = gg_host_read_member(vcpu->kernel, vendor, &layout->block, &block);
	if (!err)
		err = gg_host_read_member(vcpu->kernel, vendor, &layout->own_block, &own);
	if (!err && own != block)
		err = read_block(vcpu, &layout->own_block, vcpu->own_block, &vcpu->has_own_block);
	return err;
}

// ---- Registers ----

// Tests BIT, an enumerator; 0, which is RAX, where the kernel does not have it.
static bool is_available(const struct vcpu *vcpu, const struct gg_member *bit)
{
	return bit->offset && bit->offset < 64 && vcpu->copies.available >> bit->offset & 1;
}

// Sets the control registers as the guest sees them, where RET has them as the hardware does.
static void set_control(const struct vcpu *vcpu, struct gg_registers *ret)
{
	const uint64_t cache_bits = 3 << 29; // CR0.CD and CR0.NW, which KVM keeps from the hardware
	const uint64_t cr0 = gg_register(ret, X86_CR0);
	const bool by_nested_paging = control(vcpu->block, CONTROL_NESTED) & NESTED_PAGING;
	gg_register_set(ret, X86_CR0,
			by_nested_paging ? (cr0 & ~cache_bits) | (vcpu->copies.cr0 & cache_bits)
					 : vcpu->copies.cr0);
	if (!by_nested_paging)
		gg_register_set(ret, X86_CR0 + 3, vcpu->copies.cr3);
	gg_register_set(ret, X86_CR4, vcpu->copies.cr4);
	gg_register_set(ret, X86_EFER, vcpu->copies.efer);
}

static void set_general(const struct vcpu *vcpu, struct gg_registers *ret)
{
	for (unsigned int i = 0; i < X86_GENERAL_REGISTERS; i++)
		if (vcpu->copies.available >> i & 1)
			gg_register_set(ret, X86_RAX + i, vcpu->copies.general[i]);
	if (vcpu->copies.available >> RIP & 1)
		gg_register_set(ret, X86_RIP, vcpu->copies.general[RIP]);
}

// Sets the registers that KVM has a copy of, where the hardware has the others.
static void set_copies(const struct vcpu *vcpu, struct gg_registers *ret)
{
	const struct layout *layout = &vcpu->layout;
	set_general(vcpu, ret);
	if (is_available(vcpu, &layout->has_cr0))
		gg_register_set(ret, X86_CR0, vcpu->copies.cr0);
	if (is_available(vcpu, &layout->has_cr3))
		gg_register_set(ret, X86_CR0 + 3, vcpu->copies.cr3);
	if (is_available(vcpu, &layout->has_cr4))
		gg_register_set(ret, X86_CR4, vcpu->copies.cr4);
	gg_register_set(ret, X86_EFER, vcpu->copies.efer);
}

// Sets the registers of a vCPU that no CPU executes.
static struct gg_error *set_saved(const struct vcpu *vcpu, struct gg_registers *ret)
{
	gg_registers_init(ret, &x86_registers, 8);
	if (!vcpu->has_block) {
		set_copies(vcpu, ret);
		return NULL;
	}
	struct gg_error *err = x86_read_guest_area(vcpu->block + X86_SAVE_AREA, ret);
	if (err)
		return err;
	set_general(vcpu, ret);
	set_control(vcpu, ret);
	gg_register_set(ret, X86_CR0 + 2, vcpu->copies.cr2);
	return NULL;
}

static void set_state(const struct vcpu *vcpu, struct gg_registers *ret)
{
	enum { MP_STATE_HALTED = 3 };
	gg_register_set(ret, X86_MP_STATE, vcpu->copies.state);
	gg_register_set(ret, X86_HALTED, vcpu->copies.state == MP_STATE_HALTED);
	gg_register_set(ret, X86_A20, 1);
	gg_register_learn(ret, X86_HFLAGS, 0, X86_HF_GUEST);
}

// Makes the vCPU's state that of a CPU in a guest of its own, whose registers STATE has.
static struct gg_error *set_own(const struct vcpu *vcpu, struct gg_cpu_state *state)
{
	gg_cpu_state_set_nested(state, "");
	return x86_read_vmrun_area(vcpu->own_block + X86_SAVE_AREA, &state->nested, &state->own);
}

static struct gg_error *set_registers(const struct vcpu *vcpu, const struct gg_vcpu_peers *peers,
				      const struct gg_registers *inside, struct gg_cpu_state *ret)
{
	struct gg_error *err = NULL;
	ret->nesting = GG_NOT_NESTED;
	ret->unknown[0] = ret->origin[0] = 0;
	if (vcpu->has_block && control(vcpu->block, CONTROL_NESTED) & SEV_ES)
		return gg_error_create(GG_UNSUPPORTED, "the hardware encrypts them (SEV-ES)");
	if (inside)
		gg_registers_copy(&ret->own, inside);
	else
		err = set_saved(vcpu, &ret->own);
	if (err)
		return err;
	if (inside && vcpu->has_block)
		set_control(vcpu, &ret->own);
	set_state(vcpu, &ret->own);
	if (!vcpu->has_block)
		return x86_read_vmx(vcpu->kernel, peers, &vcpu->copies, inside, ret);
	return vcpu->has_own_block ? set_own(vcpu, ret) : NULL;
}

struct gg_error *x86_read_vcpu(const struct gg_host *kernel, const struct gg_vcpu_peers *peers,
			       gg_gva_t vcpu, const struct gg_registers *inside,
			       struct gg_cpu_state *ret)
{
	struct x86_copies_layout copies;
	struct vcpu *read = calloc(1, sizeof(*read));
	if (!read)
		return gg_enomem;
	read->kernel = kernel;
	struct gg_error *err =
		gg_layout_resolve(kernel, rows, sizeof(rows) / sizeof(*rows), &read->layout);
	if (!err)
		err = x86_copies_layout_resolve(kernel, &copies);
	if (!err)
		err = x86_read_copies(kernel, &copies, vcpu, &read->copies);
	if (!err)
		err = read_blocks(read);
	if (!err)
		err = set_registers(read, peers, inside, ret);
	free(read);
	return err;
}
