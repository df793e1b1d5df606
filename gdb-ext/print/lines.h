// SPDX-License-Identifier: GPL-3.0-or-later
//
// Lines of an overview, each with a name at its start; a text that is wider than a terminal is wrapped.
#ifndef GG_PRINT_LINES_H
#define GG_PRINT_LINES_H

#include "base/buffer.h"

// Appends the formatted text in as many lines as it takes, NAME in front of the first line.
void gg_append_line(struct gg_buffer *out, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// Appends TEXT, which is ASCII, in a line alone: a text that is wider than the line is cut off.
void gg_append_cut(struct gg_buffer *out, const char *name, const char *text);

// Appends the text that LINE holds, and empties LINE.
void gg_append_collected(struct gg_buffer *out, const char *name, struct gg_buffer *line);

#endif
