// SPDX-License-Identifier: GPL-3.0-or-later
#include "buffer.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gg_buffer_deinit(struct gg_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct gg_buffer){ 0 };
}

// Room for SIZE more bytes, or NULL.
static uint8_t *grow(struct gg_buffer *buffer, size_t size)
{
	if (buffer->failed)
		return NULL;
	if (size > buffer->capacity - buffer->size) {
		size_t capacity = 2 * buffer->capacity + size;
		uint8_t *bytes = realloc(buffer->bytes, capacity);
		if (!bytes) {
			buffer->failed = true;
			return NULL;
		}
		buffer->bytes = bytes;
		buffer->capacity = capacity;
	}
	uint8_t *end = buffer->bytes + buffer->size;
	buffer->size += size;
	return end;
}

void gg_buffer_append(struct gg_buffer *buffer, const void *bytes, size_t size)
{
	uint8_t *end = size ? grow(buffer, size) : NULL;
	if (end)
		memcpy(end, bytes, size);
}

void gg_buffer_zeros(struct gg_buffer *buffer, size_t size)
{
	uint8_t *end = size ? grow(buffer, size) : NULL;
	if (end)
		memset(end, 0, size);
}

void gg_buffer_uint(struct gg_buffer *buffer, unsigned int size, uint64_t value)
{
	const unsigned int unused = 64 - 8 * size;
	const uint64_t bytes = buffer->big_endian ? htobe64(value << unused) : htole64(value);
	gg_buffer_append(buffer, &bytes, size);
}

void gg_buffer_format(struct gg_buffer *buffer, const char *format, ...)
{
	char text[256], *longer = NULL;
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	if (length >= (int)sizeof(text))
		length = vasprintf(&longer, format, again);
	va_end(again);
	va_end(arguments);
	if (length < 0)
		buffer->failed = true;
	else
		gg_buffer_append(buffer, longer ? longer : text, (size_t)length);
	free(longer);
}

struct gg_error *gg_buffer_check(const struct gg_buffer *buffer)
{
	return buffer->failed ? gg_enomem : NULL;
}
