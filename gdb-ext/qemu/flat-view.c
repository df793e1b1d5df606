// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory map that QEMU's CPUs see (QEMU include/exec/memory.h; softmmu/memory.c).
//
// In:  the host: address_space_memory, and the types that it leads to.
// Out: the ranges that QEMU's own dump holds (softmmu/memory_mapping.c,
//      guest_phys_block_add_section): RAM and ROM, and of virtio-mem the plugged parts, but no
//      device's memory, no non-volatile memory; neighbours joined where region and bytes go on.
// Trusts nothing it reads: QEMU is being looked at because something went wrong with it.
#include "internal.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_FLAT_RANGES = 1 << 20, // a real machine has tens
	MAX_ALIAS_DEPTH = 64,
};

struct flat_view_layout {
	struct gg_member current_map;
	struct gg_member nr, nr_allocated, ranges;
	struct gg_member flat_range, range_mr, range_offset, range_start, range_size;
	struct gg_member int128_lo;
	struct gg_member ram, ram_device, nonvolatile, alias, alias_offset, rdm;
	struct gg_ram_block_layout block;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct flat_view_layout, current_map, "AddressSpace", "current_map"),
	GG_LAYOUT_ROW(struct flat_view_layout, nr, "FlatView", "nr"),
	GG_LAYOUT_ROW(struct flat_view_layout, nr_allocated, "FlatView", "nr_allocated"),
	GG_LAYOUT_ROW(struct flat_view_layout, ranges, "FlatView", "ranges"),
	GG_LAYOUT_ROW(struct flat_view_layout, flat_range, "FlatRange", ""),
	GG_LAYOUT_ROW(struct flat_view_layout, range_mr, "FlatRange", "mr"),
	GG_LAYOUT_ROW(struct flat_view_layout, range_offset, "FlatRange", "offset_in_region"),
	GG_LAYOUT_ROW(struct flat_view_layout, range_start, "FlatRange", "addr.start"),
	GG_LAYOUT_ROW(struct flat_view_layout, range_size, "FlatRange", "addr.size"),
	// A struct, or the compiler's __int128 (since v2.7 where there is one).
	GG_LAYOUT_ROW_OPTIONAL(struct flat_view_layout, int128_lo, "Int128", "lo"),
	GG_LAYOUT_ROW(struct flat_view_layout, ram, "MemoryRegion", "ram"),
	// "skip_dump" became "ram_device" in v2.8.
	GG_LAYOUT_ROW_OPTIONAL(struct flat_view_layout, ram_device, "MemoryRegion", "ram_device",
			       "skip_dump"),
	// Since v3.1.
	GG_LAYOUT_ROW_OPTIONAL(struct flat_view_layout, nonvolatile, "MemoryRegion", "nonvolatile"),
	// QEMU resolves aliases when it renders a FlatView: a reader can do without them.
	GG_LAYOUT_ROW_OPTIONAL(struct flat_view_layout, alias, "MemoryRegion", "alias"),
	GG_LAYOUT_ROW_OPTIONAL(struct flat_view_layout, alias_offset, "MemoryRegion",
			       "alias_offset"),
	// The RamDiscardManager of virtio-mem, since v6.1.
	GG_LAYOUT_ROW_OPTIONAL(struct flat_view_layout, rdm, "MemoryRegion", "rdm"),
};

struct reader {
	const struct gg_host *host;
	struct flat_view_layout layout;
	struct gg_qemu_ram *ram;
};

struct flat_range {
	uint64_t region, offset, start, size;
};

// Reads an Int128 that must be in 0 .. 2^64 (a size) or 2^64 - 1 (an address); 2^64 becomes 0.
static struct gg_error *read_int128(struct gg_cursor *entry, const struct gg_member *member,
				    const struct gg_member *lo, const char *name, uint64_t *ret)
{
	uint64_t word[2];
	if (member->size != sizeof(word))
		return gg_error_create(GG_BAD_DATA, "FlatRange.%s has %" PRIu64 " bytes, not 16",
				       name, member->size);
	struct gg_error *err = gg_cursor_seek(entry, member->offset);
	if (!err)
		err = gg_cursor_uint(entry, 8, &word[0]);
	if (!err)
		err = gg_cursor_uint(entry, 8, &word[1]);
	if (err)
		return err;

	// In a struct lo is first whatever the byte order; the compiler's own type follows the
	// order.
	bool high_first = entry->big_endian && !lo->size;
	uint64_t high = word[!high_first];
	*ret = word[high_first];
	if (high > 1 || (high && *ret))
		return gg_error_create(GG_BAD_DATA, "FlatRange.%s is 0x%" PRIx64 "%016" PRIx64,
				       name, high, *ret);
	return NULL;
}

static struct gg_error *decode_flat_range(const struct flat_view_layout *layout,
					  struct gg_cursor *entry, struct flat_range *ret)
{
	struct gg_error *err = gg_cursor_member(entry, &layout->range_mr, &ret->region);
	if (!err)
		err = gg_cursor_member(entry, &layout->range_offset, &ret->offset);
	if (!err)
		err = read_int128(entry, &layout->range_start, &layout->int128_lo, "addr.start",
				  &ret->start);
	if (!err)
		err = read_int128(entry, &layout->range_size, &layout->int128_lo, "addr.size",
				  &ret->size);
	return err;
}

static struct gg_error *read_flag(const struct reader *reader, uint64_t region,
				  const struct gg_member *member, bool *ret)
{
	uint64_t value = 0;
	struct gg_error *err =
		member->size ? gg_host_read_member(reader->host, region, member, &value) : NULL;
	*ret = value;
	return err;
}

// Tests whether QEMU's dump holds this region.
static struct gg_error *is_dumped(const struct reader *reader, uint64_t region, bool *ret)
{
	const struct flat_view_layout *layout = &reader->layout;
	bool ram, device = false, nonvolatile = false;
	struct gg_error *err = read_flag(reader, region, &layout->ram, &ram);
	if (!err)
		err = read_flag(reader, region, &layout->ram_device, &device);
	if (!err)
		err = read_flag(reader, region, &layout->nonvolatile, &nonvolatile);
	if (!err)
		*ret = ram && !device && !nonvolatile;
	return err;
}

// Finds a RAM region's bytes: aliases lead to the region that owns the block.
static struct gg_error *follow_aliases(const struct reader *reader, struct flat_range *range)
{
	if (!reader->layout.alias.size || !reader->layout.alias_offset.size)
		return NULL;
	for (unsigned int depth = 0;; depth++) {
		uint64_t alias, offset;
		struct gg_error *err = gg_host_read_member(reader->host, range->region,
							   &reader->layout.alias, &alias);
		if (err || !alias)
			return err;
		if (depth == MAX_ALIAS_DEPTH)
			return gg_error_create(GG_BAD_DATA, "more than %d aliases in a row",
					       MAX_ALIAS_DEPTH);
		err = gg_host_read_member(reader->host, range->region, &reader->layout.alias_offset,
					  &offset);
		if (err)
			return err;
		range->offset += offset;
		range->region = alias;
	}
}

// Adds a range whose block is known; perhaps only parts of it are plugged in.
struct plugged_range {
	struct gg_qemu_ram *ram;
	const struct flat_range *range;
	const struct gg_ram_block *block;
};

static struct gg_error *add_part(void *data, uint64_t offset, uint64_t size)
{
	const struct plugged_range *plugged = data;
	const struct flat_range *range = plugged->range;
	struct gg_qemu_range part = {
		.start = range->start + (offset - range->offset),
		.size = size,
		.hva = plugged->block->host + offset,
		.offset = offset,
		.region = range->region,
	};
	return gg_qemu_ram_add(plugged->ram, &part, plugged->block->idstr);
}

static struct gg_error *add_ram(const struct reader *reader, struct flat_range *range)
{
	struct gg_error *err = follow_aliases(reader, range);
	if (err)
		return err;

	struct gg_ram_block block;
	err = gg_ram_block_read(reader->host, &reader->layout.block, range->region, &block);
	_cleanup_free_ char *idstr = block.idstr;
	if (err)
		return err;
	if (range->offset > block.length || range->size > block.length - range->offset)
		return gg_error_create(GG_BAD_DATA,
				       "it reaches from 0x%" PRIx64 " for 0x%" PRIx64
				       " bytes into %s, which has 0x%" PRIx64,
				       range->offset, range->size, idstr, block.length);

	struct plugged_range plugged = { reader->ram, range, &block };
	uint64_t manager = 0;
	err = gg_qemu_ram_add_absence(reader->host, &block, reader->ram);
	// Private memory has a manager too, of its shared parts.
	if (!err && reader->layout.rdm.size && !block.is_private)
		err = gg_host_read_member(reader->host, range->region, &reader->layout.rdm,
					  &manager);
	if (err)
		return err;
	if (!manager)
		return add_part(&plugged, range->offset, range->size);
	return gg_virtio_mem_plugged(reader->host, manager, range->offset, range->size, add_part,
				     &plugged);
}

// Reads one range. Ranges ascend and do not overlap: NEXT is the lowest start of the next range.
static struct gg_error *check_order(const struct flat_range *range, size_t index, uint64_t next)
{
	if (range->size && range->start >= next && range->start + (range->size - 1) >= range->start)
		return NULL;
	return gg_error_create(GG_BAD_DATA,
			       "FlatView.ranges[%zu] has 0x%" PRIx64 " bytes at 0x%" PRIx64
			       ": it must not be empty, and not start before 0x%" PRIx64,
			       index, range->size, range->start, next);
}

static struct gg_error *add_flat_ranges(const struct reader *reader, struct gg_cursor *array,
					size_t count)
{
	uint64_t next = 0;
	for (size_t i = 0; i < count; i++) {
		struct gg_cursor entry;
		struct flat_range range;
		struct gg_error *err = gg_cursor_sub(array, reader->layout.flat_range.size, &entry);
		if (!err)
			err = decode_flat_range(&reader->layout, &entry, &range);
		// A single range of 2^64 bytes of I/O is a machine without memory.
		if (!err && i == 0 && count == 1 && range.start == 0 && range.size == 0)
			return NULL;
		if (!err)
			err = check_order(&range, i, next);
		if (!err)
			err = gg_interrupt_check();
		if (err)
			return err;
		next = range.start + range.size;

		bool dumped = false;
		err = is_dumped(reader, range.region, &dumped);
		if (!err && dumped)
			err = add_ram(reader, &range);
		if (err)
			return gg_error_context(
				err, "the range at 0x%" PRIx64 ", MemoryRegion at 0x%" PRIx64,
				range.start, range.region);
		if (!next && i + 1 < count)
			return gg_error_create(
				GG_BAD_DATA,
				"FlatView.ranges[%zu] ends at 2^64 and is not the last", i);
	}
	return NULL;
}

static struct gg_error *read_flat_view(const struct reader *reader, uint64_t view)
{
	const struct flat_view_layout *layout = &reader->layout;
	uint64_t nr, allocated, ranges;
	struct gg_error *err = gg_host_read_member(reader->host, view, &layout->nr, &nr);
	if (!err)
		err = gg_host_read_member(reader->host, view, &layout->nr_allocated, &allocated);
	if (!err)
		err = gg_host_read_member(reader->host, view, &layout->ranges, &ranges);
	if (err)
		return gg_error_context(err, "FlatView at 0x%" PRIx64, view);

	if (nr > allocated)
		return gg_error_create(GG_BAD_DATA,
				       "FlatView.nr is %" PRIu64
				       ", more than its nr_allocated %" PRIu64,
				       nr, allocated);
	if (nr > MAX_FLAT_RANGES)
		return gg_error_create(GG_BAD_DATA, "FlatView.nr is %" PRIu64 ", more than %d", nr,
				       MAX_FLAT_RANGES);
	size_t size;
	if (__builtin_mul_overflow(nr, layout->flat_range.size, &size))
		return gg_error_create(GG_BAD_DATA, "a FlatRange has %" PRIu64 " bytes",
				       layout->flat_range.size);

	_cleanup_free_ uint8_t *bytes = malloc(size ? size : 1);
	if (!bytes)
		return gg_enomem;
	err = gg_host_read(reader->host, ranges, bytes, size);
	if (err)
		return gg_error_context(err, "FlatView.ranges");
	struct gg_cursor array =
		gg_cursor(bytes, size, reader->host->big_endian, "FlatView.ranges");
	return add_flat_ranges(reader, &array, nr);
}

// Asks for a symbol so that the debugger reads that file's debuginfo. Without this, GDB 13 looks
// for struct FlatRange, which only this symbol's file has whole, in every file that names it: 0.5 s
// instead of 6 ms.
static void hint_at_memory_c(const struct gg_host *host)
{
	uint64_t address;
	gg_error_destroy(gg_host_symbol(host, "memory_region_init", &address));
}

// Finds address_space_memory. The error tells a program that is no QEMU from a QEMU whose types are
// not known.
static struct gg_error *find_address_space(const struct gg_host *host, uint64_t *ret)
{
	struct gg_error *err = gg_host_symbol(host, "address_space_memory", ret);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		return gg_error_create(GG_NOT_FOUND,
				       "no symbol address_space_memory: this is not a QEMU system "
				       "emulator, or its binary or its debuginfo is not loaded "
				       "(try: file /usr/bin/qemu-system-..., symbol-file)");
	}
	if (err)
		return err;

	struct gg_member whole;
	err = host->ops->member(host->data, "AddressSpace", "", &whole);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		return gg_error_create(GG_NOT_FOUND,
				       "no type AddressSpace: QEMU's debuginfo is not loaded (try: "
				       "symbol-file, add-symbol-file, set debug-file-directory)");
	}
	return err;
}

struct gg_error *gg_qemu_ram_read(const struct gg_host *host, struct gg_qemu_ram *ret)
{
	struct reader reader = { .host = host, .ram = ret };
	*ret = (struct gg_qemu_ram){ 0 };

	uint64_t address_space, view;
	struct gg_error *err = find_address_space(host, &address_space);
	if (err)
		return err;
	hint_at_memory_c(host);
	err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &reader.layout);
	if (!err)
		err = gg_ram_block_layout_resolve(host, &reader.layout.block);
	if (err)
		return gg_error_context(err, "QEMU's types");

	err = gg_qemu_check_arrival(host, &reader.layout.block);
	if (!err)
		err = gg_host_read_member(host, address_space, &reader.layout.current_map, &view);
	if (!err && !view)
		err = gg_error_create(GG_BAD_DATA,
				      "its current_map is NULL: QEMU had not made the machine yet");
	if (!err)
		err = read_flat_view(&reader, view);
	if (err) {
		gg_qemu_ram_deinit(ret);
		return gg_error_context(err, "reading address_space_memory");
	}
	return NULL;
}
