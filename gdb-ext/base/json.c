// SPDX-License-Identifier: GPL-3.0-or-later
#include "json.h"
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Appends the comma after a value. All that ends with one of the bytes below is no value: a string
// ends with its quote.
static void separate(struct gg_buffer *text)
{
	const uint8_t last = text->size && !text->failed ? text->bytes[text->size - 1] : '\n';
	if (!strchr("{[:\n", last))
		gg_buffer_append(text, ",", 1);
}

static void append_character(struct gg_buffer *text, uint32_t character)
{
	enum { BEYOND = 0x10000, HIGH = 0xd800, LOW = 0xdc00 };
	if (character == '"' || character == '\\')
		gg_buffer_format(text, "\\%c", (char)character);
	else if (character >= ' ' && character <= '~')
		gg_buffer_format(text, "%c", (char)character);
	else if (character < BEYOND)
		gg_buffer_format(text, "\\u%04" PRIx32, character);
	else
		gg_buffer_format(text, "\\u%04" PRIx32 "\\u%04" PRIx32,
				 HIGH + ((character - BEYOND) >> 10), LOW + (character & 0x3ff));
}

static void append_characters(struct gg_buffer *text, const char *bytes, size_t size)
{
	enum { NOT_UTF8 = 0xdc00 };
	while (size) {
		uint32_t character;
		size_t length = gg_utf8_decode(bytes, size, &character);
		if (!length) {
			character = NOT_UTF8 + (uint8_t)*bytes;
			length = 1;
		}
		append_character(text, character);
		bytes += length;
		size -= length;
	}
}

static void append_string(struct gg_buffer *text, const char *bytes, size_t size)
{
	gg_buffer_append(text, "\"", 1);
	append_characters(text, bytes, size);
	gg_buffer_append(text, "\"", 1);
}

// Tests whether the bytes are as gg_json_address() writes an address.
static bool looks_like_address(const char *bytes, size_t size)
{
	enum { SIZE = 18 };
	if (size != SIZE || memcmp(bytes, "0x", 2) != 0)
		return false;
	for (size_t i = 2; i < size; i++)
		if (!memchr("0123456789abcdef", bytes[i], 16))
			return false;
	return true;
}

void gg_json_key(struct gg_buffer *text, const char *key, size_t size)
{
	separate(text);
	append_string(text, key, size);
	gg_buffer_append(text, ":", 1);
}

static void begin_value(struct gg_buffer *text, const char *key)
{
	if (key)
		gg_json_key(text, key, strlen(key));
	else
		separate(text);
}

void gg_json_open_object(struct gg_buffer *text, const char *key)
{
	begin_value(text, key);
	gg_buffer_append(text, "{", 1);
}

void gg_json_close_object(struct gg_buffer *text)
{
	gg_buffer_append(text, "}", 1);
}

void gg_json_open_array(struct gg_buffer *text, const char *key)
{
	begin_value(text, key);
	gg_buffer_append(text, "[", 1);
}

void gg_json_close_array(struct gg_buffer *text)
{
	gg_buffer_append(text, "]", 1);
}

void gg_json_bytes(struct gg_buffer *text, const char *key, const char *bytes, size_t size)
{
	begin_value(text, key);
	if (!looks_like_address(bytes, size)) {
		append_string(text, bytes, size);
		return;
	}
	gg_buffer_format(text, "\"\\u%04x", '0');
	append_characters(text, bytes + 1, size - 1);
	gg_buffer_append(text, "\"", 1);
}

void gg_json_string(struct gg_buffer *text, const char *key, const char *value)
{
	if (value)
		gg_json_bytes(text, key, value, strlen(value));
	else
		gg_json_null(text, key);
}

void gg_json_format(struct gg_buffer *text, const char *key, const char *format, ...)
{
	char value[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	begin_value(text, key);
	gg_buffer_append(text, value, strlen(value));
}

void gg_json_uint(struct gg_buffer *text, const char *key, uint64_t value)
{
	gg_json_format(text, key, "%" PRIu64, value);
}

void gg_json_bool(struct gg_buffer *text, const char *key, bool value)
{
	gg_json_format(text, key, "%s", value ? "true" : "false");
}

void gg_json_null(struct gg_buffer *text, const char *key)
{
	gg_json_format(text, key, "null");
}

void gg_json_address(struct gg_buffer *text, const char *key, uint64_t address)
{
	gg_json_format(text, key, "\"0x%016" PRIx64 "\"", address);
}

void gg_json_end_line(struct gg_buffer *text)
{
	gg_buffer_append(text, "\n", 1);
}
