// SPDX-License-Identifier: GPL-3.0-or-later
#include "ram.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <string.h>

enum { MAX_RAM_RANGES = 1 << 22 }; // virtio-mem can have holes block by block

void gg_qemu_ram_deinit(struct gg_qemu_ram *ram)
{
	for (size_t i = 0; i < ram->count; i++)
		free(ram->ranges[i].block);
	free(ram->ranges);
	gg_qemu_absences_destroy(ram->absences, ram->absence_count);
	*ram = (struct gg_qemu_ram){ 0 };
}

static bool goes_on(const struct gg_qemu_range *last, const struct gg_qemu_range *range,
		    const char *block)
{
	return last->start + last->size == range->start && last->hva + last->size == range->hva &&
	       last->offset + last->size == range->offset && last->region == range->region &&
	       !strcmp(last->block, block);
}

struct gg_error *gg_qemu_ram_add(struct gg_qemu_ram *ram, const struct gg_qemu_range *range,
				 const char *block)
{
	struct gg_qemu_range *last = ram->count ? &ram->ranges[ram->count - 1] : NULL;
	if (last && goes_on(last, range, block)) {
		last->size += range->size;
		return NULL;
	}

	if (ram->count == MAX_RAM_RANGES)
		return gg_error_create(GG_BAD_DATA, "more than %d ranges of RAM", MAX_RAM_RANGES);
	struct gg_error *err = gg_vector_grow(&ram->ranges, ram->count, sizeof(*ram->ranges));
	if (err)
		return err;
	struct gg_qemu_range *added = &ram->ranges[ram->count];
	*added = *range;
	added->block = strdup(block);
	if (!added->block)
		return gg_enomem;
	ram->count++;
	return NULL;
}
