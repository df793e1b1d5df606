// SPDX-License-Identifier: GPL-3.0-or-later
//
// The traits of all pages of RAM.
#ifndef GG_PAGE_SCAN_H
#define GG_PAGE_SCAN_H

#include "memmap-reader.h"
#include "memmap.h"
#include "page-layout.h"

enum {
	// A part of a scan starts at a multiple of this number of pages, which no block of the buddy allocator spans.
	GG_PAGE_SCAN_UNIT = 1 << 15,
};

struct gg_page_scan {
	const struct gg_page_layout *layout;
	struct gg_memmap *memmap;
	struct gg_memmap_reader *reader;
	const struct gg_ram_map *map;
	uint64_t first, stop; // the pages to look at, STOP not among them

	// Called with COUNT pages of RAM that have struct pages and share TRAITS, ascending, no page twice. An
	// error ends the scan.
	struct gg_error *(*visit)(void *data, uint64_t pfn, uint64_t count, unsigned int traits);
	void *data;

	// Results, in pages.
	uint64_t ram;       // whole pages of RAM
	uint64_t described; // of RAM, with a struct page
	uint64_t unread;    // of DESCRIBED, with a struct page that cannot be read
	uint64_t end;       // the first number above all pages of RAM with a struct page
};

struct gg_error *gg_page_scan_run(struct gg_page_scan *scan);

// Tests whether a scan may start at PFN, a multiple of GG_PAGE_SCAN_UNIT, and find what a scan of all pages
// finds: not within a compound page.
struct gg_error *gg_page_scan_may_start(const struct gg_page_scan *scan, uint64_t pfn, bool *ret);

#endif
