// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page tables of AArch64 (Arm Architecture Reference Manual, D8: VMSAv8-64): granules of 4, 16 and 64
// KiB, two roots, descriptors with up to 52 bits of an address.
#include "arm64.h"

#include <stdio.h>
#include <string.h>

enum { VALID = 1, TABLE = 2 };

// Bits LOW to HIGH of VALUE.
static uint64_t bits(uint64_t value, unsigned int low, unsigned int high)
{
	return value >> low & ((UINT64_C(1) << (high - low + 1)) - 1);
}

// ---- Formats ----

static void entry_flags(const struct gg_page_entry *entry, char text[GG_PAGE_FLAGS_SIZE])
{
	enum { AP_USER = 6, AP_READ_ONLY = 7 };
	static const struct {
		unsigned int bit;
		const char *name;
	} flags[] = { { AP_USER, "USER" }, { AP_READ_ONLY, "RO" }, { 10, "AF" },
		      { 11, "nG" },        { 50, "GP" },           { 51, "DBM" },
		      { 52, "CONT" },      { 53, "PXN" },          { 54, "UXN" } };
	size_t used = 0;
	if (!(entry->value & VALID)) {
		strcpy(text, "not present");
		return;
	}
	const bool is_table = entry->value & TABLE && entry->level > 1;
	used = (size_t)snprintf(text, GG_PAGE_FLAGS_SIZE, "%s",
				is_table           ? "table"
				: entry->level > 1 ? "block"
						   : "page");
	for (size_t i = 0; !is_table && i < sizeof(flags) / sizeof(*flags); i++)
		if (entry->value >> flags[i].bit & 1 && used < GG_PAGE_FLAGS_SIZE)
			used += (size_t)snprintf(text + used, GG_PAGE_FLAGS_SIZE - used, " %s",
						 flags[i].name);
}

static void decode(const struct gg_page_entry *entry, uint64_t address, struct gg_page_target *ret)
{
	const bool has_table = entry->value & TABLE;
	*ret = (struct gg_page_target){
		// A block in the last table is reserved.
		.present = entry->value & VALID && (has_table || entry->level > 1),
		.is_page = entry->level == 1 || !has_table,
		.gpa = address,
	};
}

// A block's address has zeros, or other fields, in the bits that the address leaves open.
static uint64_t clear_below(const struct gg_page_entry *entry, uint64_t address,
			    unsigned int page_bits, unsigned int index_bits)
{
	const bool is_block = !(entry->value & TABLE);
	const unsigned int open = page_bits + (is_block ? (entry->level - 1) * index_bits : 0);
	return address >> open << open;
}

static void decode_4k(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	decode(entry, clear_below(entry, bits(entry->value, 12, 47) << 12, 12, 9), ret);
}

static void decode_16k(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	decode(entry, clear_below(entry, bits(entry->value, 14, 47) << 14, 14, 11), ret);
}

static void decode_64k(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	const uint64_t address = clear_below(entry, bits(entry->value, 16, 47) << 16, 16, 13);
	decode(entry, address | bits(entry->value, 12, 15) << 48, ret);
}

// With FEAT_LPA2: bits 48 and 49 in place, 50 and 51 in bits 8 and 9.
static void decode_4k_lpa2(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	const uint64_t address = clear_below(entry, bits(entry->value, 12, 49) << 12, 12, 9);
	decode(entry, address | bits(entry->value, 8, 9) << 50, ret);
}

static void decode_16k_lpa2(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	const uint64_t address = clear_below(entry, bits(entry->value, 14, 49) << 14, 14, 11);
	decode(entry, address | bits(entry->value, 8, 9) << 50, ret);
}

#define FORMAT(page_bits, ...)                                                                     \
	{                                                                                          \
		.offset_bits = page_bits, .address_bits = 64, .entry_size = 8,                     \
		.index_bits = { page_bits - 3, page_bits - 3, page_bits - 3, page_bits - 3,        \
				page_bits - 3 },                                                   \
		.names = { "PTE", "PMD", "PUD", "P4D", "PGD" }, .flags = entry_flags, __VA_ARGS__  \
	}

const struct gg_page_format arm64_pages_none = { .address_bits = 64 };
const struct gg_page_format arm64_pages_4k = FORMAT(12, .decode = decode_4k);
const struct gg_page_format arm64_pages_16k = FORMAT(14, .decode = decode_16k);
const struct gg_page_format arm64_pages_64k = FORMAT(16, .decode = decode_64k);
const struct gg_page_format arm64_pages_4k_lpa2 = FORMAT(12, .decode = decode_4k_lpa2);
const struct gg_page_format arm64_pages_16k_lpa2 = FORMAT(14, .decode = decode_16k_lpa2);

const struct gg_page_format *arm64_page_format(unsigned int page_bits, bool lpa2)
{
	switch (page_bits) {
	case 12:
		return lpa2 ? &arm64_pages_4k_lpa2 : &arm64_pages_4k;
	case 14:
		return lpa2 ? &arm64_pages_16k_lpa2 : &arm64_pages_16k;
	case 16:
		return &arm64_pages_64k;
	}
	return NULL;
}

unsigned int arm64_page_levels(const struct gg_page_format *format, unsigned int input_bits)
{
	const unsigned int index = format->index_bits[0];
	return (input_bits - format->offset_bits + index - 1) / index;
}

// ---- The tables in use ----

// The fields of TCR_EL1 that a half has, by their lowest bits: the size, EPDn (no walks), the granule, and
// log2 of the granules.
struct half_fields {
	unsigned int size, disable, granule;
	unsigned int page_bits[4];
};

// Derives the tables of a half; none where the CPU walks none. DS: descriptors of FEAT_LPA2.
static struct gg_page_half describe_half(uint64_t tcr, const struct half_fields *fields,
					 uint64_t ttbr)
{
	enum { DS = 59, MAX_INPUT = 52, MIN_INPUT = 25 };
	const unsigned int input = 64 - (unsigned int)bits(tcr, fields->size, fields->size + 5);
	const unsigned int page_bits =
		fields->page_bits[bits(tcr, fields->granule, fields->granule + 1)];
	const bool lpa2 = tcr >> DS & 1;
	const struct gg_page_format *format = arm64_page_format(page_bits, lpa2);
	if (!format || input > MAX_INPUT || input < MIN_INPUT || tcr >> fields->disable & 1)
		return (struct gg_page_half){ 0 };
	gg_gpa_t root = bits(ttbr, 1, 47) << 1;
	// A root beyond 48 bits has bits 48 to 51 in bits 2 to 5.
	if (page_bits == 16 || lpa2)
		root = (root & ~UINT64_C(0x3f)) | bits(ttbr, 2, 5) << 48;
	return (struct gg_page_half){ .format = format,
				      .levels = arm64_page_levels(format, input),
				      .input_bits = input,
				      .root = root };
}

void arm64_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	enum { M = 1, KERNEL = 1 };
	static const struct half_fields low = { 0, 7, 14, { 12, 16, 14, 0 } },
					high = { 16, 23, 30, { 0, 14, 12, 16 } };
	const uint64_t tcr = gg_register(registers, ARM64_TCR);
	const bool known = gg_register_known(registers, ARM64_TCR) &&
			   gg_register_known(registers, ARM64_TTBR0) &&
			   gg_register_known(registers, ARM64_TTBR1);
	*ret = (struct gg_paging){ .format = &arm64_pages_none, .unknown = !known };
	// EL2 and EL3 have tables of their own.
	if (!known || arm64_exception_level(registers) > KERNEL ||
	    (gg_register_known(registers, ARM64_SCTLR) &&
	     !(gg_register(registers, ARM64_SCTLR) & M)))
		return;
	const struct gg_page_half lower = describe_half(tcr, &low,
							gg_register(registers, ARM64_TTBR0)),
				  upper = describe_half(tcr, &high,
							gg_register(registers, ARM64_TTBR1));
	// Firmware has tables of the lower half alone.
	const struct gg_page_half *main = upper.levels ? &upper : &lower;
	if (!main->levels)
		return;
	*ret = (struct gg_paging){
		.format = main->format,
		.levels = main->levels,
		.input_bits = main->input_bits,
		.root = main->root,
		.half = main == &upper ? GG_UPPER_HALF : GG_LOWER_HALF,
	};
	if (main == &upper)
		ret->lower = lower;
}

// Returns the kernel's own root where TTBR1_EL1 may be a program's, whose tables map the trampoline alone: the CPU has an odd
// ASID then, and the kernel's root is two pages behind the trampoline's (Linux arch/arm64/include/asm/kernel-pgtable.h:
// TRAMP_SWAPPER_OFFSET; asm/mmu.h: USER_ASID_BIT; v4.21 to v7.2). A kernel without the trampoline has odd ASIDs, too.
bool arm64_other_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	enum { USER_ASID_BIT = 48, PAGES = 2 };
	arm64_paging(registers, ret);
	if (ret->half != GG_UPPER_HALF || !ret->levels ||
	    !(gg_register(registers, ARM64_TTBR1) >> USER_ASID_BIT & 1))
		return false;
	ret->root += (gg_gpa_t)PAGES << ret->format->offset_bits;
	return true;
}
