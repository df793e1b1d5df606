// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_MEMMAP_PAGES_H
#define GG_MEMMAP_PAGES_H

#include "linux/pages/memmap.h"
#include "memory/ram-map.h"
#include "base/page-set.h"

struct gg_memmap_pages {
	struct gg_page_table *table; // the kernel's
	const struct gg_ram_map *map;
	struct gg_memmap *memmap;
	uint64_t page_size, struct_size;
};

// Adds to EXCLUDED the pages of the memmap that have struct pages of EXCLUDED's pages alone.
struct gg_error *gg_memmap_pages_exclude(const struct gg_memmap_pages *pages,
					 struct gg_page_set *excluded);

#endif
