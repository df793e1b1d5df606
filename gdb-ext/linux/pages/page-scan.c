// SPDX-License-Identifier: GPL-3.0-or-later
//
// One pass over the heads: a free block or a compound page is stepped over by its order.
//
// In:  the RAM map, the memmap.
// Out: runs of pages and their traits.
// Trusts nothing it reads: every step goes on by at least a page, and never back.
#include "page-scan.h"

#include <gdb-guest/interrupt.h>

// A scan in the RAM's range INDEX, [FIRST, END).
struct position {
	struct gg_page_scan *scan;
	size_t index;
	uint64_t end;
	uint64_t next; // the page that is looked at next
	// Groups of the same traits, up to NEXT, that are visited at once.
	struct gg_page_group run;
};

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

// Returns the first whole page of RANGE that is looked at, and the page behind the last.
static uint64_t first_page(const struct gg_page_scan *scan, const struct gg_ram_range *range,
			   uint64_t *end)
{
	const uint64_t size = scan->layout->page_size;
	const uint64_t first = range->start / size + !!(range->start % size);
	*end = (range->start + (range->size - 1)) / size;
	*end += (range->start + (range->size - 1)) % size == size - 1;
	*end = min(*end, scan->stop);
	return max(first, scan->first);
}

// Visits the pages from FIRST to before END, all of them RAM.
static struct gg_error *visit_run(struct gg_page_scan *scan, uint64_t first, uint64_t end,
				  unsigned int traits)
{
	scan->described += end - first;
	scan->end = end;
	return scan->visit(scan->data, first, end - first, traits);
}

// Visits the pages of RAM among the run before the position.
static struct gg_error *visit(struct position *position)
{
	struct gg_page_scan *scan = position->scan;
	const struct gg_page_group run = position->run;
	const uint64_t start = position->next - run.count, end = position->next;
	uint64_t range_end = position->end;
	position->run.count = 0;
	if (!run.count)
		return NULL;
	struct gg_error *err = visit_run(scan, start, min(end, range_end), run.traits);
	for (size_t i = position->index + 1; !err && end > range_end && i < scan->map->count; i++) {
		const uint64_t first = first_page(scan, &scan->map->ranges[i], &range_end);
		if (first >= end)
			break;
		if (first < range_end)
			err = visit_run(scan, first, min(end, range_end), run.traits);
	}
	return err;
}

// Moves the position behind GROUP.
static struct gg_error *pass(struct position *position, const struct gg_page_group *group)
{
	struct gg_error *err = NULL;
	if (group->traits != position->run.traits)
		err = visit(position);
	position->run.traits = group->traits;
	position->run.count += group->count;
	position->next += group->count;
	return err;
}

// Looks at the page at the position, COUNT pages before the end of its span, whose struct page is at
// ADDRESS.
static struct gg_error *step(struct position *position, uint64_t count, gg_gva_t address)
{
	struct gg_page_scan *scan = position->scan;
	const uint64_t size = scan->layout->size;
	unsigned int wanted = count > 1 ? 2 : 1;
	struct gg_memmap_piece piece;
	struct gg_page_group group = { .count = 1 };
	struct gg_error *err =
		gg_memmap_read(scan->reader, address, (size_t)(wanted * size), &piece);
	// The struct page may be there without the next struct page.
	if (!err && !piece.bytes && !piece.is_hole && wanted > 1) {
		wanted = 1;
		err = gg_memmap_read(scan->reader, address, (size_t)size, &piece);
	}
	if (err)
		return err;
	if (piece.bytes) {
		gg_page_classify(scan->layout, position->next, piece.bytes, wanted, &group);
	} else {
		const uint64_t whole = piece.size / size;
		group.count = whole > 1 ? min(whole, count) : 1;
		scan->unread += piece.is_hole ? 0 : group.count;
	}
	return pass(position, &group);
}

static struct gg_error *scan_span(struct position *position, const struct gg_memmap_span *span)
{
	const uint64_t size = position->scan->layout->size;
	const uint64_t end = span->pfn + min(span->count, position->end - span->pfn);
	struct gg_error *err = gg_interrupt_check();
	if (!span->address) {
		position->next = end;
		return err;
	}
	while (!err && position->next < end)
		err = step(position, end - position->next,
			   span->address + (position->next - span->pfn) * size);
	return err ? err : visit(position);
}

static struct gg_error *find_span(const struct gg_page_scan *scan, uint64_t pfn,
				  struct gg_memmap_span *ret)
{
	gg_memmap_reader_lock(scan->reader);
	struct gg_error *err = gg_memmap_find(scan->memmap, pfn, ret);
	gg_memmap_reader_unlock(scan->reader);
	return err;
}

static struct gg_error *scan_range(struct position *position)
{
	struct gg_memmap_span span;
	struct gg_error *err = NULL;
	while (!err && position->next < position->end) {
		err = find_span(position->scan, position->next, &span);
		if (!err)
			err = scan_span(position, &span);
	}
	return err;
}

struct gg_error *gg_page_scan_run(struct gg_page_scan *scan)
{
	struct position position = { .scan = scan };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < scan->map->count; i++) {
		const uint64_t first = first_page(scan, &scan->map->ranges[i], &position.end);
		if (first >= position.end)
			continue;
		scan->ram += position.end - first;
		position.index = i;
		position.next = first > position.next ? first : position.next;
		err = scan_range(&position);
	}
	return err;
}

struct gg_error *gg_page_scan_may_start(const struct gg_page_scan *scan, uint64_t pfn, bool *ret)
{
	struct gg_memmap_span span;
	struct gg_memmap_piece piece = { 0 };
	struct gg_error *err = find_span(scan, pfn, &span);
	if (!err && span.address)
		err = gg_memmap_read(scan->reader, span.address, (size_t)scan->layout->size,
				     &piece);
	*ret = !err && gg_page_is_no_tail(scan->layout, piece.bytes);
	return err;
}
