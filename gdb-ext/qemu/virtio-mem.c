// SPDX-License-Identifier: GPL-3.0-or-later
//
// The plugged parts of a virtio-mem device's memory (QEMU hw/virtio/virtio-mem.c).
//
// In:  MemoryRegion.rdm, a RamDiscardManager, which is the VirtIOMEM object, or leads to it.
// Out: runs of plugged blocks.
// Trusts nothing it reads: the object's type is compared by name, the bitmap is read in pieces and
// within its own size. Another kind of manager is an error: its discarded parts are not known here.
#include "internal.h"
#include "base/cleanup.h"
#include "qom.h"

#include <inttypes.h>
#include <string.h>

struct virtio_mem_layout {
	struct gg_member bitmap, bitmap_size, block_size;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct virtio_mem_layout, bitmap, "VirtIOMEM", "bitmap"),
	GG_LAYOUT_ROW(struct virtio_mem_layout, bitmap_size, "VirtIOMEM", "bitmap_size"),
	GG_LAYOUT_ROW(struct virtio_mem_layout, block_size, "VirtIOMEM", "block_size"),
};

// Since v11.0 the region's manager is an object of its own, with one source or a list of them.
struct manager_layout {
	struct gg_member source, first, entry_source, next;
};

static const struct gg_layout_row manager_rows[] = {
	GG_LAYOUT_ROW_OPTIONAL(struct manager_layout, source, "RamDiscardManager", "rds"),
	GG_LAYOUT_ROW_OPTIONAL(struct manager_layout, first, "RamDiscardManager",
			       "source_list.lh_first"),
	GG_LAYOUT_ROW_OPTIONAL(struct manager_layout, entry_source, "RamDiscardSourceEntry", "rds"),
	GG_LAYOUT_ROW_OPTIONAL(struct manager_layout, next, "RamDiscardSourceEntry",
			       "next.le_next"),
};

// Reads the only entry in the list of sources; the memory that several sources leave is not known
// here.
static struct gg_error *read_single_source(const struct gg_host *host,
					   const struct manager_layout *layout, uint64_t manager,
					   uint64_t *ret)
{
	uint64_t entry, next;
	struct gg_error *err = gg_host_read_member(host, manager, &layout->first, &entry);
	if (!err && !entry)
		err = gg_error_create(GG_UNSUPPORTED, "it has no source");
	if (!err)
		err = gg_host_read_member(host, entry, &layout->next, &next);
	if (!err && next)
		err = gg_error_create(GG_UNSUPPORTED, "it has more than one source");
	return err ? err : gg_host_read_member(host, entry, &layout->entry_source, ret);
}

// Finds the object that has the plugged parts: OBJECT itself, or the source of a RamDiscardManager.
static struct gg_error *find_source(const struct gg_host *host, uint64_t object, uint64_t *ret)
{
	struct manager_layout layout;
	_cleanup_free_ char *type = NULL;
	*ret = object;
	struct gg_error *err = gg_qom_type_name(host, object, &type);
	if (err || strcmp(type, "ram-discard-manager") != 0)
		return err;
	err = gg_layout_resolve(host, manager_rows, sizeof(manager_rows) / sizeof(*manager_rows),
				&layout);
	if (!err && layout.source.size)
		return gg_host_read_member(host, object, &layout.source, ret);
	if (!err && (!layout.first.size || !layout.entry_source.size || !layout.next.size))
		err = gg_error_create(GG_NOT_FOUND,
				      "type RamDiscardManager has no member source_list that is "
				      "known here");
	return err ? err : read_single_source(host, &layout, object, ret);
}

static struct gg_error *check_type(const struct gg_host *host, uint64_t object)
{
	static const char virtio_mem[] = "virtio-mem";
	_cleanup_free_ char *type = NULL;
	struct gg_error *err = gg_qom_type_name(host, object, &type);
	if (err || !strncmp(type, virtio_mem, strlen(virtio_mem)))
		return err;
	return gg_error_create(GG_UNSUPPORTED,
			       "it is a %s, not a virtio-mem: its plugged memory is not known",
			       type);
}

// Passes over the bitmap once, and joins plugged blocks to runs.
struct scan {
	const struct gg_host *host;
	uint64_t bitmap;
	uint64_t piece_start; // the first bit in piece
	uint8_t piece[4096];
	size_t piece_size; // bytes that were read
};

static struct gg_error *bit_is_set(struct scan *scan, uint64_t bit, uint64_t bits, bool *ret)
{
	if (!scan->piece_size || bit - scan->piece_start >= 8 * scan->piece_size) {
		uint64_t left = (bits - bit / 8 * 8 + 7) / 8;
		scan->piece_start = bit / 8 * 8;
		scan->piece_size = left < sizeof(scan->piece) ? left : sizeof(scan->piece);
		struct gg_error *err = gg_host_read(scan->host, scan->bitmap + bit / 8, scan->piece,
						    scan->piece_size);
		if (err)
			return gg_error_context(err, "its bitmap");
	}
	uint64_t offset = bit - scan->piece_start;
	*ret = scan->piece[offset / 8] >> (offset % 8) & 1;
	return NULL;
}

// The bitmap is an array of unsigned longs; by bytes it is the same on little-endian hosts only.
static struct gg_error *read_bitmap_facts(const struct gg_host *host,
					  const struct virtio_mem_layout *layout, uint64_t object,
					  struct scan *scan, uint64_t *bits, uint64_t *block_size)
{
	if (host->big_endian)
		return gg_error_create(GG_UNSUPPORTED, "virtio-mem in a big-endian QEMU");
	struct gg_error *err = gg_host_read_member(host, object, &layout->bitmap, &scan->bitmap);
	if (!err)
		err = gg_host_read_member(host, object, &layout->bitmap_size, bits);
	if (!err)
		err = gg_host_read_member(host, object, &layout->block_size, block_size);
	if (err)
		return err;
	if (!*block_size || *bits > INT32_MAX)
		return gg_error_create(GG_BAD_DATA,
				       "its block_size is %" PRIu64 " and its bitmap_size %" PRIu64,
				       *block_size, *bits);
	return NULL;
}

static struct gg_error *
scan_runs(struct scan *scan, uint64_t bits, uint64_t block_size, uint64_t offset, uint64_t size,
	  struct gg_error *(*plugged)(void *data, uint64_t offset, uint64_t size), void *data)
{
	uint64_t end = offset + size, run_start = 0;
	bool in_run = false;
	for (uint64_t bit = offset / block_size;; bit++) {
		bool last = bit >= bits || bit >= (end - 1) / block_size + 1;
		bool set = false;
		struct gg_error *err = last ? NULL : bit_is_set(scan, bit, bits, &set);
		if (err)
			return err;
		if (set && !in_run)
			run_start = bit * block_size > offset ? bit * block_size : offset;
		if (!set && in_run) {
			uint64_t run_end = bit * block_size < end ? bit * block_size : end;
			err = plugged(data, run_start, run_end - run_start);
		}
		if (err || last)
			return err;
		in_run = set;
	}
}

struct gg_error *
gg_virtio_mem_plugged(const struct gg_host *host, uint64_t manager, uint64_t offset, uint64_t size,
		      struct gg_error *(*plugged)(void *data, uint64_t offset, uint64_t size),
		      void *data)
{
	struct virtio_mem_layout layout;
	struct scan scan = { .host = host };
	uint64_t device, bits, block_size;
	struct gg_error *err = find_source(host, manager, &device);
	if (!err)
		err = check_type(host, device);
	if (!err)
		err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &layout);
	if (!err)
		err = read_bitmap_facts(host, &layout, device, &scan, &bits, &block_size);
	if (!err)
		err = scan_runs(&scan, bits, block_size, offset, size, plugged, data);
	return err ? gg_error_context(err, "RamDiscardManager at 0x%" PRIx64, manager) : NULL;
}
