// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing that asks the host: slow; the others are tested against it.
#include "backing.h"
#include "base/cleanup.h"

#include <string.h>

struct host_backing {
	struct gg_backing backing;
	const struct gg_host *host;
	const struct gg_core_file *core;
};

static struct gg_error *host_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				    bool holes, struct gg_extent *ret)
{
	(void)holes; // a debugger does not show them
	const struct host_backing *host = (const struct host_backing *)backing;
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_DATA };
	if (host->core) {
		struct gg_core_extent extent;
		gg_core_file_extent(host->core, hva, size, &extent);
		ret->size = extent.size;
		ret->kind = extent.held ? GG_EXTENT_DATA : GG_EXTENT_ABSENT;
	}
	return NULL;
}

static struct gg_error *host_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				  size_t size)
{
	return gg_host_read(((const struct host_backing *)backing)->host, hva, buffer, size);
}

static void host_destroy(struct gg_backing *backing)
{
	free(backing);
}

static const struct gg_backing_ops host_ops = {
	.extent = host_extent,
	.read = host_read,
	.destroy = host_destroy,
};

struct gg_error *gg_backing_create_host(const struct gg_host *host, const struct gg_core_file *core,
					struct gg_backing **ret)
{
	struct host_backing *backing = calloc(1, sizeof(*backing));
	if (!backing)
		return gg_enomem;
	backing->backing = (struct gg_backing){ .ops = &host_ops, .name = "the debugger" };
	backing->host = host;
	backing->core = core;
	*ret = &backing->backing;
	return NULL;
}

// Reads the extent that starts at HVA: its bytes, or zeros. SIZE becomes its size.
static struct gg_error *read_extent(struct gg_backing *backing, gg_hva_t hva, uint8_t *buffer,
				    size_t *size, uint64_t *absent)
{
	struct gg_extent extent;
	struct gg_error *err = backing->ops->extent(backing, hva, *size, false, &extent);
	if (err)
		return err;
	*size = extent.size;
	if (extent.kind != GG_EXTENT_ABSENT)
		return backing->ops->read(backing, hva, buffer, extent.size);
	memset(buffer, 0, extent.size);
	*absent += extent.size;
	return NULL;
}

struct gg_error *gg_backing_read_present(struct gg_backing *backing, gg_hva_t hva, void *buffer,
					 size_t size, uint64_t *absent)
{
	uint8_t *bytes = buffer;
	struct gg_error *err = backing->ops->read(backing, hva, buffer, size);
	if (!err || gg_error_kind(err) != GG_ABSENT)
		return err;
	gg_error_destroy(err);
	for (size_t done = 0, piece; done < size; done += piece) {
		piece = size - done;
		err = read_extent(backing, hva + done, bytes + done, &piece, absent);
		if (err)
			return err;
	}
	return NULL;
}

void gg_backing_ran(struct gg_backing *backing)
{
	if (backing->ops->ran)
		backing->ops->ran(backing);
}

void gg_backing_destroy(struct gg_backing *backing)
{
	if (backing)
		backing->ops->destroy(backing);
}
