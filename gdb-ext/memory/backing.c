// SPDX-License-Identifier: GPL-3.0-or-later
#include "backing.h"

static struct gg_error *host_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				    struct gg_extent *ret)
{
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_DATA };
	if (backing->core) {
		struct gg_core_extent extent;
		gg_core_file_extent(backing->core, hva, size, &extent);
		ret->size = extent.size;
		ret->kind = extent.held ? GG_EXTENT_DATA : GG_EXTENT_ABSENT;
	}
	return NULL;
}

static struct gg_error *host_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				  size_t size)
{
	return gg_host_read(backing->host, hva, buffer, size);
}

static const struct gg_backing_ops host_ops = { .extent = host_extent, .read = host_read };

void gg_backing_init_host(struct gg_backing *backing, const struct gg_host *host,
			  const struct gg_core_file *core)
{
	*backing = (struct gg_backing){ .ops = &host_ops, .host = host, .core = core };
}
