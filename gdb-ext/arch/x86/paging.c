// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page tables of x86 (Intel SDM, volume 3, chapters 2.5 and 4).
#include "x86.h"

#include <libkdumpfile/addrxlat.h>
#include <stdio.h>
#include <string.h>

// ---- Formats ----

// Intel SDM, volume 3, tables 4-4 to 4-20.
static void entry_flags(const struct gg_page_entry *entry, char text[GG_PAGE_FLAGS_SIZE])
{
	enum { PS = 7, NX = 63 };
	static const struct {
		unsigned int bit;
		const char *name;
	} flags[] = { { 0, "P" }, { 1, "RW" }, { 2, "US" },  { 3, "PWT" }, { 4, "PCD" },
		      { 5, "A" }, { 6, "D" },  { PS, "PS" }, { 8, "G" },   { NX, "NX" } };
	size_t used = 0;
	strcpy(text, entry->value & 1 ? "" : "not present");
	if (!(entry->value & 1))
		return;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		const bool is_last = entry->level == 1;
		const char *name = flags[i].bit == PS && is_last ? "PAT" : flags[i].name;
		if (entry->value >> flags[i].bit & 1)
			used += (size_t)snprintf(text + used, GG_PAGE_FLAGS_SIZE - used, "%s%s",
						 used ? " " : "", name);
	}
}

// Intel SDM, volume 3, table 4-20.
static bool find_page(uint64_t value, gg_gpa_t *ret)
{
	*ret = value & UINT64_C(0x000ffffffffff000);
	return value & 1;
}

const struct gg_page_format x86_pages_none = { .address_bits = 32 };

const struct gg_page_format x86_pages_64 = {
	.offset_bits = 12,
	.index_bits = { 9, 9, 9, 9, 9 },
	.address_bits = 64,
	.entry_size = 8,
	.names = { "PTE", "PDE", "PDPTE", "PML4E", "PML5E" },
	.walker = ADDRXLAT_PTE_X86_64,
	.page = find_page,
	.flags = entry_flags,
};

const struct gg_page_format x86_pages_32 = {
	.offset_bits = 12,
	.index_bits = { 10, 10 },
	.address_bits = 32,
	.entry_size = 4,
	.names = { "PTE", "PDE" },
	.walker = ADDRXLAT_PTE_IA32,
	.flags = entry_flags,
};

const struct gg_page_format x86_pages_pae = {
	.offset_bits = 12,
	.index_bits = { 9, 9, 2 },
	.address_bits = 32,
	.entry_size = 8,
	.names = { "PTE", "PDE", "PDPTE" },
	.walker = ADDRXLAT_PTE_IA32_PAE,
	.flags = entry_flags,
};

// ---- The tables in use ----

enum { CR0_PG = 1u << 31, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5, CR4_LA57 = 1 << 12 };

static bool has_bits(const struct gg_registers *registers, unsigned int id, uint64_t bits)
{
	return !(gg_register_unknown(registers, id) & bits);
}

// Tests whether the bits are known that tell the tables; of a guest of KVM's on Intel some others may be unknown.
static bool has_tables(const struct gg_registers *registers)
{
	const bool is_long = gg_register(registers, X86_HFLAGS) & X86_HF_LMA;
	const bool is_pae = gg_register(registers, X86_CR4) & CR4_PAE;
	const uint64_t cr4 = is_long ? CR4_LA57 : is_pae ? CR4_PAE : CR4_PAE | CR4_PSE;
	return has_bits(registers, X86_CR0 + 3, UINT64_MAX) &&
	       has_bits(registers, X86_HFLAGS, X86_HF_LMA) && has_bits(registers, X86_CR4, cr4);
}

void x86_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	enum { PDE_PS = 1 << 7 };
	const uint64_t cr3 = gg_register(registers, X86_CR0 + 3);
	const uint64_t cr4 = gg_register(registers, X86_CR4);
	*ret = (struct gg_paging){ .format = &x86_pages_none,
				   .unknown = !has_bits(registers, X86_CR0, CR0_PG) };
	if (ret->unknown || !(gg_register(registers, X86_CR0) & CR0_PG))
		return;
	ret->unknown = !has_tables(registers);
	if (ret->unknown)
		return;
	if (gg_register(registers, X86_HFLAGS) & X86_HF_LMA)
		*ret = (struct gg_paging){ .format = &x86_pages_64,
					   .levels = cr4 & CR4_LA57 ? 5 : 4,
					   .root = cr3 & UINT64_C(0x000ffffffffff000) };
	else if (cr4 & CR4_PAE)
		*ret = (struct gg_paging){ .format = &x86_pages_pae,
					   .levels = 3,
					   .root = cr3 & 0xffffffe0 };
	else
		*ret = (struct gg_paging){ .format = &x86_pages_32,
					   .levels = 2,
					   .root = cr3 & 0xfffff000,
					   .ignored_bits = cr4 & CR4_PSE ? 0 : PDE_PS };
}

// Returns the other root. With PTI a root is two pages, the even one the kernel's, the odd one a
// program's (Linux arch/x86/include/asm/pgtable.h: PTI_PGTABLE_SWITCH_BIT). Elsewhere bit 12 of CR3
// is part of the address, since v6.15 of any.
bool x86_other_paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	enum { PTI_USER = 1 << 12 };
	x86_paging(registers, ret);
	if (ret->format == &x86_pages_32 || !(ret->root & PTI_USER))
		return false;
	ret->root &= ~(gg_gpa_t)PTI_USER;
	return true;
}
