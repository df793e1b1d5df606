// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing that reads the core file itself.
//
// The kernel leaves holes in a core for pages that nobody touched (fs/coredump.c, dump_skip); where
// the file system shows them they need not be read.
#include "backing.h"
#include "base/cleanup.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

struct core_backing {
	struct gg_backing backing;
	const struct gg_core_file *core;
	bool no_holes; // the file system does not show holes
	bool no_clone; // the file system does not share bytes with the output
};

// The stride of data after which a hole is looked for: a hole costs two system calls.
enum { STRIDE = 1 << 20 };

// Makes EXTENT, at OFFSET in the file, a hole, or cuts it to a stride of data.
static void find_hole(struct core_backing *core, uint64_t offset, struct gg_extent *extent)
{
	off_t data = lseek(gg_core_file_fd(core->core), (off_t)offset, SEEK_DATA);
	if (data < 0 && errno == ENXIO)
		data = INT64_MAX; // a hole to the end of the file
	if (data < 0)
		core->no_holes = true;
	uint64_t limit = STRIDE;
	if (data > (off_t)offset) {
		extent->kind = GG_EXTENT_HOLE;
		limit = (uint64_t)data - offset;
	}
	if (!core->no_holes && limit < extent->size)
		extent->size = limit;
}

static struct gg_error *core_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				    bool holes, struct gg_extent *ret)
{
	struct core_backing *core = (struct core_backing *)backing;
	struct gg_core_extent extent;
	gg_core_file_extent(core->core, hva, size, &extent);
	*ret = (struct gg_extent){ .size = extent.size,
				   .kind = extent.held ? GG_EXTENT_DATA : GG_EXTENT_ABSENT };
	if (extent.held && holes && !core->no_holes)
		find_hole(core, extent.offset, ret);
	return NULL;
}

static struct gg_error *core_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				  size_t size)
{
	const struct core_backing *core = (const struct core_backing *)backing;
	return gg_core_file_read(core->core, hva, buffer, size);
}

static bool core_clone(struct gg_backing *backing, gg_hva_t hva, uint64_t size, int file,
		       uint64_t offset)
{
	struct core_backing *core = (struct core_backing *)backing;
	struct gg_core_extent extent;
	gg_core_file_extent(core->core, hva, size, &extent);
	if (core->no_clone || !extent.held || extent.size < size)
		return false;
	struct file_clone_range range = {
		.src_fd = gg_core_file_fd(core->core),
		.src_offset = extent.offset,
		.src_length = size,
		.dest_offset = offset,
	};
	if (!ioctl(file, FICLONERANGE, &range))
		return true;
	// Another file system, or a file system that cannot share: no other range will do then.
	core->no_clone = errno != EINVAL;
	return false;
}

static void core_destroy(struct gg_backing *backing)
{
	free(backing);
}

static const struct gg_backing_ops core_ops = {
	.extent = core_extent,
	.read = core_read,
	.clone = core_clone,
	.destroy = core_destroy,
	.thread_safe = true,
};

struct gg_error *gg_backing_create_core(const struct gg_core_file *core, struct gg_backing **ret)
{
	struct core_backing *backing = calloc(1, sizeof(*backing));
	if (!backing)
		return gg_enomem;
	backing->backing = (struct gg_backing){ .ops = &core_ops, .name = "the core file" };
	backing->core = core;
	*ret = &backing->backing;
	return NULL;
}
