// SPDX-License-Identifier: GPL-3.0-or-later
#include "cursor.h"

#include <inttypes.h>

struct gg_error *gg_cursor_seek(struct gg_cursor *cursor, uint64_t position)
{
	if (position > cursor->size)
		return gg_error_create(GG_BAD_DATA,
				       "%s: offset %" PRIu64 " is beyond its %" PRIu64 " bytes",
				       cursor->what, position, cursor->size);
	cursor->position = position;
	return NULL;
}

static struct gg_error *check_left(const struct gg_cursor *cursor, uint64_t size)
{
	if (size > cursor->size - cursor->position)
		return gg_error_create(GG_BAD_DATA,
				       "%s: %" PRIu64 " bytes at offset %" PRIu64
				       " reach beyond its %" PRIu64 " bytes",
				       cursor->what, size, cursor->position, cursor->size);
	return NULL;
}

struct gg_error *gg_cursor_uint(struct gg_cursor *cursor, unsigned int size, uint64_t *ret)
{
	if (size < 1 || size > 8)
		return gg_error_create(GG_BAD_DATA, "%s: an integer of %u bytes at offset %" PRIu64,
				       cursor->what, size, cursor->position);
	struct gg_error *err = check_left(cursor, size);
	if (err)
		return err;

	*ret = gg_decode_uint(cursor->bytes + cursor->position, size, cursor->big_endian);
	cursor->position += size;
	return NULL;
}

struct gg_error *gg_cursor_member(struct gg_cursor *cursor, const struct gg_member *member,
				  uint64_t *ret)
{
	struct gg_error *err = gg_cursor_seek(cursor, member->offset);
	if (err)
		return err;
	if (member->size > 8)
		return gg_error_create(GG_BAD_DATA,
				       "%s: the member at offset %" PRIu64 " has %" PRIu64
				       " bytes, not 1 to 8",
				       cursor->what, member->offset, member->size);
	return gg_cursor_uint(cursor, (unsigned int)member->size, ret);
}

struct gg_error *gg_cursor_sub(struct gg_cursor *cursor, uint64_t size, struct gg_cursor *ret)
{
	struct gg_error *err = check_left(cursor, size);
	if (err)
		return err;
	*ret = gg_cursor(cursor->bytes + cursor->position, size, cursor->big_endian, cursor->what);
	cursor->position += size;
	return NULL;
}
