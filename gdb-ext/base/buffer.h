// SPDX-License-Identifier: GPL-3.0-or-later
//
// A growing array of bytes, and integers appended to it in a byte order.
#ifndef GG_BUFFER_H
#define GG_BUFFER_H

#include "error.h"

struct gg_buffer {
	uint8_t *bytes;
	size_t size, capacity;
	bool big_endian;
	bool failed; // memory ran out; nothing more is appended
};

void gg_buffer_deinit(struct gg_buffer *buffer);
void gg_buffer_append(struct gg_buffer *buffer, const void *bytes, size_t size);
void gg_buffer_zeros(struct gg_buffer *buffer, size_t size);

// The low SIZE (1 to 8) bytes of VALUE.
void gg_buffer_uint(struct gg_buffer *buffer, unsigned int size, uint64_t value);

// Appends like printf.
void gg_buffer_format(struct gg_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Appending cannot fail by itself: whether all of it worked is asked once.
struct gg_error *gg_buffer_check(const struct gg_buffer *buffer);

#endif
