// SPDX-License-Identifier: GPL-3.0-or-later
//
// The part of the RAM map that goes into a vmcore: all, a range, or the memory that is there.
#ifndef GG_PIECES_H
#define GG_PIECES_H

#include "base/page-set.h"
#include "memory/ram-map.h"

#include <gdb-guest/notices.h>

struct gg_pieces {
	struct gg_ram_range *pieces; // ascending, disjoint; their names are the map's
	size_t count;
	uint64_t size; // of all
};

struct gg_piece_options {
	bool filter; // only [begin, begin + length)
	gg_gpa_t begin;
	uint64_t length;
	bool skip_absent; // leave out what MAP's backing lacks, and tell; else it is GG_ABSENT
};

// ADVICE is what an error says of absent memory. GG_NOT_FOUND where nothing is left.
struct gg_error *gg_pieces_init(struct gg_pieces *pieces, const struct gg_ram_map *map,
				const char *advice, const struct gg_piece_options *options,
				const struct gg_notices *notices);

// Copies PIECES to RET without the pages EXCLUDED, of PAGE_SIZE bytes, where at least SHORTEST neighbours are
// excluded.
struct gg_error *gg_pieces_split(const struct gg_pieces *pieces, const struct gg_page_set *excluded,
				 uint64_t page_size, uint64_t shortest, struct gg_pieces *ret);

// Cuts PIECES to whole pages below the address END, which 0 leaves without a limit. NOTICES get a line for
// the pieces, or parts, that are left out.
struct gg_error *gg_pieces_trim(struct gg_pieces *pieces, uint64_t page_size, gg_gpa_t end,
				const struct gg_notices *notices);

void gg_pieces_deinit(struct gg_pieces *pieces);

#endif
