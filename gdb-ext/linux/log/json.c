// SPDX-License-Identifier: GPL-3.0-or-later
//
// A record as a JSON object (RFC 8259), in ASCII:
//
//     {"seq":3664,"time":12.345678901,"level":"info","facility":"kern","caller":"T1",
//      "wall":"2026-11-26T15:03:39Z","newline":true,"text":"...","dict":{"SUBSYSTEM":"pci","DEVICE":"+pci:0000:00:00.0"}}
//
// What is not known is left out, and so are "wall" where it is not asked for, "cont" and "cleared"
// where they are false, "lost" where it is 0, "dict" where it is empty. Facilities without a name
// are numbers. A byte that is not UTF-8 is the lone surrogate \udc00 + byte, which Python's
// "surrogateescape" turns back.
#include "text.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

static void append_string(struct gg_buffer *text, const char *bytes, size_t size)
{
	enum { BEYOND = 0x10000, HIGH = 0xd800, LOW = 0xdc00 };
	gg_buffer_append(text, "\"", 1);
	while (size) {
		uint32_t character;
		size_t length = gg_utf8_decode(bytes, size, &character);
		if (!length) {
			character = LOW + (uint8_t)*bytes;
			length = 1;
		}
		if (character == '"' || character == '\\')
			gg_buffer_format(text, "\\%c", (char)character);
		else if (character >= ' ' && character <= '~')
			gg_buffer_append(text, bytes, 1);
		else if (character < BEYOND)
			gg_buffer_format(text, "\\u%04" PRIx32, character);
		else
			gg_buffer_format(text, "\\u%04" PRIx32 "\\u%04" PRIx32,
					 HIGH + ((character - BEYOND) >> 10),
					 LOW + (character & 0x3ff));
		bytes += length;
		size -= length;
	}
	gg_buffer_append(text, "\"", 1);
}

static void append_level(struct gg_buffer *text, const struct gg_log_record *record)
{
	const char *facility = gg_log_facility_name(record->facility);
	const char *level = gg_log_level_name(record->level);
	gg_buffer_format(text, "\"level\":\"%s\",", level ? level : "?");
	if (facility)
		gg_buffer_format(text, "\"facility\":\"%s\",", facility);
	else
		gg_buffer_format(text, "\"facility\":%u,", record->facility);
}

static void append_dict(struct gg_buffer *text, const char *dict, size_t size)
{
	const char *separator = "";
	gg_buffer_format(text, ",\"dict\":{");
	while (size) {
		const size_t length = strnlen(dict, size);
		const char *equals = memchr(dict, '=', length);
		const size_t key = equals ? (size_t)(equals - dict) : length;
		gg_buffer_format(text, "%s", separator);
		append_string(text, dict, key);
		gg_buffer_format(text, ":");
		append_string(text, equals ? equals + 1 : "", equals ? length - key - 1 : 0);
		separator = ",";
		const size_t done = length < size ? length + 1 : length;
		dict += done;
		size -= done;
	}
	gg_buffer_format(text, "}");
}

void gg_log_json_append(struct gg_buffer *text, const struct gg_log_style *style,
			const struct gg_log_record *record)
{
	enum { SECOND = 1000000000 };
	char caller[GG_LOG_CALLER_SIZE], wall[GG_LOG_WALL_SIZE];
	gg_buffer_format(text, "{");
	if (record->flags & GG_LOG_SEQ)
		gg_buffer_format(text, "\"seq\":%" PRIu64 ",", record->seq);
	if (record->flags & GG_LOG_TIME)
		gg_buffer_format(text, "\"time\":%" PRIu64 ".%09" PRIu64 ",", record->time / SECOND,
				 record->time % SECOND);
	if (style->wall && (record->flags & GG_LOG_TIME)) {
		gg_log_wall(style, record, wall);
		gg_buffer_format(text, "\"wall\":\"%s\",", wall);
	}
	if (record->flags & GG_LOG_LEVEL)
		append_level(text, record);
	gg_log_caller(record, caller);
	if (record->flags & GG_LOG_CALLER)
		gg_buffer_format(text, "\"caller\":\"%s\",", caller);
	gg_buffer_format(text, "\"newline\":%s,",
			 record->flags & GG_LOG_NEWLINE ? "true" : "false");
	if (record->flags & GG_LOG_CONT)
		gg_buffer_format(text, "\"cont\":true,");
	if (record->flags & GG_LOG_CLEARED)
		gg_buffer_format(text, "\"cleared\":true,");
	if (record->lost)
		gg_buffer_format(text, "\"lost\":%" PRIu64 ",", record->lost);
	gg_buffer_format(text, "\"text\":");
	append_string(text, record->text, record->text_size);
	if (record->dict_size)
		append_dict(text, record->dict, record->dict_size);
	gg_buffer_format(text, "}\n");
}
