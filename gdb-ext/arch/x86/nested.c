// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's own registers of an x86 CPU that executes a nested guest: those that VMRUN saved before
// it loaded the nested guest's (AMD APM, volume 2, chapter 15.5.1). Other registers stay with the
// CPU, and are the nested guest's by now.
//
// In:  under TCG the host save area in the guest's RAM; under KVM struct kvm_nested_state in QEMU's
//      memory (Linux arch/x86/include/uapi/asm/kvm.h, Documentation/virt/kvm/api.rst). Both have
//      the layout of a VMCB (APM, volume 2, appendix B). VMX saves no such
//      area.
// Out: the registers that VMRUN saves.
// Trusts nothing it reads: an area that does not lead back to this VMRUN is not used.
#include "x86.h"

#include <inttypes.h>

enum {
	SAVE_AREA = 0x400, // in the page
	SAVE_SIZE = 0x200,
};

// Offsets in the save area.
enum {
	SAVE_ES = 0x00,
	SAVE_CS = 0x10,
	SAVE_SS = 0x20,
	SAVE_DS = 0x30,
	SAVE_GDTR = 0x60,
	SAVE_IDTR = 0x80,
	SAVE_EFER = 0xd0,
	SAVE_CR4 = 0x148,
	SAVE_CR3 = 0x150,
	SAVE_CR0 = 0x158,
	SAVE_RFLAGS = 0x170,
	SAVE_RIP = 0x178,
	SAVE_RSP = 0x1d8,
	SAVE_RAX = 0x1f8,
};

// ---- The save area ----

static struct gg_error *set(struct gg_cursor *area, uint64_t offset, unsigned int size,
			    struct gg_registers *registers, unsigned int id)
{
	uint64_t value;
	struct gg_error *err = gg_cursor_member(area, &(struct gg_member){ offset, size }, &value);
	if (!err)
		gg_register_set(registers, id, value);
	return err;
}

static struct gg_error *set_scalars(struct gg_cursor *area, struct gg_registers *registers)
{
	static const struct {
		unsigned int offset;
		enum x86_register id;
	} scalars[] = {
		{ SAVE_EFER, X86_EFER },         { SAVE_CR4, X86_CR4 }, { SAVE_CR3, X86_CR0 + 3 },
		{ SAVE_CR0, X86_CR0 },           { SAVE_RIP, X86_RIP }, { SAVE_RFLAGS, X86_RFLAGS },
		{ SAVE_RFLAGS, X86_RAW_EFLAGS }, { SAVE_RSP, X86_RSP }, { SAVE_RAX, X86_RAX },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(scalars) / sizeof(*scalars); i++)
		err = set(area, scalars[i].offset, 8, registers, scalars[i].id);
	return err;
}

// Sets a descriptor's attributes. The area lacks the parts that repeat base and limit; the limit's
// part is bits 16 to 19 of the limit before it was scaled.
static struct gg_error *set_attributes(struct gg_cursor *area, uint64_t offset,
				       struct gg_registers *registers, unsigned int id)
{
	const uint64_t base_parts = 0xff0000ff;
	enum { GRANULARITY = 1 << 23, LIMIT_SHIFT = 16, SCALE = 12 };
	uint64_t attributes;
	struct gg_error *err =
		gg_cursor_member(area, &(struct gg_member){ offset, 2 }, &attributes);
	if (err)
		return err;
	uint64_t flags = (attributes & 0xff) << 8 | (attributes & 0xf00) << 12;
	const uint64_t limit = gg_register(registers, id + X86_LIMIT);
	if (flags)
		flags |= (limit >> (flags & GRANULARITY ? LIMIT_SHIFT + SCALE : LIMIT_SHIFT) & 0xf)
			 << LIMIT_SHIFT;
	gg_register_learn(registers, id + X86_FLAGS, flags, flags ? ~base_parts : UINT64_MAX);
	return NULL;
}

static struct gg_error *set_segments(struct gg_cursor *area, struct gg_registers *registers)
{
	enum { SELECTOR = 0, ATTRIBUTES = 2, LIMIT = 4, BASE = 8 };
	static const struct {
		unsigned int offset;
		enum x86_register id;
		bool is_table;
	} segments[] = {
		{ SAVE_ES, X86_ES, false },   { SAVE_CS, X86_CS, false },
		{ SAVE_SS, X86_SS, false },   { SAVE_DS, X86_DS, false },
		{ SAVE_GDTR, X86_GDT, true }, { SAVE_IDTR, X86_IDT, true },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(segments) / sizeof(*segments); i++) {
		const unsigned int id = segments[i].id, offset = segments[i].offset;
		err = set(area, offset + BASE, 8, registers, id + X86_BASE);
		if (!err)
			err = set(area, offset + LIMIT, 4, registers, id + X86_LIMIT);
		if (segments[i].is_table) {
			gg_register_set(registers, id + X86_SELECTOR, 0);
			gg_register_set(registers, id + X86_FLAGS, 0);
			continue;
		}
		if (!err)
			err = set(area, offset + SELECTOR, 2, registers, id + X86_SELECTOR);
		if (!err)
			err = set_attributes(area, offset + ATTRIBUTES, registers, id);
	}
	return err;
}

// Derives hflags: VMRUN is an instruction of ring 0, and no instruction of virtual-8086 mode.
static void derive_hflags(struct gg_registers *registers)
{
	enum { CR0_PE = 1 };
	const bool long_mode = gg_register(registers, X86_EFER) & X86_EFER_LMA;
	uint64_t hflags = 0;
	if (gg_register(registers, X86_CR0) & CR0_PE)
		hflags |= X86_HF_PE;
	if (long_mode)
		hflags |= X86_HF_LMA;
	if (long_mode && gg_register(registers, X86_CS + X86_FLAGS) & X86_DESC_L)
		hflags |= X86_HF_CS64;
	gg_register_learn(registers, X86_HFLAGS, hflags,
			  X86_HF_CPL | X86_HF_PE | X86_HF_LMA | X86_HF_CS64 | X86_HF_VM |
				  X86_HF_GUEST);
}

static struct gg_error *read_area(const void *bytes, const struct gg_registers *nested,
				  struct gg_registers *ret)
{
	struct gg_cursor area = gg_cursor(bytes, SAVE_SIZE, false, "the save area");
	gg_registers_init(ret, nested->set, nested->word);
	struct gg_error *err = set_scalars(&area, ret);
	if (!err)
		err = set_segments(&area, ret);
	if (!err)
		derive_hflags(ret);
	// A20 is the machine's, whatever the CPU executes.
	gg_register_copy(ret, X86_A20, nested);
	return err;
}

// Checks that a CPU can have executed VMRUN: with EFER.SVME, in protected mode, and with the bit of
// RFLAGS that is always set.
static struct gg_error *check_area(const struct gg_registers *registers)
{
	enum { CR0_PE = 1, RFLAGS_FIXED = 1 << 1 };
	const uint64_t efer = gg_register(registers, X86_EFER),
		       cr0 = gg_register(registers, X86_CR0),
		       rflags = gg_register(registers, X86_RFLAGS);
	if (efer & X86_EFER_SVME && cr0 & CR0_PE && rflags & RFLAGS_FIXED)
		return NULL;
	return gg_error_create(GG_BAD_DATA,
			       "EFER 0x%" PRIx64 ", CR0 0x%" PRIx64 " and RFLAGS 0x%" PRIx64
			       " are not those of a CPU that executed VMRUN",
			       efer, cr0, rflags);
}

// ---- TCG ----

// Checks that RAX was the VMCB's address (QEMU target/i386/tcg/sysemu/svm_helper.c, v7.2,
// helper_vmrun): in code of 32 bits its lower half.
static struct gg_error *check_vmcb(const struct gg_registers *saved, uint64_t vmcb)
{
	const bool long_mode = gg_register(saved, X86_HFLAGS) & X86_HF_LMA;
	const uint64_t rax = gg_register(saved, X86_RAX);
	if (vmcb == (long_mode ? rax : (uint32_t)rax))
		return NULL;
	return gg_error_create(GG_BAD_DATA, "RAX is 0x%" PRIx64 ", but the VMCB is at 0x%" PRIx64,
			       rax, vmcb);
}

static struct gg_error *read_tcg(const struct gg_ram_map *map, const struct gg_registers *nested,
				 struct gg_registers *ret)
{
	uint8_t bytes[SAVE_SIZE];
	if (!map)
		return gg_error_create(GG_UNSUPPORTED, "the guest's RAM is not known");
	if (!gg_register_known(nested, X86_VM_HSAVE) || !gg_register_known(nested, X86_VM_VMCB))
		return gg_error_create(
			GG_UNSUPPORTED,
			"the places of env.vm_hsave and env.vm_vmcb in this QEMU are not known");
	const gg_gpa_t hsave = gg_register(nested, X86_VM_HSAVE);
	struct gg_error *err = gg_ram_map_read(map, hsave + SAVE_AREA, bytes, sizeof(bytes));
	if (!err)
		err = read_area(bytes, nested, ret);
	if (!err)
		err = check_area(ret);
	if (!err)
		err = check_vmcb(ret, gg_register(nested, X86_VM_VMCB));
	return err ? gg_error_context(err, "the host save area at guest-physical 0x%" PRIx64, hsave)
		   : NULL;
}

// ---- KVM ----

// KVM's state of a nested guest has the VMCB's control area, and behind it L1's own registers
// (Linux arch/x86/kvm/svm/nested.c, svm_get_nested_state(), since v5.8).
static struct gg_error *read_kvm(const struct gg_host *host, const struct gg_registers *nested,
				 struct gg_registers *ret)
{
	enum { HEADER = 128, FORMAT_SVM = 1, GUEST_MODE = 1 };
	static const struct gg_member flags = { 0, 2 }, format = { 2, 2 }, size = { 4, 4 };
	uint8_t bytes[SAVE_SIZE];
	uint64_t flag_bits, kind, bytes_held;
	const uint64_t state = gg_register(nested, X86_NESTED_STATE);
	if (!gg_register_known(nested, X86_NESTED_STATE) || !state)
		return gg_error_create(GG_UNSUPPORTED, "KVM has them, and QEMU has no copy");
	struct gg_error *err = gg_host_read_member(host, state, &flags, &flag_bits);
	if (!err)
		err = gg_host_read_member(host, state, &format, &kind);
	if (!err)
		err = gg_host_read_member(host, state, &size, &bytes_held);
	if (!err && kind != FORMAT_SVM)
		return gg_error_create(GG_UNSUPPORTED,
				       "KVM has them, in a format that is not SVM's (%" PRIu64 ")",
				       kind);
	if (!err && (!(flag_bits & GUEST_MODE) || bytes_held < HEADER + SAVE_AREA + SAVE_SIZE))
		err = gg_error_create(GG_BAD_DATA,
				      "its flags are 0x%" PRIx64 ", its size is %" PRIu64
				      ", which is not a nested guest's",
				      flag_bits, bytes_held);
	if (!err)
		err = gg_host_read(host, state + HEADER + SAVE_AREA, bytes, sizeof(bytes));
	if (!err)
		err = read_area(bytes, nested, ret);
	if (!err)
		err = check_area(ret);
	return err ? gg_error_context(err, "KVM's nested state in QEMU at 0x%" PRIx64, state)
		   : NULL;
}

// ---- Both ----

struct gg_error *x86_read_saved(const struct gg_ram_map *map, const struct gg_host *host,
				const struct gg_qemu_cpu *cpu, const struct gg_registers *nested,
				struct gg_registers *ret)
{
	return cpu->accelerator == GG_ACCELERATOR_KVM ? read_kvm(host, nested, ret)
						      : read_tcg(map, nested, ret);
}

// QEMU's monitor does not print HF_GUEST. But a CPU in a nested guest has SVM or VMX turned on: VMRUN
// refuses an EFER without SVME (AMD APM, volume 2, chapter 15.5.1), VMX a CR4 without VMXE (Intel
// SDM, volume 3, appendix A.8).
enum gg_nesting x86_nesting(const struct gg_registers *registers)
{
	enum { CR4_VMXE = 1 << 13 };
	if (!(gg_register_unknown(registers, X86_HFLAGS) & X86_HF_GUEST))
		return gg_register(registers, X86_HFLAGS) & X86_HF_GUEST ? GG_NESTED
									 : GG_NOT_NESTED;
	return gg_register(registers, X86_EFER) & X86_EFER_SVME ||
			       gg_register(registers, X86_CR4) & CR4_VMXE
		       ? GG_MAYBE_NESTED
		       : GG_NOT_NESTED;
}
