// SPDX-License-Identifier: GPL-3.0-or-later
//
// Pages of zeros, by what else they are.
#ifndef GG_ZERO_PAGES_H
#define GG_ZERO_PAGES_H

#include "guest.h"
#include "base/page-set.h"

#include <gdb-guest/pages.h>

enum { GG_PAGE_KINDS = 6 }; // bits of traits

// The pages that have each trait.
struct gg_page_kinds {
	struct gg_page_set sets[GG_PAGE_KINDS];
};

// Makes empty sets for the pages of MAP.
struct gg_error *gg_page_kinds_init(struct gg_page_kinds *kinds, const struct gg_ram_map *map,
				    uint64_t page_size);

// KINDS may be zeros.
void gg_page_kinds_deinit(struct gg_page_kinds *kinds);

// Adds COUNT pages from PFN on that have TRAITS.
struct gg_error *gg_page_kinds_add(struct gg_page_kinds *kinds, unsigned int traits, uint64_t pfn,
				   uint64_t count);

// Reads MAP, but for memory that was never touched, and counts the pages of zeros below the page END by
// their traits. Absent pages are no pages of zeros.
struct gg_error *gg_page_kinds_count_zeros(const struct gg_page_kinds *kinds,
					   const struct gg_ram_map *map, uint64_t page_size,
					   uint64_t end, uint64_t ret[GG_PAGE_TRAITS]);

#endif
