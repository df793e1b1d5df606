// SPDX-License-Identifier: GPL-3.0-or-later
//
// The save area of a VMCB (AMD APM, volume 2, appendix B, table B-2): a guest's registers, or the registers that VMRUN
// saved.
//
// In:  the area's bytes.
// Out: registers.
#include "x86.h"

// Offsets in the save area.
enum {
	SAVE_ES = 0x00,
	SAVE_CS = 0x10,
	SAVE_SS = 0x20,
	SAVE_DS = 0x30,
	SAVE_FS = 0x40,
	SAVE_GS = 0x50,
	SAVE_GDTR = 0x60,
	SAVE_LDTR = 0x70,
	SAVE_IDTR = 0x80,
	SAVE_TR = 0x90,
	SAVE_CPL = 0xcb,
	SAVE_EFER = 0xd0,
	SAVE_CR4 = 0x148,
	SAVE_CR3 = 0x150,
	SAVE_CR0 = 0x158,
	SAVE_DR7 = 0x160,
	SAVE_DR6 = 0x168,
	SAVE_RFLAGS = 0x170,
	SAVE_RIP = 0x178,
	SAVE_RSP = 0x1d8,
	SAVE_RAX = 0x1f8,
	SAVE_STAR = 0x200,
	SAVE_LSTAR = 0x208,
	SAVE_CSTAR = 0x210,
	SAVE_SFMASK = 0x218,
	SAVE_KERNEL_GS_BASE = 0x220,
	SAVE_SYSENTER_CS = 0x228,
	SAVE_SYSENTER_ESP = 0x230,
	SAVE_SYSENTER_EIP = 0x238,
	SAVE_CR2 = 0x240,
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

struct scalar {
	unsigned int offset;
	enum x86_register id;
};

static struct gg_error *set_scalars(struct gg_cursor *area, const struct scalar *scalars,
				    size_t count, struct gg_registers *registers)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++)
		err = set(area, scalars[i].offset, 8, registers, scalars[i].id);
	return err;
}

// The registers that VMRUN saves.
static const struct scalar vmrun_scalars[] = {
	{ SAVE_EFER, X86_EFER },         { SAVE_CR4, X86_CR4 }, { SAVE_CR3, X86_CR0 + 3 },
	{ SAVE_CR0, X86_CR0 },           { SAVE_RIP, X86_RIP }, { SAVE_RFLAGS, X86_RFLAGS },
	{ SAVE_RFLAGS, X86_RAW_EFLAGS }, { SAVE_RSP, X86_RSP }, { SAVE_RAX, X86_RAX },
};

// The other registers of a guest.
static const struct scalar guest_scalars[] = {
	{ SAVE_DR6, X86_DR0 + 6 },
	{ SAVE_DR7, X86_DR7 },
	{ SAVE_STAR, X86_STAR },
	{ SAVE_LSTAR, X86_LSTAR },
	{ SAVE_CSTAR, X86_CSTAR },
	{ SAVE_SFMASK, X86_FMASK },
	{ SAVE_KERNEL_GS_BASE, X86_KERNEL_GS_BASE },
	{ SAVE_SYSENTER_CS, X86_SYSENTER_CS },
	{ SAVE_SYSENTER_ESP, X86_SYSENTER_ESP },
	{ SAVE_SYSENTER_EIP, X86_SYSENTER_EIP },
	{ SAVE_CR2, X86_CR0 + 2 },
};

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

struct segment {
	unsigned int offset;
	enum x86_register id;
	bool is_table; // with a base and a limit only
};

static struct gg_error *set_segments(struct gg_cursor *area, const struct segment *segments,
				     size_t count, struct gg_registers *registers)
{
	enum { SELECTOR = 0, ATTRIBUTES = 2, LIMIT = 4, BASE = 8 };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++) {
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

static const struct segment vmrun_segments[] = {
	{ SAVE_ES, X86_ES, false }, { SAVE_CS, X86_CS, false },   { SAVE_SS, X86_SS, false },
	{ SAVE_DS, X86_DS, false }, { SAVE_GDTR, X86_GDT, true }, { SAVE_IDTR, X86_IDT, true },
};

static const struct segment guest_segments[] = {
	{ SAVE_FS, X86_FS, false },
	{ SAVE_GS, X86_GS, false },
	{ SAVE_LDTR, X86_LDT, false },
	{ SAVE_TR, X86_TR, false },
};

// Derives hflags of a CPU at privilege level CPL that executes no nested guest.
static void derive_hflags(struct gg_registers *registers, uint64_t cpl)
{
	enum { CR0_PE = 1, RFLAGS_VM = 1 << 17 };
	const bool long_mode = gg_register(registers, X86_EFER) & X86_EFER_LMA;
	uint64_t hflags = cpl & X86_HF_CPL;
	if (gg_register(registers, X86_CR0) & CR0_PE)
		hflags |= X86_HF_PE;
	if (long_mode)
		hflags |= X86_HF_LMA;
	if (long_mode && gg_register(registers, X86_CS + X86_FLAGS) & X86_DESC_L)
		hflags |= X86_HF_CS64;
	if (gg_register(registers, X86_RFLAGS) & RFLAGS_VM)
		hflags |= X86_HF_VM;
	gg_register_learn(registers, X86_HFLAGS, hflags,
			  X86_HF_CPL | X86_HF_PE | X86_HF_LMA | X86_HF_CS64 | X86_HF_VM |
				  X86_HF_GUEST);
}

enum {
	VMRUN_SCALARS = sizeof(vmrun_scalars) / sizeof(*vmrun_scalars),
	VMRUN_SEGMENTS = sizeof(vmrun_segments) / sizeof(*vmrun_segments),
	GUEST_SCALARS = sizeof(guest_scalars) / sizeof(*guest_scalars),
	GUEST_SEGMENTS = sizeof(guest_segments) / sizeof(*guest_segments),
};

struct gg_error *x86_read_vmrun_area(const uint8_t *bytes, const struct gg_registers *nested,
				     struct gg_registers *ret)
{
	struct gg_cursor area = gg_cursor(bytes, X86_VMRUN_AREA_SIZE, false, "the save area");
	gg_registers_init(ret, nested->set, nested->word);
	struct gg_error *err = set_scalars(&area, vmrun_scalars, VMRUN_SCALARS, ret);
	if (!err)
		err = set_segments(&area, vmrun_segments, VMRUN_SEGMENTS, ret);
	// VMRUN is an instruction of ring 0, and no instruction of virtual-8086 mode.
	if (!err)
		derive_hflags(ret, 0);
	// A20 is the machine's, whatever the CPU executes.
	gg_register_copy(ret, X86_A20, nested);
	return err;
}

struct gg_error *x86_read_guest_area(const uint8_t *bytes, struct gg_registers *ret)
{
	uint64_t cpl;
	struct gg_cursor area = gg_cursor(bytes, X86_GUEST_AREA_SIZE, false, "the save area");
	struct gg_error *err = set_scalars(&area, vmrun_scalars, VMRUN_SCALARS, ret);
	if (!err)
		err = set_scalars(&area, guest_scalars, GUEST_SCALARS, ret);
	if (!err)
		err = set_segments(&area, vmrun_segments, VMRUN_SEGMENTS, ret);
	if (!err)
		err = set_segments(&area, guest_segments, GUEST_SEGMENTS, ret);
	if (!err)
		err = gg_cursor_member(&area, &(struct gg_member){ SAVE_CPL, 1 }, &cpl);
	if (!err)
		derive_hflags(ret, cpl);
	return err;
}
