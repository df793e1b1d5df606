// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kinds of the guest's pages, as its kernel's memmap has them, and the pages that a dump of each of
// makedumpfile's levels leaves.
#ifndef GDB_GUEST_PAGES_H
#define GDB_GUEST_PAGES_H

#include "guest.h"
#include "notices.h"

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// The bits of a dump level, which are makedumpfile's, and its option -e.
enum gg_page_level {
	GG_LEVEL_ZERO = 1,
	GG_LEVEL_CACHE = 2,
	GG_LEVEL_CACHE_PRIVATE = 4, // the cache with private data, and all other cache
	GG_LEVEL_USER = 8,
	GG_LEVEL_FREE = 16,
	GG_LEVEL_ALL = 31,
	GG_LEVEL_MEMMAP = 32, // struct pages of pages that are left out; beside the other bits
};

// The reason to leave a page out of a dump. A page has the first reason of its level.
enum gg_page_class {
	GG_PAGES_FREE,
	GG_PAGES_CACHE,
	GG_PAGES_CACHE_PRIVATE,
	GG_PAGES_USER,
	GG_PAGES_HWPOISON, // broken; left out by each level but 0, and by 1 if the kernel has_hwpoison
	GG_PAGES_OFFLINE, // given back to the host; as broken pages
	GG_PAGES_ZERO,    // all zeros
	GG_PAGES_KEPT,    // no reason
	GG_PAGE_CLASSES
};

enum { GG_PAGE_TRAITS = 64 };

// All pages of RAM.
struct gg_page_census {
	uint64_t page_size; // in bytes
	uint64_t ram;       // whole pages of RAM
	uint64_t described; // of RAM, with a struct page
	uint64_t unread;    // of DESCRIBED, whose struct page cannot be read: such a page is kept
	uint64_t end;       // the first page frame number above all described pages
	uint64_t groups[GG_PAGE_TRAITS]; // described pages by their traits
	bool has_hwpoison;               // broken pages can be seen
	bool has_zeros;
	uint64_t zeros[GG_PAGE_TRAITS]; // of all pages below END, pages of zeros
};

struct gg_page_counts {
	uint64_t pages[GG_PAGE_CLASSES]; // their sum is the census's ram
};

// Counts the pages of CENSUS by the reason to leave them out at LEVEL.
void gg_page_census_at(const struct gg_page_census *census, unsigned int level,
		       struct gg_page_counts *ret);

// Counts GUEST's pages. With ZEROS all memory is read, for the pages of zeros. GG_NOT_FOUND without a Linux
// kernel, or without the keys of VMCOREINFO that lead to its memmap.
struct gg_error *gg_guest_page_census(struct gg_guest *guest, bool zeros,
				      const struct gg_notices *notices, struct gg_page_census *ret);

#pragma GCC visibility pop

#endif
