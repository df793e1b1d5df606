// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guest-virtual memory: page tables, walked by libaddrxlat.
#ifndef GG_PAGE_TABLE_H
#define GG_PAGE_TABLE_H

#include "ram-map.h"

enum gg_pte_format { GG_PTE_X86_64 };

struct gg_paging {
	enum gg_pte_format format;
	unsigned int levels;
	gg_gpa_t root;
	uint64_t ignored_bits; // of each entry, besides the architecture's own (AMD's SME)
};

struct gg_page_table;

// MAP must outlive the page table.
struct gg_error *gg_page_table_create(const struct gg_ram_map *map, const struct gg_paging *paging,
				      struct gg_page_table **ret);

// NULL is allowed.
void gg_page_table_destroy(struct gg_page_table *table);

// What an address's surroundings are mapped to.
struct gg_mapping {
	bool present;
	gg_gpa_t gpa;  // of the address itself, if present
	uint64_t size; // from the address on, of what one entry maps, or of what a missing one does
		       // not
};

// An address that is not mapped is a mapping that is not present. GG_BAD_DATA for one that is not
// canonical; GG_FAULT, GG_ABSENT where a table itself cannot be read.
struct gg_error *gg_page_table_map(struct gg_page_table *table, gg_gva_t gva,
				   struct gg_mapping *ret);

// Reads SIZE bytes at GVA. GG_FAULT where one is not mapped.
struct gg_error *gg_page_table_read(struct gg_page_table *table, gg_gva_t gva, void *buffer,
				    size_t size);

#endif
