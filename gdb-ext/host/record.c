// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a reader's layout, an address.
// Out: members.
// Trusts nothing it reads: the piece is bounded, and no member is looked at beyond it.
#include "record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PIECE = 64 << 10 };

struct gg_error *gg_record_init(struct gg_record *ret, const struct gg_host *host, const char *type,
				const struct gg_layout_row *rows, size_t count, const void *layout)
{
	uint64_t start = UINT64_MAX, end = 0;
	for (size_t i = 0; i < count; i++) {
		const struct gg_member *member =
			(const void *)((const char *)layout + rows[i].where);
		if (strcmp(rows[i].type, type) || !member->size)
			continue;
		start = member->offset < start ? member->offset : start;
		end = member->offset + member->size > end ? member->offset + member->size : end;
	}
	*ret = (struct gg_record){ .host = host, .type = type };
	if (end <= start)
		return NULL;
	if (end - start > MAX_PIECE)
		return gg_error_create(GG_BAD_DATA, "the members of a %s have %" PRIu64 " bytes",
				       type, end - start);
	ret->bytes = calloc(1, (size_t)(end - start));
	if (!ret->bytes)
		return gg_enomem;
	ret->start = start;
	ret->size = (size_t)(end - start);
	return NULL;
}

void gg_record_deinit(struct gg_record *record)
{
	free(record->bytes);
	*record = (struct gg_record){ 0 };
}

struct gg_error *gg_record_read(struct gg_record *record, uint64_t address)
{
	struct gg_error *err =
		gg_host_read(record->host, address + record->start, record->bytes, record->size);
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
