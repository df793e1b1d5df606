// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memmap's own pages, which are 1/64 of RAM. Each free page has pointers to itself in its struct page (Linux
// __init_single_page()), so that no two pages of the memmap are alike, and none is compressed well.
//
// In:  the pages that a dump leaves out; the memmap; the kernel's page tables.
// Out: the pages with nothing but struct pages of pages that are left out.
// A page that is mapped nowhere, or outside of RAM, is passed over.
#include "memmap-pages.h"

#include <gdb-guest/interrupt.h>

// Adds the whole pages of memory from START up to END.
static struct gg_error *add_mapped(const struct gg_memmap_pages *pages, gg_gva_t start,
				   gg_gva_t end, struct gg_page_set *found)
{
	const uint64_t size = pages->page_size;
	struct gg_error *err = NULL;
	if (start > UINT64_MAX - size || end < start)
		return NULL;
	gg_gva_t gva = (start + size - 1) / size * size;
	for (end = end / size * size; !err && gva < end;) {
		struct gg_mapping mapping;
		err = gg_page_table_map(pages->table, gva, &mapping);
		if (err)
			break;
		const uint64_t step = end - gva < mapping.size ? end - gva : mapping.size;
		if (mapping.present && gg_ram_map_find(pages->map, mapping.gpa))
			err = gg_page_set_add(found, mapping.gpa / size, step / size);
		gva += step;
		if (!err)
			err = gg_interrupt_check();
	}
	return gg_error_unless_final(err);
}

// Adds the pages of the memmap for the COUNT pages from PFN on.
static struct gg_error *add_run(const struct gg_memmap_pages *pages, uint64_t pfn, uint64_t count,
				struct gg_page_set *found)
{
	struct gg_error *err = NULL;
	while (!err && count) {
		struct gg_memmap_span span;
		err = gg_memmap_find(pages->memmap, pfn, &span);
		if (err)
			break;
		const uint64_t part = span.count < count ? span.count : count;
		if (span.address)
			err = add_mapped(pages, span.address,
					 span.address + part * pages->struct_size, found);
		pfn += part;
		count -= part;
	}
	return err;
}

struct gg_error *gg_memmap_pages_exclude(const struct gg_memmap_pages *pages,
					 struct gg_page_set *excluded)
{
	struct gg_page_set found = { 0 };
	uint64_t start, count;
	struct gg_error *err = gg_page_set_init(&found, excluded->end);
	for (uint64_t pfn = 0; !err && gg_page_set_next_run(excluded, pfn, &start, &count);
	     pfn = start + count)
		err = add_run(pages, start, count, &found);
	for (uint64_t pfn = 0; !err && gg_page_set_next_run(&found, pfn, &start, &count);
	     pfn = start + count)
		err = gg_page_set_add(excluded, start, count);
	gg_page_set_deinit(&found);
	return err;
}
