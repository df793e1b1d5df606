// SPDX-License-Identifier: GPL-3.0-or-later
//
// A set of guest page frame numbers: a bitmap in chunks, which exist only where the set has pages.
// 2 MiB for the 16 million pages of 64 GiB. Several threads may ask while none changes the set.
#ifndef GG_PAGE_SET_H
#define GG_PAGE_SET_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct gg_page_set {
	uint64_t end;      // the first page frame number that the set cannot have
	uint64_t count;    // pages in the set
	uint64_t **chunks; // NULL where no page of a chunk was ever added
};

// Makes an empty set of pages below END. The caller ends it by gg_page_set_deinit(), whatever
// init returned. A zeroed set is empty too, and can have no page.
struct gg_error *gg_page_set_init(struct gg_page_set *set, uint64_t end);
void gg_page_set_deinit(struct gg_page_set *set);

// Adds the COUNT pages from PFN on; pages at or above the set's end are ignored.
struct gg_error *gg_page_set_add(struct gg_page_set *set, uint64_t pfn, uint64_t count);

// Adds the pages of OTHER, whose end is at most SET's.
struct gg_error *gg_page_set_unite(struct gg_page_set *set, const struct gg_page_set *other);

// Removes the COUNT pages from PFN on, in the set or not.
void gg_page_set_remove(struct gg_page_set *set, uint64_t pfn, uint64_t count);

// Removes the pages of OTHER.
void gg_page_set_subtract(struct gg_page_set *set, const struct gg_page_set *other);

// Tests whether PFN is in the set.
bool gg_page_set_has(const struct gg_page_set *set, uint64_t pfn);

// Returns the first page at or above PFN that is in the set, or for !INSIDE that is not; END, or the set's end,
// where there is none below.
uint64_t gg_page_set_find(const struct gg_page_set *set, uint64_t pfn, uint64_t end, bool inside);

// Finds the first run of pages in the set at or above PFN: *START and *COUNT. False if there is none.
bool gg_page_set_next_run(const struct gg_page_set *set, uint64_t pfn, uint64_t *start,
			  uint64_t *count);

#endif
