// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guest-virtual memory: page tables, walked by libaddrxlat.
#ifndef GG_PAGE_TABLE_H
#define GG_PAGE_TABLE_H

#include "ram-map.h"

enum gg_pte_format {
	GG_PTE_NONE, // paging is off: addresses, of 32 bits, are guest-physical
	GG_PTE_X86_64,
	GG_PTE_IA32,
	GG_PTE_IA32_PAE,
	GG_PTE_FORMATS
};

struct gg_paging {
	enum gg_pte_format format;
	unsigned int levels; // 0 for GG_PTE_NONE
	gg_gpa_t root;
	uint64_t ignored_bits; // of the root and each entry, besides the architecture's own (SME)
};

struct gg_page_table;

// MAP must outlive the page table.
struct gg_error *gg_page_table_create(const struct gg_ram_map *map, const struct gg_paging *paging,
				      struct gg_page_table **ret);

// NULL is allowed.
void gg_page_table_destroy(struct gg_page_table *table);

// An entry of a table that an address leads to.
struct gg_page_entry {
	unsigned int level; // 1 for the last table's, counting up to the root's
	gg_gpa_t gpa;       // where the entry is
	uint64_t value;
};

// What an address's surroundings are mapped to.
struct gg_mapping {
	bool present;
	gg_gpa_t gpa;  // of the address itself, if present
	uint64_t size; // from the address on, of what one entry maps, or of what a missing one does
		       // not
	uint64_t page_size;        // of all that the entry maps
	struct gg_page_entry last; // the entry itself, if not present
};

// An address that is not mapped is a mapping that is not present. GG_BAD_DATA for one that is not
// canonical; GG_FAULT, GG_ABSENT where a table itself cannot be read.
struct gg_error *gg_page_table_map(struct gg_page_table *table, gg_gva_t gva,
				   struct gg_mapping *ret);

// The same, with each entry on the way, the root's first. VISIT may be NULL; an error of its ends
// the walk.
struct gg_error *gg_page_table_walk(struct gg_page_table *table, gg_gva_t gva,
				    struct gg_error *(*visit)(void *data,
							      const struct gg_page_entry *entry),
				    void *data, struct gg_mapping *ret);

// The architecture's name for an entry of LEVEL: "PDE".
const char *gg_page_table_level_name(const struct gg_page_table *table, unsigned int level);

// Room for any entry's flags as a text.
enum { GG_PAGE_FLAGS_SIZE = 64 };

// The names of the flags that are set in an entry, "P RW US A", or "not present".
void gg_page_table_flags(const struct gg_page_table *table, const struct gg_page_entry *entry,
			 char text[GG_PAGE_FLAGS_SIZE]);

// Reads SIZE bytes at GVA. GG_FAULT where one is not mapped, with the entry that says so.
struct gg_error *gg_page_table_read(struct gg_page_table *table, gg_gva_t gva, void *buffer,
				    size_t size);

#endif
