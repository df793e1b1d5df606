// SPDX-License-Identifier: GPL-3.0-or-later
#include "ram-map.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

struct gg_error *gg_ram_map_create(struct gg_qemu_ram *ram, struct gg_backing *backing,
				   struct gg_ram_map **ret)
{
	struct gg_ram_map *map = calloc(1, sizeof(*map));
	if (!map)
		return gg_enomem;
	map->ranges = calloc(ram->count ? ram->count : 1, sizeof(*map->ranges));
	if (!map->ranges) {
		free(map);
		return gg_enomem;
	}

	for (size_t i = 0; i < ram->count; i++) {
		struct gg_qemu_range *from = &ram->ranges[i];
		map->ranges[i] = (struct gg_ram_range){
			.start = from->start,
			.size = from->size,
			.hva = from->hva,
			.offset = from->offset,
			.block = no_cleanup_ptr(from->block),
		};
		map->size += from->size;
	}
	map->count = ram->count;
	map->backing = backing;
	gg_qemu_ram_deinit(ram);
	*ret = map;
	return NULL;
}

void gg_ram_map_destroy(struct gg_ram_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->count; i++)
		free((char *)map->ranges[i].block);
	free(map->ranges);
	free(map);
}

const struct gg_ram_range *gg_ram_map_find(const struct gg_ram_map *map, gg_gpa_t gpa)
{
	size_t low = 0, high = map->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct gg_ram_range *range = &map->ranges[middle];
		if (gpa - range->start < range->size)
			return range;
		if (range->start > gpa)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct gg_error *gg_ram_map_read(const struct gg_ram_map *map, gg_gpa_t gpa, void *buffer,
				 size_t size)
{
	uint8_t *bytes = buffer;
	while (size) {
		const struct gg_ram_range *range = gg_ram_map_find(map, gpa);
		if (!range)
			return gg_error_fault(gpa, "guest-physical 0x%" PRIx64 " is not RAM", gpa);
		uint64_t offset = gpa - range->start;
		size_t piece = size < range->size - offset ? size : (size_t)(range->size - offset);
		struct gg_error *err =
			map->backing->ops->read(map->backing, range->hva + offset, bytes, piece);
		if (err)
			return gg_error_context(err, "guest-physical 0x%" PRIx64 " (%s)", gpa,
						range->block);
		gpa += piece;
		bytes += piece;
		size -= piece;
	}
	return NULL;
}

struct gg_error *gg_ram_map_absent(const struct gg_ram_map *map, gg_visit_range_fn *visit,
				   void *data)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct gg_ram_range *range = &map->ranges[i];
		for (uint64_t done = 0; done < range->size;) {
			struct gg_extent extent;
			struct gg_error *err = gg_interrupt_check();
			if (!err)
				err = map->backing->ops->extent(map->backing, range->hva + done,
								range->size - done, false, &extent);
			if (!err && extent.kind == GG_EXTENT_ABSENT) {
				struct gg_ram_range piece = {
					.start = range->start + done,
					.size = extent.size,
					.hva = range->hva + done,
					.offset = range->offset + done,
					.block = range->block,
				};
				err = visit(data, &piece);
			}
			if (err)
				return err;
			done += extent.size;
		}
	}
	return NULL;
}

struct gg_error *gg_ram_map_hidden(const struct gg_ram_map *map, gg_visit_range_fn *visit,
				   void *data)
{
	const struct gg_ram_range *last = &map->ranges[0];
	struct gg_error *err = NULL;
	if (!map->count || last->start)
		return NULL;
	for (size_t i = 1; !err && i < map->count; i++) {
		const struct gg_ram_range *range = &map->ranges[i];
		const uint64_t end = last->offset + last->size;
		if (strcmp(range->block, last->block) || range->offset < end)
			continue;
		const struct gg_ram_range piece = { .start = last->start + last->size,
						    .size = range->offset - end,
						    .hva = last->hva + last->size,
						    .offset = end,
						    .block = last->block };
		if (piece.size)
			err = visit(data, &piece);
		last = range;
	}
	return err;
}

struct gg_error *gg_ram_map_extent(const struct gg_ram_map *map, gg_gpa_t gpa, uint64_t size,
				   bool holes, struct gg_extent *ret)
{
	const struct gg_ram_range *range = gg_ram_map_find(map, gpa);
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_ABSENT };
	for (size_t i = 0; !range && i < map->count; i++)
		if (map->ranges[i].start > gpa && map->ranges[i].start - gpa < ret->size)
			ret->size = map->ranges[i].start - gpa;
	if (!range)
		return NULL;
	const uint64_t left = range->start + range->size - gpa;
	return map->backing->ops->extent(map->backing, range->hva + (gpa - range->start),
					 size < left ? size : left, holes, ret);
}
