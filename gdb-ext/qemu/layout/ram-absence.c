// SPDX-License-Identifier: GPL-3.0-or-later
//
// The members of a RAMBlock about pages that are not in QEMU's memory.
//
// In:  the RAMBlocks of a FlatView; the binary's functions that ask the same.
// Out: the places of the bitmap of pages that have arrived by migration, and of the descriptor of a
//      guest_memfd.
// Trusts nothing it reads: a place that the code shows must be possible in every block.
//
// A QEMU that exports no functions has a bitmap of pages that have arrived where a word of each
// block is NULL or leads to a piece of glibc's heap that is as long as such a bitmap, and all pages
// whose bit is 0 in the largest are zeros. The bitmap of pages that a source still has to send is
// as long; there pages whose bit is 0 are the guest's, or there are none.
#include "ram.h"

#include <string.h>

enum { BITS_PER_BYTE = 8, WORD_BITS = 64, MOST_FILES = 1 << 20 };

// Tests for NULL, or memory as long as a bitmap of the block's pages.
static bool is_bitmap(const struct view *view, const struct region *region, uint64_t at)
{
	const uint64_t address = gg_glimpse_word(&region->block, at);
	const uint64_t length = gg_glimpse_word(&region->block, view->length_at);
	const uint64_t size = length / PAGE / BITS_PER_BYTE;
	return !address || gg_finder_is_mapped(view->finder, address, size ? size : 1);
}

// Tests for a descriptor, or -1.
static bool is_file(const struct view *view, const struct region *region, uint64_t at)
{
	(void)view;
	const uint32_t file = gg_glimpse_half(&region->block, at);
	return file == UINT32_MAX || file < MOST_FILES;
}

// Finds the place that FUNCTION's code names, if it IS_POSSIBLE in all blocks; 0 if not.
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

// ---- Without the code ----

static uint64_t bitmap_size(uint64_t length)
{
	return (length / PAGE + WORD_BITS - 1) / WORD_BITS * WORD;
}

// Tests whether glibc's heap has a piece for SIZE bytes at ADDRESS. The piece's size, and three
// flags, are in the word before it (glibc malloc/malloc.c, struct malloc_chunk).
static bool is_heap_piece(const struct view *view, uint64_t address, uint64_t size)
{
	enum { MAPPED = 2, FLAGS = 7, ALIGNMENT = 16, SLACK = 48 };
	uint64_t header;
	if (address % ALIGNMENT || !gg_peek_word(view->finder->peek, address - WORD, &header))
		return false;
	const uint64_t room = (header & ~(uint64_t)FLAGS) - (header & MAPPED ? 2 * WORD : WORD);
	return room >= size && room - size < (header & MAPPED ? PAGE + SLACK : SLACK) &&
	       gg_finder_is_mapped(view->finder, address, size);
}

// Tests whether the page is zeros, or not there.
static bool is_blank(const struct view *view, uint64_t address)
{
	uint8_t bytes[PAGE];
	const size_t size = gg_peek_some(view->finder->peek, address, bytes, PAGE);
	return !size || (!bytes[0] && !memcmp(bytes, bytes + 1, size - 1));
}

// Tests some of the pages whose bit is 0 for zeros. A few may have arrived just now, before their
// bit was set.
static bool has_blanks(const struct view *view, const struct region *region, uint64_t bitmap)
{
	enum { LOOKED_AT = 64, MOST_JUST_NOW = 2 };
	const uint64_t pages = gg_glimpse_word(&region->block, view->length_at) / PAGE;
	const uint64_t host = gg_glimpse_word(&region->block, view->host_at);
	unsigned int looked = 0, just_now = 0;
	for (uint64_t page = 0; page < pages && looked < LOOKED_AT; page += WORD_BITS) {
		uint64_t bits;
		if (!gg_peek_word(view->finder->peek, bitmap + page / BITS_PER_BYTE, &bits))
			return false;
		// The first of 64 that has not arrived, if any.
		const unsigned int first = ~bits ? (unsigned int)__builtin_ctzll(~bits) : WORD_BITS;
		if (first == WORD_BITS || page + first >= pages)
			continue;
		just_now += !is_blank(view, host + (page + first) * PAGE);
		looked++;
	}
	return just_now <= MOST_JUST_NOW && just_now <= looked / 8;
}

// Tests whether the word at AT of every block is such a bitmap, or NULL, and the largest block's is
// a bitmap.
static bool are_bitmaps(const struct view *view, uint64_t at)
{
	const struct region *largest = NULL;
	uint64_t most = 0;
	for (size_t i = 0; i < view->region_count; i++) {
		const struct region *region = &view->regions[i];
		const uint64_t length = gg_glimpse_word(&region->block, view->length_at);
		const uint64_t bitmap = gg_glimpse_word(&region->block, at);
		if (!region->block_address)
			continue;
		if (bitmap && !is_heap_piece(view, bitmap, bitmap_size(length)))
			return false;
		if (length > most) {
			most = length;
			largest = region;
		}
	}
	const uint64_t bitmap = largest ? gg_glimpse_word(&largest->block, at) : 0;
	return bitmap && has_blanks(view, largest, bitmap);
}

// Finds the only place of such bitmaps, or 0. While no guest is received there is none.
static uint64_t find_bitmaps(const struct view *view)
{
	uint64_t found = 0;
	const uint64_t first = (view->idstr_at + IDSTR_SIZE + WORD - 1) / WORD * WORD;
	for (uint64_t at = first; at + WORD <= BLOCK_SIZE; at += WORD) {
		if (!are_bitmaps(view, at))
			continue;
		if (found)
			return 0;
		found = at;
	}
	return found;
}

// ---- Answers ----

struct gg_error *gg_view_find_absence(const struct view *view, struct gg_answers *answers)
{
	static const char type[] = "RAMBlock";
	uint64_t received = find_place(view, "ramblock_recv_bitmap_test_byte_offset",
				       GG_CODE_LOADS_WORD, is_bitmap);
	const char *proof = "ramblock_recv_bitmap_test_byte_offset() loads it";
	if (!received) {
		received = find_bitmaps(view);
		proof = "as long as a bitmap of its pages, and pages whose bit is 0 are zeros";
	}
	const uint64_t file =
		find_place(view, "memory_region_has_guest_memfd", GG_CODE_LOADS_HALF, is_file);
	struct gg_error *err = NULL;
	if (received)
		err = gg_answers_add(answers, type, "receivedmap", received, WORD, "%s", proof);
	if (!err && file)
		err = gg_answers_add(answers, type, "guest_memfd", file, 4,
				     "memory_region_has_guest_memfd() loads it");
	return err;
}
