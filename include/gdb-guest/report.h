// SPDX-License-Identifier: GPL-3.0-or-later
//
// A report about a guest in a file, for a ticket.
#ifndef GDB_GUEST_REPORT_H
#define GDB_GUEST_REPORT_H

#include "guest.h"
#include "info.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>

#pragma GCC visibility push(default)

struct gg_report_options {
	const char *path;            // of the file, as gg_output_create() has it
	bool force;                  // replace the file if it exists
	bool text;                   // text in place of HTML
	bool no_log;                 // without the kernel's log
	bool redact;                 // without what names a machine, a network or a user
	bool json;                   // a JSON object about the file, in place of a line
	struct gg_info_options info; // the target's names
	// Finds the stacks of QEMU's own threads, as text that the caller frees; NULL without a debugger.
	struct gg_error *(*threads)(void *data, char **ret);
	// Shows how far the report is, as gg_front_end.progress; NULL where nobody looks.
	struct gg_error *(*progress)(void *data, const char *text, double seconds);
	void *data; // for THREADS and PROGRESS
};

// Writes a report about GUEST to a file, and a line about the file to WRITER. A part that cannot be read
// has its error in its place, and NOTICES get a line for it.
//
// The JSON object has "file"; "bytes", the file's size; and "parts", an array of objects with "id", "title",
// "error" (null where there is none) and "notices".
struct gg_error *gg_print_report(struct gg_guest *guest, const struct gg_report_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
