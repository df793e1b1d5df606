// SPDX-License-Identifier: GPL-3.0-or-later
#include "memmap-reader.h"

#include <gdb-guest/interrupt.h>
#include <stdlib.h>

enum {
	START = 512,  // of the pieces: a look at a head alone, in a block of a gdbstub's backing
	SMALL = 4096, // of an extent that cannot be read
	LARGE = 256 << 10, // that a CPU's cache holds
	GAP = 16 << 10,    // that costs as much as another read
	LOOK = 128,        // at a head
	SCRATCH = 4096,    // behind the piece
};

struct gg_error *gg_memmap_reader_init(struct gg_memmap_reader *reader, struct gg_page_table *table,
				       const struct gg_ram_map *map, struct gg_page_set *tables)
{
	*reader = (struct gg_memmap_reader){ .table = table, .map = map, .tables = tables };
	reader->piece = START;
	reader->bytes = malloc(LARGE + SCRATCH);
	return reader->bytes ? NULL : gg_enomem;
}

void gg_memmap_reader_deinit(struct gg_memmap_reader *reader)
{
	free(reader->bytes);
	*reader = (struct gg_memmap_reader){ 0 };
}

// ---- Extents ----

static struct gg_error *keep_table(void *data, const struct gg_page_entry *entry)
{
	struct gg_memmap_reader *reader = data;
	if (!reader->tables)
		return NULL;
	return gg_page_set_add(reader->tables, entry->gpa / gg_page_table_page_size(reader->table),
			       1);
}

// Finds the mapping of GVA: the extent is not there where GVA is not mapped, or its tables cannot be read.
static struct gg_error *map_extent(struct gg_memmap_reader *reader, gg_gva_t gva)
{
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_walk(reader->table, gva, keep_table, reader, &mapping);
	reader->start = gva;
	reader->size = SMALL - gva % SMALL;
	reader->is_there = reader->is_hole = false;
	if (err)
		return gg_error_unless_final(err);
	reader->size = mapping.size;
	reader->gpa = mapping.gpa;
	reader->is_there = mapping.present;
	return NULL;
}

// Finds the extent from GVA on.
static struct gg_error *find_extent(struct gg_memmap_reader *reader, gg_gva_t gva)
{
	struct gg_backing *backing = reader->map->backing;
	struct gg_extent extent;
	struct gg_error *err = map_extent(reader, gva);
	if (err || !reader->is_there)
		return err;
	const struct gg_ram_range *range = gg_ram_map_find(reader->map, reader->gpa);
	if (!range) {
		reader->is_there = false;
		reader->size = reader->size < SMALL ? reader->size : SMALL - gva % SMALL;
		return NULL;
	}
	const uint64_t offset = reader->gpa - range->start;
	if (reader->size > range->size - offset)
		reader->size = range->size - offset;
	err = backing->ops->extent(backing, range->hva + offset, reader->size, true, &extent);
	if (err)
		return err;
	reader->size = extent.size < reader->size ? extent.size : reader->size;
	reader->is_there = extent.kind != GG_EXTENT_ABSENT;
	reader->is_hole = extent.kind == GG_EXTENT_HOLE;
	return NULL;
}

// ---- Bytes ----

// Marks the page of GVA, OFFSET bytes into the extent, as an extent that is not there.
static void lose_page(struct gg_memmap_reader *reader, gg_gva_t gva, uint64_t offset)
{
	const uint64_t left = reader->size - offset, page = SMALL - gva % SMALL;
	reader->held = 0;
	reader->start = gva;
	reader->gpa += offset;
	reader->size = left < page ? left : page;
	reader->is_there = false;
}

// Returns the size of the piece at GVA: a piece grows as long as no large part of the memmap is jumped over,
// neither in the last piece nor behind it.
static size_t find_piece(const struct gg_memmap_reader *reader, gg_gva_t gva)
{
	const uint64_t behind = gva - reader->held_start;
	const bool is_far = !reader->held || behind > reader->held + GAP;
	const bool is_sparse = reader->used < reader->held / GAP * LOOK;
	if (is_far || is_sparse)
		return START;
	return reader->piece < LARGE ? 2 * reader->piece : LARGE;
}

// Reads the bytes at GVA, in the extent that was looked up: a piece, or where a piece cannot be read a page.
static struct gg_error *fill(struct gg_memmap_reader *reader, gg_gva_t gva)
{
	const uint64_t offset = gva - reader->start, left = reader->size - offset;
	reader->piece = find_piece(reader, gva);
	reader->used = 0;
	struct gg_error *err = gg_interrupt_check();
	if (err)
		return err;
	do {
		gg_error_destroy(err);
		reader->held_start = gva;
		reader->held = left < reader->piece ? (size_t)left : reader->piece;
		reader->reads++;
		err = gg_ram_map_read(reader->map, reader->gpa + offset, reader->bytes,
				      reader->held);
		reader->piece = err ? START : reader->piece;
	} while (err && !gg_error_is_final(err) && reader->held > START);
	if (err)
		lose_page(reader, gva, offset);
	return gg_error_unless_final(err);
}

// Reads NEED bytes at GVA that are in more than one extent.
static struct gg_error *read_across(struct gg_memmap_reader *reader, gg_gva_t gva, size_t need,
				    struct gg_memmap_piece *ret)
{
	uint8_t *scratch = reader->bytes + LARGE;
	gg_memmap_reader_lock(reader);
	struct gg_error *err = gg_page_table_read(reader->table, gva, scratch, need);
	gg_memmap_reader_unlock(reader);
	*ret = (struct gg_memmap_piece){ .bytes = err ? NULL : scratch, .size = err ? 1 : need };
	return gg_error_unless_final(err);
}

struct gg_error *gg_memmap_read_further(struct gg_memmap_reader *reader, gg_gva_t gva, size_t need,
					struct gg_memmap_piece *ret)
{
	struct gg_error *err = NULL;
	if (gva - reader->start >= reader->size) {
		gg_memmap_reader_lock(reader);
		err = find_extent(reader, gva);
		gg_memmap_reader_unlock(reader);
	}
	if (err)
		return err;
	const uint64_t left = reader->size - (gva - reader->start);
	*ret = (struct gg_memmap_piece){ .size = left, .is_hole = reader->is_hole };
	if (!reader->is_there)
		return NULL;
	if (left < need)
		return read_across(reader, gva, need, ret);
	if (reader->is_hole)
		return NULL;
	err = fill(reader, gva);
	if (reader->held)
		*ret = (struct gg_memmap_piece){ .bytes = reader->bytes, .size = reader->held };
	else
		ret->size = reader->size;
	return err;
}
