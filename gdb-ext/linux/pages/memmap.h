// SPDX-License-Identifier: GPL-3.0-or-later
//
// The places of a kernel's struct pages: the memmap, by any of Linux's memory models.
#ifndef GG_MEMMAP_H
#define GG_MEMMAP_H

#include "linux/arch-ops.h"

// Struct pages that are neighbours.
struct gg_memmap_span {
	uint64_t pfn, count; // at least 1
	gg_gva_t address;    // of the struct page of PFN; 0 where these pages have no struct page
};

struct gg_memmap_options {
	const struct gg_vmcoreinfo *info;
	const struct gg_host *memory; // by virtual address
	uint64_t page_size;           // of a page, in bytes
	uint64_t struct_size;         // of a struct page
	unsigned int section_bits;    // log2 of a section's bytes without a key; 0: not known
	uint64_t present_pfn;         // a page that has a struct page: of the kernel's image
};

struct gg_memmap;

// Finds the memmap. INFO and MEMORY must outlive RET. GG_NOT_FOUND where VMCOREINFO lacks keys, GG_BAD_DATA
// where the memmap does not have the present page.
struct gg_error *gg_memmap_create(const struct gg_memmap_options *options, struct gg_memmap **ret);

// MEMMAP may be NULL.
void gg_memmap_destroy(struct gg_memmap *memmap);

// Finds the span from PFN on. Memory that cannot be read counts as pages without struct pages; only final
// errors are returned.
struct gg_error *gg_memmap_find(struct gg_memmap *memmap, uint64_t pfn, struct gg_memmap_span *ret);

// Returns the name of the memory model.
const char *gg_memmap_model(const struct gg_memmap *memmap);

// Returns the number of pages of the memmap that could not be looked up.
uint64_t gg_memmap_unread(const struct gg_memmap *memmap);

#endif
