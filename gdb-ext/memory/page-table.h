// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guest-virtual memory: page tables, walked by libaddrxlat where it knows their format.
#ifndef GG_PAGE_TABLE_H
#define GG_PAGE_TABLE_H

#include "ram-map.h"

enum {
	GG_PAGE_LEVELS = 5,
	GG_PAGE_FLAGS_SIZE = 64, // room for any entry's flags as a text
};

// An entry of a table that an address leads to.
struct gg_page_entry {
	unsigned int level; // 1 for the last table's, counting up to the root's
	gg_gpa_t gpa;       // the place of the entry
	uint64_t value;
};

typedef struct gg_error *gg_visit_entry_fn(void *data, const struct gg_page_entry *entry);

// The meaning of an entry.
struct gg_page_target {
	bool present;
	bool is_page; // the entry maps a page, though its table may not be the last one
	gg_gpa_t gpa; // of that page, or of the next table
	// Bits of an address in that page, if more than its level leaves open: pages side by side with
	// entries of their own; else 0.
	unsigned int page_bits;
};

// A format of page tables: a row each, in the folder of the architecture. libaddrxlat walks most
// formats; DECODE is for a format that it does not know.
struct gg_page_format {
	unsigned int offset_bits;                // of an address in a page of the last table's
	unsigned int index_bits[GG_PAGE_LEVELS]; // of each level's table, the last table's first
	unsigned int address_bits;               // 64: libaddrxlat checks the upper ones
	unsigned int entry_size;                 // in bytes
	bool big_endian;
	gg_gva_t
		upper; // of the upper half's addresses, the bits above those that are translated; 0: all ones
	const char *names[GG_PAGE_LEVELS]; // of the entries; NULL: "entry"
	// The addresses that are mapped without tables where the levels are 0, from guest-physical 0 on. Size 0: all
	// addresses, which are guest-physical.
	gg_gva_t linear;
	uint64_t linear_size;
	int walker; // libaddrxlat's addrxlat_pte_format_t, without DECODE
	void (*decode)(const struct gg_page_entry *entry, struct gg_page_target *ret);
	// Finds the page of VALUE, an entry of the last table; false where the entry is not present. NULL: a
	// neighbour of an address is walked to anew.
	bool (*page)(uint64_t value, gg_gpa_t *ret);
	// Writes the names of the flags that are set in an entry: "P RW US A". NULL: none are named.
	void (*flags)(const struct gg_page_entry *entry, char text[GG_PAGE_FLAGS_SIZE]);
};

// The halves of addresses, by bit 55, that tables translate: both, or one, where each half has tables of
// its own.
enum gg_page_halves { GG_BOTH_HALVES, GG_UPPER_HALF, GG_LOWER_HALF };

// The tables of a half.
struct gg_page_half {
	const struct gg_page_format *format;
	unsigned int levels; // 0: no tables
	unsigned int
		input_bits; // of an address that the tables translate; the others are all alike
	gg_gpa_t root;
};

struct gg_paging {
	const struct gg_page_format *format;
	unsigned int levels; // 0: paging is off, addresses are guest-physical
	bool unknown;        // the CPU's registers do not tell; levels are 0
	gg_gpa_t root;
	enum gg_page_halves half;
	unsigned int input_bits;   // of one half; 0 with both halves
	struct gg_page_half lower; // beside tables of the upper half: the CPU's of the lower half
	uint64_t ignored_bits; // of the root and each entry, besides the architecture's own (SME)
};

struct gg_page_table;

// MAP must outlive the page table.
struct gg_error *gg_page_table_create(const struct gg_ram_map *map, const struct gg_paging *paging,
				      struct gg_page_table **ret);

// NULL is allowed.
void gg_page_table_destroy(struct gg_page_table *table);

// Creates the page table of the same format as TABLE whose root is at ROOT.
struct gg_error *gg_page_table_create_sibling(const struct gg_page_table *table, gg_gpa_t root,
					      struct gg_page_table **ret);

// Returns the size of a page of the last level's table.
uint64_t gg_page_table_page_size(const struct gg_page_table *table);

// The mapping of an address and its surroundings.
struct gg_mapping {
	bool present;
	gg_gpa_t gpa;       // of the address itself, if present
	uint64_t size;      // from the address to the end of the page, or of a missing entry's area
	uint64_t page_size; // of the page, or of the missing entry's area
	struct gg_page_entry last; // the entry itself, if not present
};

// Maps GVA; the mapping of an address that is not mapped is not present. GG_BAD_DATA for an address
// that is not canonical; GG_FAULT, GG_ABSENT where a table itself cannot be read.
struct gg_error *gg_page_table_map(struct gg_page_table *table, gg_gva_t gva,
				   struct gg_mapping *ret);

// Finds the page of ENTRY, an entry that is not present for the hardware, where the kernel has a page
// there all the same: the hardware is to tell of the next use.
typedef bool gg_hidden_page_fn(const struct gg_page_entry *entry, gg_gpa_t *ret);

// Makes gg_page_table_map() and gg_page_table_read() find the pages that HIDDEN finds; NULL for none.
void gg_page_table_show_hidden(struct gg_page_table *table, gg_hidden_page_fn *hidden);

enum { GG_PAGE_LEAF_SIZE = 4096 };

// The table of the last level that a walk came to, for the addresses beside it. Zeros at first.
struct gg_page_leaf {
	gg_gva_t start; // of the addresses that the table maps
	uint64_t size;  // of these addresses; 0: there is no table
	gg_gpa_t gpa;   // of the table
	uint8_t bytes[GG_PAGE_LEAF_SIZE];
};

// Maps GVA as gg_page_table_map() does. The size of the mapping reaches over the neighbours in LEAF's table that
// follow: pages side by side, or empty entries.
struct gg_error *gg_page_table_map_near(struct gg_page_table *table, struct gg_page_leaf *leaf,
					gg_gva_t gva, struct gg_mapping *ret);

// Maps GVA, and calls VISIT, which may be NULL, with each entry on the way, the root's first. An
// error of VISIT's ends the walk.
struct gg_error *gg_page_table_walk(struct gg_page_table *table, gg_gva_t gva,
				    gg_visit_entry_fn *visit, void *data, struct gg_mapping *ret);

// Returns the bytes from GVA to the end of the area that its table of the last level maps, which is
// not mapped where that table cannot be read.
uint64_t gg_page_table_reach(const struct gg_page_table *table, gg_gva_t gva);

// Returns the bytes from GVA, whose MAPPING is not present, to the end of the equal entries that follow
// in the same table: none of them is present.
uint64_t gg_page_table_gap(const struct gg_page_table *table, gg_gva_t gva,
			   const struct gg_mapping *mapping);

// Returns the architecture's name for an entry of LEVEL: "PDE".
const char *gg_page_table_level_name(const struct gg_page_table *table, unsigned int level);

// Writes the names of the flags that are set in an entry, "P RW US A", or "not present".
void gg_page_table_flags(const struct gg_page_table *table, const struct gg_page_entry *entry,
			 char text[GG_PAGE_FLAGS_SIZE]);

// Reads SIZE bytes at GVA. GG_FAULT where a byte is not mapped, with the entry that is not present.
struct gg_error *gg_page_table_read(struct gg_page_table *table, gg_gva_t gva, void *buffer,
				    size_t size);

#endif
