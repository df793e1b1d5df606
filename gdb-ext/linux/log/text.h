// SPDX-License-Identifier: GPL-3.0-or-later
//
// Records as text.
#ifndef GG_LOG_TEXT_H
#define GG_LOG_TEXT_H

#include "base/buffer.h"

#include <gdb-guest/log.h>

// RECORD as dmesg prints it. OPEN says whether what TEXT ends with is a line that goes on; it must
// be false at first.
void gg_log_text_append(struct gg_buffer *text, const struct gg_log_style *style,
			const struct gg_log_record *record, bool *open);

// Behind the last record.
void gg_log_text_end(struct gg_buffer *text, bool *open);

// RECORD as a JSON object, and a newline.
void gg_log_json_append(struct gg_buffer *text, const struct gg_log_style *style,
			const struct gg_log_record *record);

// RECORD's wall-clock time in UTC, as ISO 8601 has it, to a second: the kernel's offset is not
// known better for earlier records.
enum { GG_LOG_WALL_SIZE = 40 };
void gg_log_wall(const struct gg_log_style *style, const struct gg_log_record *record,
		 char text[GG_LOG_WALL_SIZE]);

// SIZE bytes, escaped as dmesg does: tabs and printable UTF-8 are kept (ASCII only: just that), all
// else is \xHH.
void gg_log_escape(struct gg_buffer *text, const char *bytes, size_t size, bool ascii);

#endif
