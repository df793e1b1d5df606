// SPDX-License-Identifier: GPL-3.0-or-later
//
// The VMCB that any hypervisor has a vCPU's state in (AMD APM, volume 2, chapter 15.5 and appendix B), as it stands in
// memory.
//
// In:  a page.
// Out: whether the hardware could execute it, the nested page tables, registers.
// Trusts nothing it reads: a page counts only if VMRUN would accept it (APM, volume 2, chapter 15.5.1).
#include "x86.h"
#include "base/cursor.h"

// Offsets in the control area (AMD APM, volume 2, appendix B, table B-1).
enum {
	CONTROL_VMRUN = 0x10,
	CONTROL_ASID = 0x58,
	CONTROL_EXIT = 0x70,
	CONTROL_NESTED = 0x90,
	CONTROL_TABLES = 0xb0,
};

// Offsets in the page, of the save area (table B-2).
enum {
	SAVE_SEGMENTS = 0x400,
	SAVE_SEGMENTS_END = 0x4a0,
	SAVE_CPL = 0x4cb,
	SAVE_EFER = 0x4d0,
	SAVE_CR4 = 0x548,
	SAVE_CR3 = 0x550,
	SAVE_CR0 = 0x558,
	SAVE_DR7 = 0x560,
	SAVE_DR6 = 0x568,
	SAVE_RFLAGS = 0x570,
};

static uint64_t word(const uint8_t *page, uint64_t offset, unsigned int size)
{
	struct gg_cursor cursor = gg_cursor(page, X86_VMCB_SIZE, false, "the VMCB");
	uint64_t value = 0;
	gg_error_destroy(gg_cursor_member(&cursor, &(struct gg_member){ offset, size }, &value));
	return value;
}

// Tests the registers as VMRUN does, and the bits of RFLAGS, which never have another value.
static bool has_registers(const uint8_t *page)
{
	enum { PE = 1, NW = 1 << 29, CD = 1 << 30 };
	const uint64_t pg = UINT64_C(1) << 31, upper = UINT64_C(0xffffffff00000000);
	const uint64_t reserved_efer = ~UINT64_C(0x36fd01), reserved_flags = ~UINT64_C(0x3f7fd7);
	const uint64_t reserved_cr4 = ~UINT64_C(0x3ffffff);
	const uint64_t efer = word(page, SAVE_EFER, 8), cr0 = word(page, SAVE_CR0, 8),
		       flags = word(page, SAVE_RFLAGS, 8);
	if (!(efer & X86_EFER_SVME) || efer & reserved_efer)
		return false;
	if (cr0 & upper || (cr0 & NW && !(cr0 & CD)) || (cr0 & pg && !(cr0 & PE)))
		return false;
	if (!(flags & 2) || flags & reserved_flags)
		return false;
	return !(word(page, SAVE_CR4, 8) & reserved_cr4) && !(word(page, SAVE_CR3, 8) >> 52) &&
	       !(word(page, SAVE_DR6, 8) & upper) && !(word(page, SAVE_DR7, 8) & upper) &&
	       word(page, SAVE_CPL, 1) <= 3;
}

// Tests the attributes of the segments, of which no segment has more than 12 bits.
static bool has_segments(const uint8_t *page)
{
	enum { SEGMENT = 16, ATTRIBUTES = 2, MOST = 0xfff };
	for (uint64_t at = SAVE_SEGMENTS; at < SAVE_SEGMENTS_END; at += SEGMENT)
		if (word(page, at + ATTRIBUTES, 2) > MOST)
			return false;
	return true;
}

bool x86_control_block(const uint8_t *page, struct gg_control_block *ret)
{
	enum { NESTED_PAGING = 1, SEV = 2, SEV_ES = 4 };
	const uint64_t nested = word(page, CONTROL_NESTED, 8);
	*ret = (struct gg_control_block){ 0 };
	if (!(word(page, CONTROL_VMRUN, 4) & 1) || !word(page, CONTROL_ASID, 4) ||
	    !has_registers(page) || !has_segments(page))
		return false;
	ret->exit = word(page, CONTROL_EXIT, 8);
	ret->encrypted = nested & SEV_ES ? "SEV-ES" : nested & SEV ? "SEV" : NULL;
	ret->has_tables = nested & NESTED_PAGING;
	ret->tables = (struct gg_paging){ .format = &x86_pages_64,
					  .root = word(page, CONTROL_TABLES, 8) };
	return !ret->has_tables || !(ret->tables.root & ~UINT64_C(0x000ffffffffff000));
}

// The bit of EFER is set in each VMCB, whatever the guest has.
void x86_leave_nesting(struct gg_registers *registers)
{
	gg_register_forget(registers, X86_EFER, X86_EFER_SVME);
	gg_register_learn(registers, X86_HFLAGS, 0, X86_HF_GUEST);
}

struct gg_error *x86_read_control_block(const uint8_t *page, struct gg_registers *ret)
{
	enum { MP_RUNNABLE = 0 };
	gg_registers_init(ret, &x86_registers, 8);
	struct gg_error *err = x86_read_guest_area(page + X86_SAVE_AREA, ret);
	if (err)
		return err;
	gg_register_set(ret, X86_A20, 1);
	x86_leave_nesting(ret);
	return NULL;
}

bool x86_control_block_place(const struct gg_registers *nested, gg_gpa_t *ret)
{
	*ret = gg_register(nested, X86_VM_VMCB);
	return gg_register_known(nested, X86_VM_VMCB);
}
