// SPDX-License-Identifier: GPL-3.0-or-later
//
// The one way to take hostile bytes apart. A cursor knows where its bytes end, in which order they
// are, and whom to blame; every step is an answer or an error with the offset. It owns nothing: the
// bytes must outlive it.
#ifndef GG_CURSOR_H
#define GG_CURSOR_H

#include "error.h"

#include <gdb-guest/host.h>

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

// The next SIZE bytes as a cursor of their own.
struct gg_error *gg_cursor_sub(struct gg_cursor *cursor, uint64_t size, struct gg_cursor *ret);

#endif
