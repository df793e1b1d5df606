// SPDX-License-Identifier: GPL-3.0-or-later
//
// What a RAMBlock says of pages that are not in QEMU's memory.
//
// In:  the RAMBlocks of a FlatView; the binary's functions that ask the same.
// Out: where the bitmap of pages that have arrived by migration is, and the descriptor of a
//      guest_memfd.
// Trusts nothing it reads: what the code says must be possible in every block.
#include "ram.h"

enum { BITS_PER_BYTE = 8, MOST_FILES = 1 << 20 };

// NULL, or memory as long as a bitmap of the block's pages?
static bool is_bitmap(const struct view *view, const struct region *region, uint64_t at)
{
	const uint64_t address = gg_glimpse_word(&region->block, at);
	const uint64_t length = gg_glimpse_word(&region->block, view->length_at);
	const uint64_t size = length / PAGE / BITS_PER_BYTE;
	return !address || gg_finder_is_mapped(view->finder, address, size ? size : 1);
}

// A descriptor, or -1?
static bool is_file(const struct view *view, const struct region *region, uint64_t at)
{
	(void)view;
	const uint32_t file = gg_glimpse_half(&region->block, at);
	return file == UINT32_MAX || file < MOST_FILES;
}

// The place that FUNCTION's code names, if it IS_POSSIBLE in all blocks; 0 if not.
static uint64_t
find_place(const struct view *view, const char *function, enum gg_code_access access,
	   bool (*is_possible)(const struct view *view, const struct region *region, uint64_t at))
{
	uint64_t place;
	struct gg_error *err = gg_code_place(view->finder, function, access, &place);
	if (err) {
		gg_error_destroy(err);
		return 0;
	}
	if (place < view->idstr_at + IDSTR_SIZE || place + WORD > BLOCK_SIZE)
		return 0;
	for (size_t i = 0; i < view->region_count; i++)
		if (view->regions[i].block_address && !is_possible(view, &view->regions[i], place))
			return 0;
	return place;
}

struct gg_error *gg_view_find_absence(const struct view *view, struct gg_answers *answers)
{
	static const char type[] = "RAMBlock";
	const uint64_t received = find_place(view, "ramblock_recv_bitmap_test_byte_offset",
					     GG_CODE_LOADS_WORD, is_bitmap);
	const uint64_t file =
		find_place(view, "memory_region_has_guest_memfd", GG_CODE_LOADS_HALF, is_file);
	struct gg_error *err = NULL;
	if (received)
		err = gg_answers_add(answers, type, "receivedmap", received, WORD,
				     "ramblock_recv_bitmap_test_byte_offset() loads it");
	if (!err && file)
		err = gg_answers_add(answers, type, "guest_memfd", file, 4,
				     "memory_region_has_guest_memfd() loads it");
	return err;
}
