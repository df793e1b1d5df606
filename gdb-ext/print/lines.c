// SPDX-License-Identifier: GPL-3.0-or-later
#include "lines.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	WIDTH = 79, // a line fits into a terminal of 80 columns
	INDENTATION = 10,
	ROOM = WIDTH - INDENTATION,
};

// Counts the characters of SIZE bytes of UTF-8.
static size_t count_characters(const char *text, size_t size)
{
	size_t count = 0;
	for (size_t i = 0; i < size; i++)
		count += (text[i] & 0xc0) != 0x80;
	return count;
}

// The end of the first line of TEXT where the line ends with a part, behind a comma or a semicolon:
// as few parts as will do, the rest fitting into a line. NULL where there is no such part.
static const char *find_part(const char *text)
{
	const size_t all = count_characters(text, strlen(text));
	for (const char *end = strpbrk(text, ",;"); end; end = strpbrk(end + 1, ",;")) {
		const size_t used = count_characters(text, (size_t)(end - text) + 1);
		if (end[1] == ' ' && used <= ROOM && all - used - 1 <= ROOM)
			return end + 1;
	}
	return NULL;
}

// The last space of TEXT that leaves a first line which fits; NULL without.
static const char *find_space(const char *text)
{
	const char *found = NULL;
	size_t used = 0;
	for (const char *at = text; *at && used <= ROOM; at++) {
		if (*at == ' ')
			found = at;
		used += count_characters(at, 1);
	}
	return found;
}

// Appends TEXT in as many lines as it takes, NAME in front of the first.
static void append_wrapped(struct gg_buffer *out, const char *name, const char *text)
{
	for (const char *end; text; name = "") {
		if (count_characters(text, strlen(text)) <= ROOM)
			end = NULL;
		else if (!(end = find_part(text)))
			end = find_space(text);
		const size_t size = end ? (size_t)(end - text) : strlen(text);
		gg_buffer_format(out, "%-*s%.*s\n", INDENTATION, name, (int)size, text);
		text = end ? end + 1 : NULL;
	}
}

void gg_append_cut(struct gg_buffer *out, const char *name, const char *text)
{
	static const char end[] = " ...";
	const bool fits = strlen(text) <= ROOM;
	gg_buffer_format(out, "%-*s%.*s%s\n", INDENTATION, name,
			 (int)(fits ? ROOM : ROOM - strlen(end)), text, fits ? "" : end);
}

void gg_append_line(struct gg_buffer *out, const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = gg_text_format(format, arguments);
	va_end(arguments);
	if (text)
		append_wrapped(out, name, text);
	else
		out->failed = true;
	free(text);
}

void gg_append_collected(struct gg_buffer *out, const char *name, struct gg_buffer *line)
{
	gg_buffer_append(line, "", 1);
	out->failed |= line->failed;
	if (!line->failed)
		append_wrapped(out, name, (const char *)line->bytes);
	gg_buffer_deinit(line);
}
