// SPDX-License-Identifier: GPL-3.0-or-later
#include "pieces.h"
#include "base/cleanup.h"
#include "base/notices.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>

// "0x0-0x9ffff (pc.ram), ..." of what is absent.
struct absent_list {
	char *text;
	size_t size;
	FILE *stream;
	unsigned int count;
};

static void list_absent(struct absent_list *list, const struct gg_ram_range *piece)
{
	enum { MAX_LISTED = 16 };
	if (list->count++ < MAX_LISTED)
		fprintf(list->stream, "%s0x%" PRIx64 "-0x%" PRIx64 " (%s)",
			list->count > 1 ? ", " : "", piece->start, piece->start + piece->size - 1,
			piece->block);
	else if (list->count == MAX_LISTED + 1)
		fprintf(list->stream, ", ...");
}

static struct gg_error *absent_error(const char *advice, const struct absent_list *list)
{
	return gg_error_create(GG_ABSENT,
			       "%u range%s of the guest's memory %s missing: %s; %s; -absent skip "
			       "leaves them out",
			       list->count, list->count == 1 ? "" : "s",
			       list->count == 1 ? "is" : "are", list->text, advice);
}

static struct gg_error *add_piece(struct gg_pieces *pieces, const struct gg_ram_range *piece)
{
	struct gg_ram_range *last = pieces->count ? &pieces->pieces[pieces->count - 1] : NULL;
	pieces->size += piece->size;
	// Extents end for many reasons; only what is absent parts pieces of one range.
	if (last && last->block == piece->block && last->start + last->size == piece->start &&
	    last->hva + last->size == piece->hva) {
		last->size += piece->size;
		return NULL;
	}
	struct gg_error *err =
		gg_vector_grow(&pieces->pieces, pieces->count, sizeof(*pieces->pieces));
	if (!err)
		pieces->pieces[pieces->count++] = *piece;
	return err;
}

// The part of RANGE that the options ask for; false if none.
static bool cut_range(const struct gg_piece_options *options, struct gg_ram_range *range)
{
	if (!options->filter)
		return true;
	const uint64_t first = range->start > options->begin ? range->start : options->begin;
	const uint64_t range_last = range->start + (range->size - 1);
	uint64_t last = options->begin + (options->length - 1);
	if (last > range_last)
		last = range_last;
	if (first > last)
		return false;
	range->hva += first - range->start;
	range->start = first;
	range->size = last - first + 1;
	return true;
}

static struct gg_error *add_range(struct gg_pieces *pieces, const struct gg_ram_map *map,
				  struct gg_ram_range range, struct absent_list *absent)
{
	while (range.size) {
		struct gg_extent extent;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = map->backing->ops->extent(map->backing, range.hva, range.size, false,
							&extent);
		if (err)
			return err;
		struct gg_ram_range piece = range;
		piece.size = extent.size;
		if (extent.kind == GG_EXTENT_ABSENT)
			list_absent(absent, &piece);
		else
			err = add_piece(pieces, &piece);
		if (err)
			return err;
		range.start += extent.size;
		range.hva += extent.size;
		range.size -= extent.size;
	}
	return NULL;
}

static struct gg_error *add_ranges(struct gg_pieces *pieces, const struct gg_ram_map *map,
				   const struct gg_piece_options *options,
				   struct absent_list *absent)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < map->count; i++) {
		struct gg_ram_range range = map->ranges[i];
		if (cut_range(options, &range))
			err = add_range(pieces, map, range, absent);
	}
	return err;
}

static struct gg_error *check_options(const struct gg_piece_options *options)
{
	if (!options->filter)
		return NULL;
	if (!options->length)
		return gg_error_create(GG_INVALID, "the length is 0, not 1 or more");
	if (options->length - 1 > UINT64_MAX - options->begin)
		return gg_error_create(GG_INVALID,
				       "0x%" PRIx64 " bytes from 0x%" PRIx64
				       " on go beyond the last address, 0x%" PRIx64,
				       options->length, options->begin, UINT64_MAX);
	return NULL;
}

struct gg_error *gg_pieces_init(struct gg_pieces *pieces, const struct gg_ram_map *map,
				const char *advice, const struct gg_piece_options *options,
				const struct gg_notices *notices)
{
	*pieces = (struct gg_pieces){ 0 };
	struct gg_error *err = check_options(options);
	if (err)
		return err;
	struct absent_list absent = { 0 };
	absent.stream = open_memstream(&absent.text, &absent.size);
	if (!absent.stream)
		return gg_enomem;
	err = add_ranges(pieces, map, options, &absent);
	fclose(absent.stream);
	_cleanup_free_ char *text = absent.text;
	if (!err && absent.count && !options->skip_absent)
		err = absent_error(advice, &absent);
	if (!err && absent.count)
		err = gg_tell(notices, "left out, because they are missing: %s", absent.text);
	if (!err && !pieces->count)
		err = gg_error_create(GG_NOT_FOUND, "the guest has no RAM%s%s",
				      options->filter ? " in that range of addresses" : "",
				      absent.count ? " that is not missing" : "");
	if (err)
		gg_pieces_deinit(pieces);
	return err;
}

// ---- Pages ----

static struct gg_error *append(struct gg_pieces *pieces, const struct gg_ram_range *range,
			       uint64_t start, uint64_t end)
{
	if (start >= end)
		return NULL;
	struct gg_error *err =
		gg_vector_grow(&pieces->pieces, pieces->count, sizeof(*pieces->pieces));
	if (err)
		return err;
	struct gg_ram_range *piece = &pieces->pieces[pieces->count++];
	*piece = *range;
	piece->start = start;
	piece->hva = range->hva + (start - range->start);
	piece->size = end - start;
	pieces->size += piece->size;
	return NULL;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static struct gg_error *split_range(const struct gg_ram_range *range,
				    const struct gg_page_set *excluded, uint64_t page_size,
				    uint64_t shortest, struct gg_pieces *ret)
{
	uint64_t start = range->start, first, count;
	const uint64_t end = range->start + range->size;
	struct gg_error *err = NULL;
	for (uint64_t pfn = start / page_size;
	     !err && gg_page_set_next_run(excluded, pfn, &first, &count) && first * page_size < end;
	     pfn = first + count) {
		if (count < shortest)
			continue;
		err = append(ret, range, start, clamp(first * page_size, start, end));
		start = clamp((first + count) * page_size, start, end);
	}
	return err ? err : append(ret, range, start, end);
}

struct gg_error *gg_pieces_split(const struct gg_pieces *pieces, const struct gg_page_set *excluded,
				 uint64_t page_size, uint64_t shortest, struct gg_pieces *ret)
{
	struct gg_error *err = NULL;
	*ret = (struct gg_pieces){ 0 };
	for (size_t i = 0; !err && i < pieces->count; i++)
		err = split_range(&pieces->pieces[i], excluded, page_size, shortest, ret);
	if (err)
		gg_pieces_deinit(ret);
	return err;
}

struct gg_error *gg_pieces_trim(struct gg_pieces *pieces, uint64_t page_size, gg_gpa_t end,
				const struct gg_notices *notices)
{
	struct absent_list cut = { 0 };
	size_t count = 0;
	cut.stream = open_memstream(&cut.text, &cut.size);
	if (!cut.stream)
		return gg_enomem;
	for (size_t i = 0; i < pieces->count; i++) {
		struct gg_ram_range piece = pieces->pieces[i];
		const uint64_t limit = piece.start + piece.size;
		const uint64_t last = (end && end < limit ? end : limit) / page_size * page_size;
		const uint64_t rest = piece.start % page_size;
		const uint64_t first = piece.start + (rest ? page_size - rest : 0);
		const uint64_t start = clamp(first, piece.start, limit);
		const uint64_t stop = clamp(last, start, limit);
		struct gg_ram_range left_out = piece;
		left_out.size = start - piece.start;
		if (left_out.size)
			list_absent(&cut, &left_out);
		left_out.start = stop;
		left_out.size = limit - stop;
		if (left_out.size)
			list_absent(&cut, &left_out);
		pieces->size -= piece.size - (stop - start);
		piece.hva += start - piece.start;
		piece.start = start;
		piece.size = stop - start;
		if (piece.size)
			pieces->pieces[count++] = piece;
	}
	pieces->count = count;
	fclose(cut.stream);
	_cleanup_free_ char *text = cut.text;
	return cut.count
		       ? gg_tell(notices,
				 "left out, because the kernel has no whole pages there: %s", text)
		       : NULL;
}

void gg_pieces_deinit(struct gg_pieces *pieces)
{
	free(pieces->pieces);
	*pieces = (struct gg_pieces){ 0 };
}
