// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts of a report.
//
// A new part: its function below, in a file of its own or of its subject, and its row in the table of
// report.c.
#ifndef GG_PRINT_REPORT_H
#define GG_PRINT_REPORT_H

#include "base/html.h"
#include "guest/guest.h"

#include <gdb-guest/report.h>

// A report, and the part at work.
struct gg_report {
	struct gg_guest *guest;
	const struct gg_report_options *options;
	struct gg_info *info; // owned
	struct gg_redact redact;
	struct gg_html html;       // the part's content, in HTML
	struct gg_buffer text;     // the part's content, as text
	struct gg_buffer notes;    // the part's notices, each with its NUL
	struct gg_writer writer;   // to TEXT
	struct gg_notices notices; // to NOTES
};

// Writes the part's content to REPORT's HTML or TEXT. An error that is not final stands in the content's
// place, or behind the piece that was read.
typedef struct gg_error *gg_report_fn(struct gg_report *report);

// report-guest.c: the verdict and the kernel; QEMU and its command line; QEMU's threads.
gg_report_fn gg_report_overview, gg_report_overview_text, gg_report_qemu, gg_report_command_line,
	gg_report_threads, gg_report_threads_text;

// report-map.c: the RAM's ranges, as a picture and a table.
gg_report_fn gg_report_map;

// report-cpus.c: the CPUs with their tasks, registers and stacks; blocked tasks; the stacks of all tasks.
gg_report_fn gg_report_cpus, gg_report_cpus_text, gg_report_blocked, gg_report_blocked_text,
	gg_report_stacks, gg_report_stacks_text;

// report-tasks.c: the tasks; modules; the use of memory.
gg_report_fn gg_report_tasks, gg_report_tasks_text, gg_report_modules, gg_report_modules_text,
	gg_report_memory, gg_report_memory_text;

// report-log.c: the kernel's log, with filters.
gg_report_fn gg_report_log, gg_report_log_text;

// ---- Pieces of HTML that the parts share ----

// Appends TEXT, a command's own, and empties TEXT.
void gg_report_append_text(struct gg_report *report, const char *class);

// Appends the paragraphs of TEXT, each behind its first line, and empties TEXT. Each is open where IS_OPEN.
void gg_report_append_paragraphs(struct gg_report *report, bool is_open);

// Opens a table of CLASS, its body with the id ID, with a row of heads, up to a NULL. gg_report_end_table() ends the table.
void gg_report_begin_table(struct gg_report *report, const char *class, const char *id,
			   const char *const *heads);
void gg_report_end_table(struct gg_report *report);

// Appends a cell with TEXT. NUMBER is what a table is sorted by; NULL: TEXT.
void gg_report_cell(struct gg_report *report, const char *text, const uint64_t *number);

// Opens details behind SUMMARY; gg_html_close() ends the details.
void gg_report_begin_details(struct gg_report *report, const char *summary, bool is_open);

// ---- The page (report-page.c) ----

struct gg_report_part {
	const char *id, *title;
	gg_report_fn *html, *as_text; // NULL: not in such a report
};

// The line about a redacted report.
extern const char gg_report_redacted[];

// Appends the page up to its first part. PARTS ends with a part without an id.
void gg_report_begin_page(struct gg_html *html, const struct gg_report *report,
			  const struct gg_report_part *parts);
void gg_report_end_page(struct gg_html *html);

// Tests whether the guest's kernel is in trouble.
bool gg_report_is_bad(const struct gg_report *report);

#endif
