// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing that reads a vmcore: an hva is a gpa.
#include "backing.h"
#include "base/cleanup.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

struct vmcore_backing {
	struct gg_backing backing;
	struct gg_vmcore_file *file;
	bool no_holes; // the file system does not show holes
	bool no_clone; // the file system does not share bytes with the output
};

// Holes are looked for at every so many bytes of data: a look costs a system call.
enum { STRIDE = 1 << 20 };

// Makes EXTENT, at OFFSET in the file, a hole, or cuts it to a stride of data.
static void find_hole(struct vmcore_backing *vmcore, uint64_t offset, struct gg_extent *extent)
{
	uint64_t limit = STRIDE;
	off_t data = lseek(vmcore->file->fd, (off_t)offset, SEEK_DATA);
	if (data < 0 && errno == ENXIO)
		data = INT64_MAX; // a hole to the end of the file
	vmcore->no_holes = data < 0;
	if (data > (off_t)offset) {
		extent->kind = GG_EXTENT_HOLE;
		limit = (uint64_t)data - offset;
	}
	if (!vmcore->no_holes && limit < extent->size)
		extent->size = limit;
}

static struct gg_error *vmcore_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				      bool holes, struct gg_extent *ret)
{
	struct vmcore_backing *vmcore = (struct vmcore_backing *)backing;
	struct gg_vmcore_extent extent;
	struct gg_error *err = gg_vmcore_file_extent(vmcore->file, hva, size, &extent);
	if (err)
		return err;
	const bool held = extent.kind == GG_VMCORE_HELD;
	*ret = (struct gg_extent){ .size = extent.size,
				   .kind = held ? GG_EXTENT_DATA : GG_EXTENT_ABSENT };
	if (held && extent.offset >= 0 && holes && !vmcore->no_holes)
		find_hole(vmcore, (uint64_t)extent.offset, ret);
	return NULL;
}

static struct gg_error *vmcore_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				    size_t size)
{
	const struct vmcore_backing *vmcore = (const struct vmcore_backing *)backing;
	return gg_vmcore_file_read(vmcore->file, hva, buffer, size);
}

static bool vmcore_clone(struct gg_backing *backing, gg_hva_t hva, uint64_t size, int file,
			 uint64_t offset)
{
	struct vmcore_backing *vmcore = (struct vmcore_backing *)backing;
	struct gg_vmcore_extent extent;
	struct gg_error *err = gg_vmcore_file_extent(vmcore->file, hva, size, &extent);
	const bool is_plain =
		!err && extent.kind == GG_VMCORE_HELD && extent.offset >= 0 && extent.size >= size;
	gg_error_destroy(err);
	if (vmcore->no_clone || !is_plain)
		return false;
	struct file_clone_range range = {
		.src_fd = vmcore->file->fd,
		.src_offset = (uint64_t)extent.offset,
		.src_length = size,
		.dest_offset = offset,
	};
	if (!ioctl(file, FICLONERANGE, &range))
		return true;
	// Another file system, or a file system that cannot share: no other range will do then.
	vmcore->no_clone = errno != EINVAL;
	return false;
}

static void vmcore_destroy(struct gg_backing *backing)
{
	free(backing);
}

static const struct gg_backing_ops vmcore_ops = {
	.extent = vmcore_extent,
	.read = vmcore_read,
	.clone = vmcore_clone,
	.destroy = vmcore_destroy,
	.thread_safe = true,
};

struct gg_error *gg_backing_create_vmcore(struct gg_vmcore_file *file, struct gg_backing **ret)
{
	struct vmcore_backing *backing = calloc(1, sizeof(*backing));
	if (!backing)
		return gg_enomem;
	backing->backing = (struct gg_backing){ .ops = &vmcore_ops, .name = "the vmcore" };
	backing->file = file;
	*ret = &backing->backing;
	return NULL;
}
