// SPDX-License-Identifier: GPL-3.0-or-later
//
// A record as the kernel (kernel/printk/printk.c, record_print_text) and dmesg (util-linux
// sys-utils/dmesg.c) print it.
//
// In:  a record, whose text may be any bytes.
// Out: printable lines: nothing of it reaches a terminal raw.
#include "text.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// ---- Words ----

const char *gg_log_level_name(unsigned int level)
{
	static const char *const names[] = { "emerg", "alert",  "crit", "err",
					     "warn",  "notice", "info", "debug" };
	return level < sizeof(names) / sizeof(*names) ? names[level] : NULL;
}

const char *gg_log_facility_name(unsigned int facility)
{
	// <sys/syslog.h>; 12 to 15 are not used.
	static const char *const names[] = {
		"kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
		"uucp",   "cron",   "authpriv", "ftp",    NULL,     NULL,     NULL,     NULL,
		"local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
	};
	return facility < sizeof(names) / sizeof(*names) ? names[facility] : NULL;
}

void gg_log_caller(const struct gg_log_record *record, char text[GG_LOG_CALLER_SIZE])
{
	const uint32_t cpu = UINT32_C(1) << GG_LOG_CALLER_CPU;
	snprintf(text, GG_LOG_CALLER_SIZE, "%c%" PRIu32, record->caller & cpu ? 'C' : 'T',
		 record->caller & ~cpu);
}

void gg_log_wall(const struct gg_log_style *style, const struct gg_log_record *record,
		 char text[GG_LOG_WALL_SIZE])
{
	enum { SECOND = 1000000000 };
	int64_t sum;
	struct tm tm;
	if (record->time > INT64_MAX ||
	    __builtin_add_overflow((int64_t)record->time, style->wall_offset, &sum))
		sum = INT64_MAX;
	const time_t seconds = (time_t)(sum / SECOND);
	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(text, GG_LOG_WALL_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(text, "?");
}

// ---- Pieces ----

// The number of leading bytes that can be printed as they are.
static size_t printable_run(const char *bytes, size_t size, bool ascii)
{
	size_t done = 0;
	while (done < size) {
		uint32_t character;
		const size_t length = gg_utf8_decode(bytes + done, size - done, &character);
		if (!length || (length > 1 && ascii) ||
		    (character != '\t' && !gg_is_printable(character)))
			break;
		done += length;
	}
	return done;
}

void gg_log_escape(struct gg_buffer *text, const char *bytes, size_t size, bool ascii)
{
	while (size) {
		const size_t run = printable_run(bytes, size, ascii);
		gg_buffer_append(text, bytes, run);
		bytes += run;
		size -= run;
		if (!size)
			return;
		// A whole character, where it is one.
		uint32_t character;
		size_t length = gg_utf8_decode(bytes, size, &character);
		if (!length)
			length = 1;
		for (size_t i = 0; i < length; i++)
			gg_buffer_format(text, "\\x%02x", (uint8_t)bytes[i]);
		bytes += length;
		size -= length;
	}
}

char *gg_log_text(const char *bytes, size_t size)
{
	struct gg_buffer text = { 0 };
	gg_log_escape(&text, bytes, size, false);
	gg_buffer_append(&text, "", 1);
	if (!text.failed)
		return (char *)text.bytes;
	gg_buffer_deinit(&text);
	return NULL;
}

// ---- Prefix and colours ----

static void append_colour(struct gg_buffer *text, const struct gg_log_style *style,
			  const char *sequence)
{
	if (style->colour && sequence)
		gg_buffer_append(text, sequence, strlen(sequence));
}

#define PLAIN "\033[0m"
#define GREEN "\033[32m"

// Returns dmesg's default colour (terminal-colors.d); NULL for levels without a colour.
static const char *level_colour(const struct gg_log_record *record)
{
	static const char *const colours[] = { "\033[7m\033[31m", "\033[7m\033[31m",
					       "\033[1m\033[31m", "\033[31m", "\033[1m" };
	if (!(record->flags & GG_LOG_LEVEL) || record->level >= sizeof(colours) / sizeof(*colours))
		return NULL;
	return colours[record->level];
}

static void append_decoded(struct gg_buffer *text, const struct gg_log_record *record)
{
	const char *facility = gg_log_facility_name(record->facility);
	const char *level = gg_log_level_name(record->level);
	char number[16];
	snprintf(number, sizeof(number), "%u", record->facility);
	gg_buffer_format(text, "%-6s:%-6s: ", facility ? facility : number, level ? level : "?");
}

static void append_time(struct gg_buffer *text, const struct gg_log_style *style,
			const struct gg_log_record *record)
{
	enum { SECOND = 1000000000, MICROSECOND = 1000 };
	char wall[GG_LOG_WALL_SIZE];
	if (style->wall) {
		gg_log_wall(style, record, wall);
		gg_buffer_format(text, "[%s]", wall);
		return;
	}
	gg_buffer_format(text, "[%5" PRIu64 ".%06" PRIu64 "]", record->time / SECOND,
			 record->time % SECOND / MICROSECOND);
}

static void append_prefix(struct gg_buffer *text, const struct gg_log_style *style,
			  const struct gg_log_record *record)
{
	const bool has_level = record->flags & GG_LOG_LEVEL;
	const bool has_time = record->flags & GG_LOG_TIME;
	const bool has_caller = style->caller && (record->flags & GG_LOG_CALLER);
	if (style->raw && has_level)
		gg_buffer_format(text, "<%u>", record->facility << 3 | record->level);
	if (style->decode && has_level)
		append_decoded(text, record);
	if (has_time) {
		append_colour(text, style, GREEN);
		append_time(text, style, record);
		append_colour(text, style, PLAIN);
	}
	if (has_caller) {
		char caller[GG_LOG_CALLER_SIZE];
		gg_log_caller(record, caller);
		gg_buffer_format(text, "[%6s]", caller);
	}
	if (has_time || has_caller)
		gg_buffer_append(text, " ", 1);
}

// ---- Records ----

static void append_line(struct gg_buffer *text, const struct gg_log_style *style,
			const struct gg_log_record *record, const char *line, size_t size)
{
	const char *colour = size ? level_colour(record) : NULL;
	append_colour(text, style, colour);
	gg_log_escape(text, line, size, style->ascii);
	if (colour)
		append_colour(text, style, PLAIN);
}

static void append_lost(struct gg_buffer *text, const struct gg_log_record *record)
{
	if (!(record->flags & GG_LOG_SEQ))
		gg_buffer_format(text, "note: records lost here\n");
	else if (record->lost == record->seq)
		gg_buffer_format(text,
				 "note: the log starts at %" PRIu64
				 ", earlier records are no longer there\n",
				 record->seq);
	else
		gg_buffer_format(text, "note: %" PRIu64 " record%s lost before %" PRIu64 "\n",
				 record->lost, record->lost == 1 ? "" : "s", record->seq);
}

void gg_log_text_end(struct gg_buffer *text, bool *open)
{
	if (*open)
		gg_buffer_append(text, "\n", 1);
	*open = false;
}

void gg_log_text_append(struct gg_buffer *text, const struct gg_log_style *style,
			const struct gg_log_record *record, bool *open)
{
	const bool joins = *open && (record->flags & GG_LOG_JOINS);
	if (!joins)
		gg_log_text_end(text, open);
	if (record->lost)
		append_lost(text, record);
	const char *line = record->text;
	size_t left = record->text_size;
	for (bool first = true, last = false; !last; first = false) {
		const char *end = left ? memchr(line, '\n', left) : NULL;
		const size_t size = end ? (size_t)(end - line) : left;
		last = !end;
		if (!first || !joins)
			append_prefix(text, style, record);
		append_line(text, style, record, line, size);
		if (last)
			break;
		gg_buffer_append(text, "\n", 1);
		line = end + 1;
		left -= size + 1;
	}
	// A piece of a line stays open for the next, which may join it.
	*open = true;
}

char *gg_log_record_text(const struct gg_log_record *record, const struct gg_log_style *style)
{
	struct gg_buffer text = { 0 };
	bool open = false;
	gg_log_text_append(&text, style, record, &open);
	gg_log_text_end(&text, &open);
	gg_buffer_append(&text, "", 1);
	if (!text.failed)
		return (char *)text.bytes;
	gg_buffer_deinit(&text);
	return NULL;
}
