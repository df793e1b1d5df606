// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a reader's layout, an address.
// Out: members.
// Trusts nothing it reads: the piece is bounded, and no member is looked at beyond it.
#include "record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_SIZE = 64 << 10,
	GAP = 512, // bytes that nobody needs, and that are not worth a read of their own
};

struct gg_record_piece {
	uint64_t start, end; // offsets in the structure
};

static int compare_pieces(const void *a, const void *b)
{
	const struct gg_record_piece *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

// Joins the COUNT members at PIECES to pieces. Returns the number of pieces.
static size_t join(struct gg_record_piece *pieces, size_t count)
{
	size_t joined = 0;
	qsort(pieces, count, sizeof(*pieces), compare_pieces);
	for (size_t i = 1; i < count; i++) {
		struct gg_record_piece *last = &pieces[joined];
		if (pieces[i].start > last->end + GAP)
			pieces[++joined] = pieces[i];
		else if (pieces[i].end > last->end)
			last->end = pieces[i].end;
	}
	return count ? joined + 1 : 0;
}

// Makes room for the pieces.
static struct gg_error *measure(struct gg_record *record)
{
	if (!record->piece_count)
		return NULL;
	const uint64_t start = record->pieces[0].start;
	const uint64_t size = record->pieces[record->piece_count - 1].end - start;
	if (size > MAX_SIZE)
		return gg_error_create(GG_BAD_DATA, "the members of a %s have %" PRIu64 " bytes",
				       record->type, size);
	record->start = start;
	record->size = (size_t)size;
	record->bytes = calloc(1, record->size);
	return record->bytes ? NULL : gg_enomem;
}

struct gg_error *gg_record_init(struct gg_record *ret, const struct gg_host *host, const char *type,
				const struct gg_layout_row *rows, size_t count, const void *layout)
{
	size_t members = 0;
	*ret = (struct gg_record){ .host = host, .type = type };
	ret->pieces = calloc(count + 1, sizeof(*ret->pieces));
	if (!ret->pieces)
		return gg_enomem;
	for (size_t i = 0; i < count; i++) {
		const struct gg_member *member =
			(const void *)((const char *)layout + rows[i].where);
		if (!strcmp(rows[i].type, type) && member->size)
			ret->pieces[members++] =
				(struct gg_record_piece){ member->offset,
							  member->offset + member->size };
	}
	ret->piece_count = join(ret->pieces, members);
	struct gg_error *err = measure(ret);
	if (err)
		gg_record_deinit(ret);
	return err;
}

void gg_record_deinit(struct gg_record *record)
{
	free(record->bytes);
	free(record->pieces);
	*record = (struct gg_record){ 0 };
}

struct gg_error *gg_record_read(struct gg_record *record, uint64_t address)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < record->piece_count; i++) {
		const struct gg_record_piece *piece = &record->pieces[i];
		err = gg_host_read(record->host, address + piece->start,
				   record->bytes + (piece->start - record->start),
				   (size_t)(piece->end - piece->start));
	}
	return err ? gg_error_context(err, "the %s at 0x%" PRIx64, record->type, address) : NULL;
}

static uint64_t value_at(const struct gg_record *record, uint64_t offset, uint64_t size)
{
	uint64_t value = 0;
	const struct gg_member member = { offset - record->start, size };
	struct gg_cursor cursor =
		gg_cursor(record->bytes, record->size, record->host->big_endian, record->type);
	if (size && offset >= record->start)
		gg_error_destroy(gg_cursor_member(&cursor, &member, &value));
	return value;
}

uint64_t gg_record_value(const struct gg_record *record, const struct gg_member *member)
{
	return value_at(record, member->offset, member->size);
}

uint64_t gg_record_pointer(const struct gg_record *record, const struct gg_member *member,
			   unsigned int index)
{
	const unsigned int word = record->host->address_size;
	return member->size ? value_at(record, member->offset + (uint64_t)index * word, word) : 0;
}

bool gg_record_text(const struct gg_record *record, const struct gg_member *member, char *ret,
		    size_t size)
{
	const uint64_t offset = member->offset - record->start;
	const bool is_there = member->size && member->offset >= record->start &&
			      offset < record->size && member->size <= record->size - offset;
	const size_t length = !is_there ? 0 : member->size < size - 1 ? member->size : size - 1;
	if (length)
		memcpy(ret, record->bytes + offset, length);
	ret[length] = 0;
	return is_there && strnlen(ret, length) < member->size;
}
