// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page tables of RISC-V (The RISC-V Instruction Set Manual, volume II, chapters on Sv39, Sv48 and
// Sv57): one format, of 3 to 5 levels.
#include "riscv.h"

#include <stdio.h>
#include <string.h>

enum {
	V = 1,
	R = 2,
	W = 4,
	X = 8,
	U = 0x10,
	A = 0x40,
	D = 0x80,
	PPN_SHIFT = 10,
	NAPOT_BITS = 4,
	KIND_SHIFT = 61, // of N and of the memory's type (Svpbmt)
	N_SHIFT = 63,
};

static uint64_t page_number(const struct gg_page_entry *entry)
{
	return entry->value >> PPN_SHIFT & ((UINT64_C(1) << 44) - 1);
}

static bool is_page(const struct gg_page_entry *entry)
{
	return entry->value & (R | W | X);
}

// Tests whether an entry that is valid is one that the CPU refuses all the same: W without R; a large page in
// disorder; N elsewhere than in the last table, or of another size than 64 KiB; a table behind the last
// one, or with the bits of a page.
static bool is_reserved(const struct gg_page_entry *entry)
{
	enum { LEVEL_BITS = 9, NAPOT_64K = 1 << (NAPOT_BITS - 1) };
	const uint64_t number = page_number(entry);
	if (!is_page(entry))
		return entry->level == 1 || entry->value & (U | A | D) ||
		       entry->value >> KIND_SHIFT;
	if ((entry->value & W && !(entry->value & R)) ||
	    number & ((UINT64_C(1) << LEVEL_BITS * (entry->level - 1)) - 1))
		return true;
	return entry->value >> N_SHIFT &&
	       (entry->level > 1 || (number & ((1 << NAPOT_BITS) - 1)) != NAPOT_64K);
}

static void entry_flags(const struct gg_page_entry *entry, char text[GG_PAGE_FLAGS_SIZE])
{
	static const struct {
		unsigned int bit;
		const char *name;
	} flags[] = { { 0, "V" }, { 1, "R" }, { 2, "W" }, { 3, "X" }, { 4, "U" },
		      { 5, "G" }, { 6, "A" }, { 7, "D" }, { 63, "N" } };
	size_t used = 0;
	strcpy(text, entry->value & V ? "" : "not present");
	if (!(entry->value & V))
		return;
	if (is_reserved(entry))
		used = (size_t)snprintf(text, GG_PAGE_FLAGS_SIZE, "reserved");
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (entry->value >> flags[i].bit & 1)
			used += (size_t)snprintf(text + used, GG_PAGE_FLAGS_SIZE - used, "%s%s",
						 used ? " " : "", flags[i].name);
}

// Bits 54 to 63 are the page's kind; an entry without R, W and X leads to a table. With N (Svnapot) a
// page of the last level is 64 KiB, and the low bits of its number tell the size.
static void decode(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	const uint64_t number = page_number(entry);
	*ret = (struct gg_page_target){
		.present = entry->value & V && !is_reserved(entry),
		.is_page = is_page(entry),
		.gpa = number << 12,
	};
	if (ret->present && entry->value >> N_SHIFT) {
		ret->gpa = number >> NAPOT_BITS << NAPOT_BITS << 12;
		ret->page_bits = 12 + NAPOT_BITS;
	}
}

const struct gg_page_format riscv_pages_none = { .address_bits = 64 };

const struct gg_page_format riscv_pages = {
	.offset_bits = 12,
	.index_bits = { 9, 9, 9, 9, 9 },
	.address_bits = 64,
	.entry_size = 8,
	.names = { "PTE", "PMD", "PUD", "P4D", "PGD" },
	.decode = decode,
	.flags = entry_flags,
};

// satp: the mode in bits 60 to 63, 8 to 10 for Sv39 to Sv57; the root's number in bits 0 to 43.
void riscv_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	enum { SV39 = 8, SV57 = 10, LEVELS_39 = 3 };
	const uint64_t satp = gg_register(registers, RISCV_SATP);
	const uint64_t mode = satp >> 60;
	*ret = (struct gg_paging){ .format = &riscv_pages_none,
				   .unknown = !gg_register_known(registers, RISCV_SATP) };
	if (ret->unknown || mode < SV39 || mode > SV57)
		return;
	*ret = (struct gg_paging){ .format = &riscv_pages,
				   .levels = (unsigned int)(mode - SV39) + LEVELS_39,
				   .root = (satp & ((UINT64_C(1) << 44) - 1)) << 12 };
}
