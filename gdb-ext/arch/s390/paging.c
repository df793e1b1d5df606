// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page tables of s390x (z/Architecture Principles of Operation, chapter 3, Dynamic Address
// Translation): an address-space-control element (ASCE) has the kind of the first table.
#include "s390.h"

#include <stdio.h>
#include <string.h>

enum {
	INVALID_TABLE = 0x20, // of a region or segment
	INVALID_PAGE = 0x400,
	LARGE = 0x400, // a segment of 1 MiB or a region of 2 GiB is a page
	PROTECTED = 0x200,
	SEGMENT = 2, // the levels
	REGION_THIRD = 3,
	MEGABYTE_BITS = 20,
	REGION_BITS = 31,
};

static bool is_large(const struct gg_page_entry *entry)
{
	return (entry->level == SEGMENT || entry->level == REGION_THIRD) && entry->value & LARGE;
}

static bool is_present(const struct gg_page_entry *entry)
{
	return !(entry->value & (entry->level == 1 ? INVALID_PAGE : INVALID_TABLE));
}

static void entry_flags(const struct gg_page_entry *entry, char text[GG_PAGE_FLAGS_SIZE])
{
	snprintf(text, GG_PAGE_FLAGS_SIZE, "%s%s%s", is_present(entry) ? "valid" : "not present",
		 is_large(entry) ? " large" : "", entry->value & PROTECTED ? " RO" : "");
}

static void decode(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	const unsigned int open = entry->level == 1         ? 12
				  : !is_large(entry)        ? (entry->level == SEGMENT ? 11 : 12)
				  : entry->level == SEGMENT ? MEGABYTE_BITS
							    : REGION_BITS;
	*ret = (struct gg_page_target){
		.present = is_present(entry),
		.is_page = entry->level == 1 || is_large(entry),
		.gpa = entry->value >> open << open,
	};
}

const struct gg_page_format s390_pages_none = { .address_bits = 64 };

const struct gg_page_format s390_pages = {
	.offset_bits = 12,
	.index_bits = { 8, 11, 11, 11, 11 },
	.address_bits = 64,
	.entry_size = 8,
	.big_endian = true,
	.names = { "PTE", "STE", "RTTE", "RSTE", "RFTE" },
	.decode = decode,
	.flags = entry_flags,
};

// Derives the tables of an ASCE. An address has no sign: bits that the tables do not translate are 0.
static bool describe_asce(uint64_t asce, struct gg_paging *ret)
{
	enum { REAL_SPACE = 0x20, KIND_SHIFT = 2, KIND = 3, SEGMENT_INPUT = 31, INDEX = 11 };
	const unsigned int kind = asce >> KIND_SHIFT & KIND;
	if (asce & REAL_SPACE)
		return false;
	*ret = (struct gg_paging){ .format = &s390_pages,
				   .levels = SEGMENT + kind,
				   .root = asce >> 12 << 12,
				   .half = GG_LOWER_HALF,
				   .input_bits =
					   kind == KIND ? 64 - 1 : SEGMENT_INPUT + INDEX * kind };
	return true;
}

// Returns the control register of the space that instructions are of: the home space, which is the kernel's, or
// the primary space, which is a program's in a program.
static unsigned int space_of(uint64_t mask)
{
	enum { SPACES = 3, HOME = 3 };
	return (mask >> S390_PSW_SPACE_SHIFT & SPACES) == HOME ? S390_C13 : S390_C1;
}

void s390_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	const uint64_t mask = gg_register(registers, S390_MASK);
	const unsigned int space = space_of(mask);
	*ret = (struct gg_paging){ .format = &s390_pages_none,
				   .unknown = !gg_register_known(registers, space) };
	if (!ret->unknown && mask & S390_PSW_DAT)
		describe_asce(gg_register(registers, space), ret);
}

// The home space is always the kernel's.
bool s390_other_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	return gg_register_known(registers, S390_C13) && gg_register(registers, S390_C13) &&
	       gg_register(registers, S390_C13) !=
		       gg_register(registers, space_of(gg_register(registers, S390_MASK))) &&
	       describe_asce(gg_register(registers, S390_C13), ret);
}
