// SPDX-License-Identifier: GPL-3.0-or-later
#include "ram-scan.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>

enum { CHUNK = 1 << 20 };

struct scan {
	const struct gg_ram_map *map;
	size_t overlap;
	gg_ram_look_fn *look;
	void *data;
	uint64_t missing;
	bool ended;
	uint8_t *buffer;
};

// Reads SIZE bytes at OFFSET in RANGE.
static struct gg_error *scan_extent(struct scan *scan, const struct gg_ram_range *range,
				    uint64_t offset, uint64_t size)
{
	uint64_t absent = 0; // counted by the backing, once
	for (uint64_t done = 0; done < size && !scan->ended;) {
		size_t chunk = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = gg_backing_read_present(scan->map->backing,
						      range->hva + offset + done, scan->buffer,
						      chunk, &absent);
		if (err)
			return gg_error_context(err, "guest-physical 0x%" PRIx64 " (%s)",
						range->start + offset + done, range->block);
		scan->ended =
			scan->look(scan->data, range->start + offset + done, scan->buffer, chunk);
		done += chunk;
		if (done < size && chunk > scan->overlap)
			done -= scan->overlap;
	}
	return NULL;
}

static struct gg_error *scan_range(struct scan *scan, const struct gg_ram_range *range)
{
	struct gg_backing *backing = scan->map->backing;
	size_t shared = 0; // with the extent before
	for (uint64_t done = 0; done < range->size && !scan->ended;) {
		struct gg_extent extent;
		struct gg_error *err = backing->ops->extent(backing, range->hva + done,
							    range->size - done, true, &extent);
		if (!err && extent.kind == GG_EXTENT_DATA)
			err = scan_extent(scan, range, done - shared, extent.size + shared);
		if (err)
			return err;
		shared = 0;
		if (extent.kind == GG_EXTENT_DATA)
			shared = extent.size < scan->overlap ? (size_t)extent.size : scan->overlap;
		if (extent.kind == GG_EXTENT_ABSENT)
			scan->missing += extent.size;
		done += extent.size;
	}
	return NULL;
}

struct gg_error *gg_ram_scan(const struct gg_ram_map *map, size_t overlap, gg_ram_look_fn *look,
			     void *data, uint64_t *missing)
{
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	struct scan scan = {
		.map = map, .overlap = overlap, .look = look, .data = data, .buffer = buffer
	};
	const uint64_t unreadable = map->backing->unreadable;
	struct gg_error *err = buffer ? NULL : gg_enomem;
	for (size_t i = 0; !err && !scan.ended && i < map->count; i++)
		err = scan_range(&scan, &map->ranges[i]);
	*missing += scan.missing + (map->backing->unreadable - unreadable);
	return err;
}
