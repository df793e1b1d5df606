// SPDX-License-Identifier: GPL-3.0-or-later
//
// Lines of an overview, each with a name at its start. A buffer collects the lines; they are wrapped to a terminal's
// width when they are written.
#ifndef GG_PRINT_LINES_H
#define GG_PRINT_LINES_H

#include "base/buffer.h"

#include <gdb-guest/writer.h>

// Appends a line with the formatted text; NAME is "" for a further line of the name above.
void gg_append_line(struct gg_buffer *lines, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// Appends TEXT, which is ASCII, as a line that is cut off at the terminal's width.
void gg_append_cut(struct gg_buffer *lines, const char *name, const char *text);

// Appends the text that LINE holds, and empties LINE.
void gg_append_collected(struct gg_buffer *lines, const char *name, struct gg_buffer *line);

// Writes LINES to WRITER, and empties LINES.
struct gg_error *gg_write_lines(struct gg_buffer *lines, const struct gg_writer *writer);

// Calls VISIT with the name and the whole text of each line.
void gg_visit_lines(const struct gg_buffer *lines,
		    void (*visit)(void *data, const char *name, const char *text), void *data);

#endif
