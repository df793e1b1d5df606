// SPDX-License-Identifier: GPL-3.0-or-later
#include "words.h"
#include "base/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

// Divides, with a half rounded to the even neighbour.
static uint64_t divide(unsigned __int128 value, uint64_t by)
{
	const uint64_t result = (uint64_t)(value / by);
	const unsigned __int128 twice = value % by * 2;
	return result + (twice > by || (twice == by && result % 2));
}

void gg_append_size(struct gg_buffer *text, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	enum { STEP = 10, TENTHS = 10 };
	unsigned int unit = 0;
	while (bytes >> STEP * unit >> STEP)
		unit++;
	const uint64_t one = UINT64_C(1) << STEP * unit;
	const uint64_t tenths = divide((unsigned __int128)bytes * TENTHS, one);
	if (bytes % one)
		gg_buffer_format(text, "%" PRIu64 ".%" PRIu64 " %s", tenths / TENTHS,
				 tenths % TENTHS, units[unit]);
	else
		gg_buffer_format(text, "%" PRIu64 " %s", bytes / one, units[unit]);
}

void gg_append_range(struct gg_buffer *text, const struct gg_ram_range *range)
{
	enum { WIDTH = 10 };
	struct gg_buffer size = { 0 };
	gg_append_size(&size, range->size);
	gg_buffer_format(text, "0x%016" PRIx64 "-0x%016" PRIx64 "  %*.*s  %s", range->start,
			 range->start + (range->size - 1), WIDTH, (int)size.size,
			 size.failed ? "" : (const char *)size.bytes, range->block);
	text->failed |= size.failed;
	gg_buffer_deinit(&size);
}

void gg_append_numbers(struct gg_buffer *text, const uint32_t *numbers, size_t count)
{
	enum { SHORTEST_RUN = 9 };
	for (size_t i = 0, run; i < count; i += run) {
		run = 1;
		while (i + run < count && numbers[i + run] == numbers[i] + run)
			run++;
		if (run < SHORTEST_RUN)
			run = 1;
		gg_buffer_format(text, "%s%" PRIu32, i ? "," : "", numbers[i]);
		if (run > 1)
			gg_buffer_format(text, "-%" PRIu32, numbers[i + run - 1]);
	}
}

void gg_append_duration(struct gg_buffer *text, uint64_t seconds)
{
	enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR, MINUTES_ALONE = 600 };
	if (seconds < MINUTE)
		gg_buffer_format(text, "%" PRIu64 " s", seconds);
	else if (seconds < MINUTES_ALONE)
		gg_buffer_format(text, "%" PRIu64 " min %" PRIu64 " s", seconds / MINUTE,
				 seconds % MINUTE);
	else if (seconds < HOUR)
		gg_buffer_format(text, "%" PRIu64 " min", seconds / MINUTE);
	else if (seconds < DAY)
		gg_buffer_format(text, "%" PRIu64 " h %" PRIu64 " min", seconds / HOUR,
				 seconds % HOUR / MINUTE);
	else
		gg_buffer_format(text, "%" PRIu64 " d %" PRIu64 " h", seconds / DAY,
				 seconds % DAY / HOUR);
}

void gg_append_utc(struct gg_buffer *text, uint64_t seconds)
{
	char utc[64];
	struct tm tm;
	const time_t time = (time_t)seconds;
	if (seconds <= INT64_MAX && gmtime_r(&time, &tm) &&
	    strftime(utc, sizeof(utc), "%Y-%m-%d %H:%M:%S UTC", &tm))
		gg_buffer_format(text, "%s", utc);
	else
		gg_buffer_format(text, "%" PRIu64 " s after 1970", seconds);
}

void gg_age_text(uint64_t nanoseconds, char ret[GG_AGE_SIZE])
{
	enum { SECOND = 1000000000, MILLISECOND = 1000000, MINUTE = 60, HOUR = 3600, DAY = 86400 };
	const uint64_t seconds = nanoseconds / SECOND;
	if (seconds < MINUTE)
		snprintf(ret, GG_AGE_SIZE, "%" PRIu64 ".%03" PRIu64 "s", seconds,
			 nanoseconds % SECOND / MILLISECOND);
	else if (seconds < HOUR)
		snprintf(ret, GG_AGE_SIZE, "%" PRIu64 "m%02" PRIu64 "s", seconds / MINUTE,
			 seconds % MINUTE);
	else if (seconds < DAY)
		snprintf(ret, GG_AGE_SIZE, "%" PRIu64 "h%02" PRIu64 "m", seconds / HOUR,
			 seconds % HOUR / MINUTE);
	else
		snprintf(ret, GG_AGE_SIZE, "%" PRIu64 "d%02" PRIu64 "h", seconds / DAY,
			 seconds % DAY / HOUR);
}

void gg_append_kernel_time(struct gg_buffer *text, uint64_t nanoseconds, int width)
{
	enum { SECOND = 1000000000, MICROSECOND = 1000 };
	gg_buffer_format(text, "%*" PRIu64 ".%06" PRIu64, width, nanoseconds / SECOND,
			 nanoseconds % SECOND / MICROSECOND);
}

const char *gg_finder_text(enum gg_kernel_finder finder)
{
	static const char *const texts[] = {
		[GG_FOUND_BY_SCAN] = "found by scanning",
		[GG_FOUND_BY_DEVICE] = "as the vmcoreinfo device has it",
		[GG_FOUND_BY_TABLES] = "found by the CPUs' page tables",
		[GG_FOUND_BY_CHOICE] = "where guest-kernel found it",
		[GG_FOUND_BY_KDUMP] = "as the kernel that was booted after the crash has it",
		[GG_FOUND_BY_FILE] = "as the vmcore's notes have it",
		[GG_FOUND_BY_LOWCORE] = "found by lowcore",
	};
	return texts[finder];
}

const char *gg_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

struct gg_error *gg_write_out(struct gg_buffer *text, const struct gg_writer *writer)
{
	struct gg_error *err = gg_buffer_check(text);
	if (!err && text->size)
		err = writer->write(writer->data, (const char *)text->bytes, text->size);
	text->size = 0;
	return err;
}

// ---- The guest's own words ----

bool gg_shows_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

// Returns the columns of CHARACTER, 0 for an accent; -1 for a character that a terminal must not get, or
// does not show.
static int columns_of(uint32_t character, bool utf8)
{
	if (!gg_is_printable(character) || character == '\\')
		return -1;
	if (character < 0x80)
		return 1;
	return utf8 ? wcwidth((wchar_t)character) : -1;
}

int gg_append_name(struct gg_buffer *out, const char *text)
{
	enum { ESCAPED = 4 };
	const bool utf8 = gg_shows_utf8();
	int columns = 0;
	for (size_t left = strlen(text); left;) {
		uint32_t character = 0;
		size_t size = gg_utf8_decode(text, left, &character);
		const int shown = size ? columns_of(character, utf8) : -1;
		size = size ? size : 1;
		if (shown >= 0)
			gg_buffer_append(out, text, size);
		for (size_t i = 0; shown < 0 && i < size; i++)
			gg_buffer_format(out, "\\x%02x", (uint8_t)text[i]);
		columns += shown >= 0 ? shown : ESCAPED * (int)size;
		text += size;
		left -= size;
	}
	return columns;
}

void gg_append_quoted(struct gg_buffer *text, const uint8_t *bytes, size_t size)
{
	gg_buffer_append(text, "\"", 1);
	for (size_t i = 0; i < size; i++)
		if (bytes[i] == '"' || bytes[i] == '\\')
			gg_buffer_format(text, "\\%c", bytes[i]);
		else if (bytes[i] >= ' ' && bytes[i] <= '~')
			gg_buffer_append(text, &bytes[i], 1);
		else
			gg_buffer_format(text, "\\x%02x", bytes[i]);
	gg_buffer_append(text, "\"", 1);
}
