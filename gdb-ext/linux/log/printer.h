// SPDX-License-Identifier: GPL-3.0-or-later
//
// Records as text, written in pieces of some size.
#ifndef GG_LOG_PRINTER_H
#define GG_LOG_PRINTER_H

#include "base/buffer.h"

#include <gdb-guest/log.h>

struct gg_log_printer {
	const struct gg_log_style *style;
	const struct gg_writer *writer;

	struct gg_buffer text; // not written yet
	bool open;             // the text ends within a line
	uint64_t records;      // the number of records
};

// Appends RECORD in PRINTER's style, and writes when that is enough.
struct gg_error *gg_log_printer_record(struct gg_log_printer *printer,
				       const struct gg_log_record *record);

// Ends the last line, and writes what is left. More records may follow.
struct gg_error *gg_log_printer_end(struct gg_log_printer *printer);

void gg_log_printer_deinit(struct gg_log_printer *printer);

#endif
