// SPDX-License-Identifier: GPL-3.0-or-later
#include "lines.h"
#include "base/text.h"
#include "words.h"

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

// Appends TEXT in a line alone, its end left out where it is wider.
static void append_cut(struct gg_buffer *out, const char *name, const char *text)
{
	static const char end[] = " ...";
	const bool fits = strlen(text) <= ROOM;
	gg_buffer_format(out, "%-*s%.*s%s\n", INDENTATION, name,
			 (int)(fits ? ROOM : ROOM - strlen(end)), text, fits ? "" : end);
}

// ---- The collected lines ----

// A line in the buffer is its kind, the name with its NUL, the text with its NUL.
enum { WRAPPED = 'w', CUT = 'c' };

static void collect(struct gg_buffer *lines, char kind, const char *name, const char *text)
{
	gg_buffer_append(lines, &kind, 1);
	gg_buffer_append(lines, name, strlen(name) + 1);
	gg_buffer_append(lines, text, strlen(text) + 1);
}

// Takes the line at *POSITION, and moves *POSITION behind it. Returns the kind, 0 behind the last line.
static char take(const struct gg_buffer *lines, size_t *position, const char **name,
		 const char **text)
{
	if (lines->failed || *position >= lines->size)
		return 0;
	const char kind = (char)lines->bytes[*position];
	*name = (const char *)lines->bytes + *position + 1;
	*text = *name + strlen(*name) + 1;
	*position = (size_t)((const uint8_t *)*text - lines->bytes) + strlen(*text) + 1;
	return kind;
}

void gg_append_cut(struct gg_buffer *lines, const char *name, const char *text)
{
	collect(lines, CUT, name, text);
}

void gg_append_line(struct gg_buffer *lines, const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = gg_text_format(format, arguments);
	va_end(arguments);
	if (text)
		collect(lines, WRAPPED, name, text);
	else
		lines->failed = true;
	free(text);
}

void gg_append_collected(struct gg_buffer *lines, const char *name, struct gg_buffer *line)
{
	gg_buffer_append(line, "", 1);
	lines->failed |= line->failed;
	if (!line->failed)
		collect(lines, WRAPPED, name, (const char *)line->bytes);
	gg_buffer_deinit(line);
}

struct gg_error *gg_write_lines(struct gg_buffer *lines, const struct gg_writer *writer)
{
	struct gg_buffer out = { 0 };
	const char *name, *text;
	size_t position = 0;
	for (char kind; (kind = take(lines, &position, &name, &text));)
		(kind == CUT ? append_cut : append_wrapped)(&out, name, text);
	out.failed |= lines->failed;
	gg_buffer_deinit(lines);
	struct gg_error *err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	return err;
}

void gg_visit_lines(const struct gg_buffer *lines,
		    void (*visit)(void *data, const char *name, const char *text), void *data)
{
	const char *name, *text;
	for (size_t position = 0; take(lines, &position, &name, &text);)
		visit(data, name, text);
}
