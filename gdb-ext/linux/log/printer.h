// SPDX-License-Identifier: GPL-3.0-or-later
//
// Records as text, in pieces of some size to where they are wanted.
#ifndef GG_LOG_PRINTER_H
#define GG_LOG_PRINTER_H

#include "base/buffer.h"

#include <gdb-guest/log.h>

struct gg_log_printer {
	const struct gg_log_style *style;
	struct gg_error *(*write)(void *data, const char *text, size_t size);
	void *data; // WRITE's

	struct gg_buffer text; // not written yet
	bool open;             // what it ends with is a line that goes on
	uint64_t records;      // how many there were
};

// Appends RECORD in PRINTER's style, and writes when that is enough.
struct gg_error *gg_log_printer_record(struct gg_log_printer *printer,
				       const struct gg_log_record *record);

// Ends the last line, and writes what is left. More records may follow.
struct gg_error *gg_log_printer_end(struct gg_log_printer *printer);

void gg_log_printer_deinit(struct gg_log_printer *printer);

#endif
