// SPDX-License-Identifier: GPL-3.0-or-later
//
// The bytes of a memmap, which is as large as 1/64 of all RAM: read in pieces that grow where the memmap is
// read on and on, and stay small where most of it is jumped over. Parts that the guest never touched
// are not read.
#ifndef GG_MEMMAP_READER_H
#define GG_MEMMAP_READER_H

#include "linux/arch-ops.h"
#include "base/page-set.h"

#include <pthread.h>

struct gg_memmap_reader {
	struct gg_page_table *table;  // borrowed
	const struct gg_ram_map *map; // borrowed
	// The extent that was looked up last: SIZE bytes from START on, all in one page.
	gg_gva_t start;
	uint64_t size;
	gg_gpa_t gpa; // of START
	bool is_there;
	bool is_hole; // all zeros
	// The bytes that were read last.
	uint8_t *bytes;
	gg_gva_t held_start;
	size_t held, piece;
	uint64_t used;              // bytes that were asked for since the piece was read
	struct gg_page_set *tables; // the pages of the page tables on the way, or NULL
	uint64_t reads;
	pthread_mutex_t *lock; // borrowed; of the page table, for several readers; or NULL
};

// Makes a reader of TABLE's memory, whose RAM MAP has. TABLES, which may be NULL, gets the page tables' own
// pages.
struct gg_error *gg_memmap_reader_init(struct gg_memmap_reader *reader, struct gg_page_table *table,
				       const struct gg_ram_map *map, struct gg_page_set *tables);
void gg_memmap_reader_deinit(struct gg_memmap_reader *reader);

static inline void gg_memmap_reader_lock(struct gg_memmap_reader *reader)
{
	if (reader->lock)
		pthread_mutex_lock(reader->lock);
}

static inline void gg_memmap_reader_unlock(struct gg_memmap_reader *reader)
{
	if (reader->lock)
		pthread_mutex_unlock(reader->lock);
}

// Bytes of the memmap, or the reason that there are none.
struct gg_memmap_piece {
	const uint8_t
		*bytes; // NULL for a hole, and for what cannot be read; valid until the next call
	uint64_t size;  // of BYTES, or of the hole or the missing part
	bool is_hole;   // zeros
};

// Finds the bytes at GVA where they are not those that were read last.
struct gg_error *gg_memmap_read_further(struct gg_memmap_reader *reader, gg_gva_t gva, size_t need,
					struct gg_memmap_piece *ret);

// Finds the bytes at GVA: at least NEED (1 to 4096) bytes, or a hole or a missing part of at least 1 byte.
// Only final errors are returned.
static inline struct gg_error *gg_memmap_read(struct gg_memmap_reader *reader, gg_gva_t gva,
					      size_t need, struct gg_memmap_piece *ret)
{
	const uint64_t offset = gva - reader->held_start;
	reader->used += need;
	if (offset >= reader->held || need > reader->held - offset)
		return gg_memmap_read_further(reader, gva, need, ret);
	*ret = (struct gg_memmap_piece){ .bytes = reader->bytes + offset,
					 .size = reader->held - offset };
	return NULL;
}

#endif
