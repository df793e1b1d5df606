// SPDX-License-Identifier: GPL-3.0-or-later
//
// A record as a JSON object:
//
//     {"seq":3664,"time":12.345678901,"level":"info","facility":"kern","caller":"T1",
//      "wall":"2026-11-26T15:03:39Z","newline":true,"text":"...","dict":{"SUBSYSTEM":"pci","DEVICE":"+pci:0000:00:00.0"}}
//
// Members that are not known are left out, and so are "wall" where it is not asked for, "cont" and "cleared"
// where they are false, "lost" where it is 0, "dict" where it is empty. Facilities without a name
// are numbers.
#include "text.h"
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

static void append_level(struct gg_buffer *text, const struct gg_log_record *record)
{
	const char *facility = gg_log_facility_name(record->facility);
	const char *level = gg_log_level_name(record->level);
	gg_json_string(text, "level", level ? level : "?");
	if (facility)
		gg_json_string(text, "facility", facility);
	else
		gg_json_uint(text, "facility", record->facility);
}

static void append_dict(struct gg_buffer *text, const char *dict, size_t size)
{
	gg_json_open_object(text, "dict");
	while (size) {
		const size_t length = strnlen(dict, size);
		const char *equals = memchr(dict, '=', length);
		const size_t key = equals ? (size_t)(equals - dict) : length;
		gg_json_key(text, dict, key);
		gg_json_bytes(text, NULL, equals ? equals + 1 : "", equals ? length - key - 1 : 0);
		const size_t done = length < size ? length + 1 : length;
		dict += done;
		size -= done;
	}
	gg_json_close_object(text);
}

static void append_time(struct gg_buffer *text, const struct gg_log_style *style,
			const struct gg_log_record *record)
{
	enum { SECOND = 1000000000 };
	char wall[GG_LOG_WALL_SIZE];
	gg_json_format(text, "time", "%" PRIu64 ".%09" PRIu64, record->time / SECOND,
		       record->time % SECOND);
	if (style->wall) {
		gg_log_wall(style, record, wall);
		gg_json_string(text, "wall", wall);
	}
}

void gg_log_json_append(struct gg_buffer *text, const struct gg_log_style *style,
			const struct gg_log_record *record)
{
	char caller[GG_LOG_CALLER_SIZE];
	gg_json_open_object(text, NULL);
	if (record->flags & GG_LOG_SEQ)
		gg_json_uint(text, "seq", record->seq);
	if (record->flags & GG_LOG_TIME)
		append_time(text, style, record);
	if (record->flags & GG_LOG_LEVEL)
		append_level(text, record);
	gg_log_caller(record, caller);
	if (record->flags & GG_LOG_CALLER)
		gg_json_string(text, "caller", caller);
	gg_json_bool(text, "newline", record->flags & GG_LOG_NEWLINE);
	if (record->flags & GG_LOG_CONT)
		gg_json_bool(text, "cont", true);
	if (record->flags & GG_LOG_CLEARED)
		gg_json_bool(text, "cleared", true);
	if (record->lost)
		gg_json_uint(text, "lost", record->lost);
	gg_json_bytes(text, "text", record->text, record->text_size);
	if (record->dict_size)
		append_dict(text, record->dict, record->dict_size);
	gg_json_close_object(text);
	gg_json_end_line(text);
}
