// SPDX-License-Identifier: GPL-3.0-or-later
#include "zero-pages.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <string.h>

_Static_assert(GG_PAGE_TRAITS == 1 << GG_PAGE_KINDS, "each trait has a set");

enum { PIECE = 1 << 20 };

struct counter {
	const struct gg_page_kinds *kinds;
	const struct gg_ram_map *map;
	uint64_t page_size;
	uint64_t end;   // the first page that is not counted
	uint8_t *bytes; // PIECE or a page, the larger
	uint64_t *zeros;
};

struct gg_error *gg_page_kinds_init(struct gg_page_kinds *kinds, const struct gg_ram_map *map,
				    uint64_t page_size)
{
	struct gg_error *err = NULL;
	uint64_t end = 0;
	for (size_t i = 0; i < map->count; i++)
		end = (map->ranges[i].start + (map->ranges[i].size - 1)) / page_size + 1;
	for (size_t i = 0; !err && i < GG_PAGE_KINDS; i++)
		err = gg_page_set_init(&kinds->sets[i], end);
	return err;
}

void gg_page_kinds_deinit(struct gg_page_kinds *kinds)
{
	for (size_t i = 0; i < GG_PAGE_KINDS; i++)
		gg_page_set_deinit(&kinds->sets[i]);
}

struct gg_error *gg_page_kinds_add(struct gg_page_kinds *kinds, unsigned int traits, uint64_t pfn,
				   uint64_t count)
{
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < GG_PAGE_KINDS; i++)
		if (traits >> i & 1)
			err = gg_page_set_add(&kinds->sets[i], pfn, count);
	return err;
}

static void count_zero(const struct counter *counter, uint64_t pfn)
{
	unsigned int traits = 0;
	for (unsigned int i = 0; i < GG_PAGE_KINDS; i++)
		traits |= (unsigned int)gg_page_set_has(&counter->kinds->sets[i], pfn) << i;
	counter->zeros[traits] += pfn < counter->end;
}

static void count_zeros(const struct counter *counter, uint64_t pfn, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		count_zero(counter, pfn + i);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

// Counts the pages of SIZE bytes at HVA, whose first page is PFN. A page that cannot be read is no page of
// zeros.
static struct gg_error *count_in(const struct counter *counter, gg_hva_t hva, uint64_t pfn,
				 size_t size)
{
	struct gg_backing *backing = counter->map->backing;
	const size_t page_size = (size_t)counter->page_size;
	struct gg_error *err = backing->ops->read(backing, hva, counter->bytes, size);
	if (err && !gg_error_is_final(err) && size > page_size) {
		gg_error_destroy(err);
		err = NULL;
		for (size_t done = 0; !err && done < size; done += page_size)
			err = count_in(counter, hva + done, pfn + done / page_size, page_size);
		return err;
	}
	for (size_t done = 0; !err && done < size; done += page_size)
		if (is_zero(counter->bytes + done, page_size))
			count_zero(counter, pfn + done / page_size);
	return gg_error_unless_final(err);
}

// Counts the pages of RANGE, from its first whole page on.
static struct gg_error *count_range(const struct counter *counter, const struct gg_ram_range *range)
{
	struct gg_backing *backing = counter->map->backing;
	const uint64_t page = counter->page_size;
	const uint64_t piece = PIECE > page ? PIECE / page * page : page;
	struct gg_error *err = NULL;
	uint64_t done = (page - range->start % page) % page;
	while (!err && done < range->size && range->size - done >= page) {
		struct gg_extent extent;
		const gg_hva_t hva = range->hva + done;
		uint64_t size = (range->size - done) / page * page;
		err = gg_interrupt_check();
		if (!err)
			err = backing->ops->extent(backing, hva, size, true, &extent);
		if (err)
			break;
		const uint64_t pfn = (range->start + done) / page;
		// A page that begins in the extent and ends behind it is read.
		size = extent.size >= page ? extent.size / page * page : page;
		if (extent.kind != GG_EXTENT_HOLE || extent.size < page) {
			size = size < piece ? size : piece;
			if (extent.kind != GG_EXTENT_ABSENT)
				err = count_in(counter, hva, pfn, (size_t)size);
		} else {
			count_zeros(counter, pfn, size / page);
		}
		done += size;
	}
	return err;
}

struct gg_error *gg_page_kinds_count_zeros(const struct gg_page_kinds *kinds,
					   const struct gg_ram_map *map, uint64_t page_size,
					   uint64_t end, uint64_t ret[GG_PAGE_TRAITS])
{
	struct counter counter = {
		.kinds = kinds, .map = map, .page_size = page_size, .end = end, .zeros = ret
	};
	_cleanup_free_ uint8_t *bytes = malloc(PIECE > page_size ? PIECE : (size_t)page_size);
	struct gg_error *err = NULL;
	if (!bytes)
		return gg_enomem;
	counter.bytes = bytes;
	for (size_t i = 0; !err && i < map->count; i++)
		err = count_range(&counter, &map->ranges[i]);
	return err;
}
