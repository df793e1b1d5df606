// SPDX-License-Identifier: GPL-3.0-or-later
#include "ram-scan.h"
#include "../cleanup.h"

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

static struct gg_error *scan_extent(struct scan *scan, gg_gpa_t gpa, uint64_t size)
{
	for (uint64_t done = 0; done < size && !scan->ended;) {
		size_t chunk = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = gg_ram_map_read(scan->map, gpa + done, scan->buffer, chunk);
		if (err)
			return err;
		scan->ended = scan->look(scan->data, gpa + done, scan->buffer, chunk);
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
			err = scan_extent(scan, range->start + done - shared, extent.size + shared);
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
	struct gg_error *err = buffer ? NULL : gg_enomem;
	for (size_t i = 0; !err && !scan.ended && i < map->count; i++)
		err = scan_range(&scan, &map->ranges[i]);
	*missing += scan.missing;
	return err;
}
