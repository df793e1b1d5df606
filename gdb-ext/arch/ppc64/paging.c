// SPDX-License-Identifier: GPL-3.0-or-later
//
// The radix page tables of POWER (Power ISA, version 3.0B, book III, Radix Tree Translation), as Linux
// lays them out: 52 bits of an address, behind the quadrant in its top 2 bits. Entries are big-endian.
#include "ppc64.h"

#include <stdio.h>

#define VALID      (UINT64_C(1) << 63)
#define LEAF       (UINT64_C(1) << 62)
#define PAGE_MASK  UINT64_C(0x01fffffffffff000)
#define TABLE_MASK UINT64_C(0x0fffffffffffff00)

enum {
	PRIVILEGED = 8,
	READ = 4,
	WRITE = 2, // and read
	EXECUTE = 1,
	CHANGED = 0x80,
	REFERENCED = 0x100,
};

static void entry_flags(const struct gg_page_entry *entry, char text[GG_PAGE_FLAGS_SIZE])
{
	const uint64_t value = entry->value;
	if (!(value & VALID) || !(value & LEAF)) {
		snprintf(text, GG_PAGE_FLAGS_SIZE, "%s", value & VALID ? "V" : "not present");
		return;
	}
	snprintf(text, GG_PAGE_FLAGS_SIZE, "V leaf%s%s%s%s%s%s", value & PRIVILEGED ? " P" : "",
		 value & (READ | WRITE) ? " R" : "", value & WRITE ? " W" : "",
		 value & EXECUTE ? " X" : "", value & REFERENCED ? " A" : "",
		 value & CHANGED ? " D" : "");
}

static void decode(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	const bool is_page = entry->level == 1 || entry->value & LEAF;
	*ret = (struct gg_page_target){
		.present = entry->value & VALID,
		.is_page = is_page,
		.gpa = entry->value & (is_page ? PAGE_MASK : TABLE_MASK),
	};
}

const struct gg_page_format ppc64_pages_4k = {
	.offset_bits = 12,
	.index_bits = { 9, 9, 9, 13 },
	.address_bits = 64,
	.entry_size = 8,
	.big_endian = true,
	.upper = UINT64_C(0xc) << 60,
	.linear = PPC64_LINEAR_START,
	.linear_size = PPC64_LINEAR_END - PPC64_LINEAR_START,
	.names = { "PTE", "PMD", "PUD", "PGD" },
	.decode = decode,
	.flags = entry_flags,
};

const struct gg_page_format ppc64_pages_64k = {
	.offset_bits = 16,
	.index_bits = { 5, 9, 9, 13 },
	.address_bits = 64,
	.entry_size = 8,
	.big_endian = true,
	.upper = UINT64_C(0xc) << 60,
	.linear = PPC64_LINEAR_START,
	.linear_size = PPC64_LINEAR_END - PPC64_LINEAR_START,
	.names = { "PTE", "PMD", "PUD", "PGD" },
	.decode = decode,
	.flags = entry_flags,
};

static const struct gg_page_format pages_none = { .address_bits = 64 };

// The hypervisor has the place of a guest's tables, not the guest's registers.
void ppc64_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	*ret = (struct gg_paging){ .format = &pages_none,
				   .unknown = !gg_register_known(registers, PPC64_MSR) ||
					      gg_register(registers, PPC64_MSR) & PPC64_MSR_DR };
}
