// SPDX-License-Identifier: GPL-3.0-or-later
//
// The one way to take hostile bytes apart. A cursor knows where its bytes end, in which order they
// are, and whom to blame; every step is an answer or an error with the offset. It owns nothing: the
// bytes must outlive it.
#ifndef GG_CURSOR_H
#define GG_CURSOR_H

#include "error.h"

#include <gdb-guest/host.h>
#include <endian.h>
#include <string.h>

struct gg_cursor {
	const uint8_t *bytes;
	uint64_t size;
	uint64_t position; // 0 to size
	bool big_endian;
	const char *what; // whose bytes they are, for messages
};

static inline struct gg_cursor gg_cursor(const void *bytes, uint64_t size, bool big_endian,
					 const char *what)
{
	return (struct gg_cursor){
		.bytes = bytes, .size = size, .big_endian = big_endian, .what = what
	};
}

// Moves to POSITION, 0 to size.
struct gg_error *gg_cursor_seek(struct gg_cursor *cursor, uint64_t position);

// The next SIZE (1 to 8) bytes as an unsigned integer.
struct gg_error *gg_cursor_uint(struct gg_cursor *cursor, unsigned int size, uint64_t *ret);

// The unsigned integer MEMBER of the structure that the bytes are.
struct gg_error *gg_cursor_member(struct gg_cursor *cursor, const struct gg_member *member,
				  uint64_t *ret);

// Decodes the SIZE (1 to 8) bytes at BYTES: of the widths that tables have in a step, for tables are large.
static inline uint64_t gg_decode_uint(const uint8_t *bytes, uint64_t size, bool big_endian)
{
	uint32_t half;
	uint64_t value = 0;
	switch (size) {
	case 1:
		return bytes[0];
	case sizeof(half):
		memcpy(&half, bytes, sizeof(half));
		return big_endian ? be32toh(half) : le32toh(half);
	case sizeof(value):
		memcpy(&value, bytes, sizeof(value));
		return big_endian ? be64toh(value) : le64toh(value);
	default:
		for (unsigned int i = 0; i < size; i++) {
			const unsigned int significance =
				big_endian ? (unsigned int)size - 1 - i : i;
			value |= (uint64_t)bytes[i] << (8 * significance);
		}
		return value;
	}
}

// Returns the MEMBER of the structure that the cursor's bytes are; 0 where the member has no bytes, or is not
// inside of the structure. Inline, for the struct pages of all memory.
static inline uint64_t gg_cursor_member_or_zero(const struct gg_cursor *cursor,
						const struct gg_member *member)
{
	const uint64_t offset = member->offset, size = member->size;
	const bool is_inside = size - 1 < sizeof(uint64_t) && offset <= cursor->size &&
			       size <= cursor->size - offset;
	return is_inside ? gg_decode_uint(cursor->bytes + offset, size, cursor->big_endian) : 0;
}

// The next SIZE bytes as a cursor of their own.
struct gg_error *gg_cursor_sub(struct gg_cursor *cursor, uint64_t size, struct gg_cursor *ret);

#endif
