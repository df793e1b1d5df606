// SPDX-License-Identifier: GPL-3.0-or-later
//
// A report in a file: parts, each of the data of a command, each with its notices and its error.
//
// In:  the guest, asked part by part.
// Out: a page of HTML that needs nothing beside it, or text; whole, or no file.
// Nothing of the guest's or QEMU's is markup: all goes through base/html.h.
#include "report.h"
#include "base/json.h"
#include "base/output.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct gg_report_part parts[] = {
	{ "overview", "Overview", gg_report_overview, gg_report_overview_text },
	{ "qemu", "QEMU", gg_report_qemu, NULL },
	{ "command-line", "Command line of QEMU", NULL, gg_report_command_line },
	{ "memory-map", "Memory map", gg_report_map, NULL },
	{ "cpus", "CPUs", gg_report_cpus, gg_report_cpus_text },
	{ "blocked", "Blocked tasks", gg_report_blocked, gg_report_blocked_text },
	{ "stacks", "Stacks of all tasks", gg_report_stacks, gg_report_stacks_text },
	{ "tasks", "Tasks", gg_report_tasks, gg_report_tasks_text },
	{ "modules", "Modules", gg_report_modules, gg_report_modules_text },
	{ "memory", "Memory", gg_report_memory, gg_report_memory_text },
	{ "log", "Log", gg_report_log, gg_report_log_text },
	{ "threads", "QEMU's threads", gg_report_threads, gg_report_threads_text },
	{ 0 },
};

enum { PARTS = sizeof(parts) / sizeof(*parts) - 1 };

// The file, and what becomes of the parts.
struct report_file {
	struct gg_report report;
	struct gg_output *output;
	uint64_t size;
	struct gg_buffer json;        // of the parts, open
	size_t count;                 // of the parts
	const struct gg_notices *out; // the caller's

	const char *at_work; // the part's title
	double begun, shown; // by the clock, in seconds
	uint64_t over_wire;  // bytes that were read
};

// ---- Progress ----

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool is_part(const struct gg_report_options *options, const struct gg_report_part *part)
{
	return (options->text ? part->as_text : part->html) &&
	       (!options->no_log || strcmp(part->id, "log"));
}

static size_t count_parts(const struct gg_report_options *options)
{
	size_t count = 0;
	for (size_t i = 0; i < PARTS; i++)
		count += is_part(options, &parts[i]);
	return count;
}

// Shows the part at work, at most ten times a second.
static struct gg_error *show_progress(struct report_file *file)
{
	const struct gg_report_options *options = file->report.options;
	const double time = now();
	if (!options->progress || time - file->shown < 0.1)
		return NULL;
	file->shown = time;
	struct gg_buffer text = { 0 };
	gg_buffer_format(&text, "%s, part %zu of %zu", file->at_work, file->count + 1,
			 count_parts(options));
	if (file->over_wire) {
		gg_buffer_format(&text, ", ");
		gg_append_size(&text, file->over_wire);
		gg_buffer_format(&text, " read in ");
		gg_append_duration(&text, (uint64_t)(time - file->begun));
	}
	gg_buffer_append(&text, "", 1);
	struct gg_error *err = gg_buffer_check(&text);
	if (!err)
		err = options->progress(options->data, (const char *)text.bytes,
					time - file->begun);
	gg_buffer_deinit(&text);
	return err;
}

static struct gg_error *watch_wire(void *data, size_t size)
{
	struct report_file *file = data;
	file->over_wire += size;
	return show_progress(file);
}

// ---- The file ----

static struct gg_error *write_bytes(struct report_file *file, struct gg_buffer *bytes)
{
	struct gg_error *err = gg_buffer_check(bytes);
	if (!err && bytes->size)
		err = gg_output_write(file->output, file->size, bytes->bytes, bytes->size);
	file->size += bytes->size;
	bytes->size = 0;
	return err;
}

// Writes TEXT, redacted where the report is.
static struct gg_error *write_text(struct report_file *file, struct gg_buffer *text)
{
	struct gg_buffer redacted = { 0 };
	struct gg_error *err = gg_buffer_check(text);
	if (err || !file->report.options->redact)
		return err ? err : write_bytes(file, text);
	gg_redact_append(&file->report.redact, &redacted, (const char *)text->bytes, text->size);
	text->size = 0;
	err = write_bytes(file, &redacted);
	gg_buffer_deinit(&redacted);
	return err;
}

// ---- A part ----

static struct gg_error *collect_text(void *data, const char *text, size_t size)
{
	struct gg_report *report = data;
	gg_buffer_append(&report->text, text, size);
	return gg_buffer_check(&report->text);
}

static struct gg_error *collect_notice(void *data, const char *text)
{
	struct gg_report *report = data;
	gg_buffer_append(&report->notes, text, strlen(text) + 1);
	return gg_buffer_check(&report->notes);
}

// Returns the notice behind NOTICE, the first for NULL; NULL behind the last.
static const char *next_notice(const struct gg_report *report, const char *notice)
{
	const char *start = (const char *)report->notes.bytes;
	const char *next = notice ? notice + strlen(notice) + 1 : start;
	return start && next < start + report->notes.size ? next : NULL;
}

static void append_json(struct report_file *file, const struct gg_report_part *part,
			const struct gg_error *problem)
{
	gg_json_open_object(&file->json, NULL);
	gg_json_string(&file->json, "id", part->id);
	gg_json_string(&file->json, "title", part->title);
	gg_json_string(&file->json, "error", problem ? gg_error_message(problem) : NULL);
	gg_json_open_array(&file->json, "notices");
	for (const char *notice = NULL; (notice = next_notice(&file->report, notice));)
		gg_json_string(&file->json, NULL, notice);
	gg_json_close_array(&file->json);
	gg_json_close_object(&file->json);
}

static struct gg_error *write_html_part(struct report_file *file, const struct gg_report_part *part,
					const struct gg_error *problem)
{
	struct gg_report *report = &file->report;
	struct gg_html page = { .redact = report->html.redact };
	gg_html_open(&page, "section", "id", part->id, NULL);
	gg_html_element(&page, "h2", NULL, part->title);
	gg_html_markup(&page, "\n");
	for (const char *notice = NULL; (notice = next_notice(report, notice));) {
		gg_html_element(&page, "p", "note", notice);
		gg_html_markup(&page, "\n");
	}
	if (problem)
		gg_html_element(&page, "p", "error", gg_error_message(problem));
	page.out.failed |= report->html.out.failed;
	gg_buffer_append(&page.out, report->html.out.bytes, report->html.out.size);
	gg_html_close(&page);
	gg_html_markup(&page, "\n");
	gg_html_deinit(&report->html);
	struct gg_error *err = write_bytes(file, &page.out);
	gg_html_deinit(&page);
	return err;
}

static struct gg_error *write_text_part(struct report_file *file, const struct gg_report_part *part,
					const struct gg_error *problem)
{
	struct gg_report *report = &file->report;
	struct gg_buffer page = { 0 };
	gg_buffer_format(&page, "\n==== %s ====\n\n", part->title);
	for (const char *notice = NULL; (notice = next_notice(report, notice));)
		gg_buffer_format(&page, "note: %s\n", notice);
	if (problem)
		gg_buffer_format(&page, "error: %s\n", gg_error_message(problem));
	page.failed |= report->text.failed;
	gg_buffer_append(&page, report->text.bytes, report->text.size);
	report->text.size = 0;
	struct gg_error *err = write_text(file, &page);
	gg_buffer_deinit(&page);
	return err;
}

// Writes PART; an error that is not final is the part's own.
static struct gg_error *write_part(struct report_file *file, const struct gg_report_part *part)
{
	struct gg_report *report = &file->report;
	const bool is_text = report->options->text;
	gg_report_fn *content = is_text ? part->as_text : part->html;
	file->at_work = part->title;
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = show_progress(file);
	if (err)
		return err;
	report->html =
		(struct gg_html){ .redact = report->options->redact ? &report->redact : NULL };
	report->text.size = report->notes.size = 0;
	struct gg_error *problem = content(report);
	gg_html_close_to(&report->html, 0);
	if (gg_error_is_final(problem))
		err = problem;
	else if (problem)
		err = gg_tell(file->out, "%s: %s", part->title, gg_error_message(problem));
	if (!err)
		err = (is_text ? write_text_part : write_html_part)(file, part, problem);
	append_json(file, part, problem);
	file->count++;
	gg_html_deinit(&report->html);
	if (err != problem)
		gg_error_destroy(problem);
	return err;
}

// ---- The report ----

static struct gg_error *write_begin(struct report_file *file)
{
	const struct gg_report *report = &file->report;
	struct gg_buffer text = { 0 };
	struct gg_html page = { .redact = report->options->redact ? &report->redact : NULL };
	struct gg_error *err;
	if (report->options->text) {
		gg_buffer_format(&text, "Guest report of ");
		gg_append_utc(&text, (uint64_t)time(NULL));
		gg_buffer_format(&text, ", gdb-guest " PACKAGE_VERSION "\n");
		if (report->options->redact)
			gg_buffer_format(&text, "%s\n", gg_report_redacted);
		err = write_text(file, &text);
	} else {
		gg_report_begin_page(&page, report, parts);
		err = write_bytes(file, &page.out);
	}
	gg_buffer_deinit(&text);
	gg_html_deinit(&page);
	return err;
}

static struct gg_error *write_end(struct report_file *file)
{
	struct gg_html page = { 0 };
	if (file->report.options->text)
		return NULL;
	gg_report_end_page(&page);
	struct gg_error *err = write_bytes(file, &page.out);
	gg_html_deinit(&page);
	return err;
}

static struct gg_error *write_report(struct report_file *file)
{
	struct gg_error *err = write_begin(file);
	for (size_t i = 0; !err && i < PARTS; i++)
		if (is_part(file->report.options, &parts[i]))
			err = write_part(file, &parts[i]);
	return err ? err : write_end(file);
}

// Collects the names of hosts: the guest's, and this machine's, which paths and QEMU's threads may have.
static struct gg_error *add_hosts(struct gg_report *report)
{
	char name[256] = "";
	const struct gg_info *info = report->info;
	struct gg_error *err = NULL;
	if (!info->kernel_error && info->kernel.nodename)
		err = gg_redact_add_host(&report->redact, info->kernel.nodename);
	if (!err && !gethostname(name, sizeof(name) - 1))
		err = gg_redact_add_host(&report->redact, name);
	return err;
}

static struct gg_error *begin(struct report_file *file)
{
	struct gg_report *report = &file->report;
	const struct gg_report_options *options = report->options;
	struct gg_error *err = gg_output_create(options->path, options->force,
						gg_guest_files(report->guest), &file->output);
	if (err)
		return err;
	report->writer = (struct gg_writer){ collect_text, report };
	report->notices = (struct gg_notices){ collect_notice, report };
	gg_json_open_object(&file->json, NULL);
	gg_json_string(&file->json, "file", options->path);
	gg_json_open_array(&file->json, "parts");
	err = gg_guest_info(report->guest, true, &report->info);
	if (err)
		return err;
	return options->redact ? add_hosts(report) : NULL;
}

// Writes a line about the file, or an object.
static struct gg_error *write_result(struct report_file *file, const struct gg_writer *writer)
{
	struct gg_buffer line = { 0 };
	const bool is_json = file->report.options->json;
	gg_json_close_array(&file->json);
	gg_json_uint(&file->json, "bytes", file->size);
	gg_json_close_object(&file->json);
	gg_json_end_line(&file->json);
	gg_buffer_format(&line, "%s: %zu part%s\n", file->report.options->path, file->count,
			 gg_plural(file->count));
	struct gg_error *err = gg_write_out(is_json ? &file->json : &line, writer);
	gg_buffer_deinit(&line);
	return err;
}

struct gg_error *gg_print_report(struct gg_guest *guest, const struct gg_report_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct report_file file = { .report = { .guest = guest, .options = options },
				    .out = options->json ? NULL : notices,
				    .at_work = parts[0].title,
				    .begun = now() };
	struct gg_report *report = &file.report;
	gg_guest_watch_wire(guest, watch_wire, &file);
	struct gg_error *err = begin(&file);
	if (!err)
		err = write_report(&file);
	if (!err)
		err = gg_output_commit(file.output, file.size);
	if (!err)
		err = write_result(&file, writer);
	gg_guest_watch_wire(guest, NULL, NULL);
	gg_output_destroy(file.output);
	gg_info_destroy(report->info);
	gg_redact_deinit(&report->redact);
	gg_html_deinit(&report->html);
	gg_buffer_deinit(&report->text);
	gg_buffer_deinit(&report->notes);
	gg_buffer_deinit(&file.json);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option report_options[] = {
	{ .name = "force", .kind = GG_VALUE_FLAG, .help = "Replace FILE if it exists." },
	{ .name = "text", .kind = GG_VALUE_FLAG, .help = "Text in place of HTML." },
	{ .name = "no-log", .kind = GG_VALUE_FLAG, .help = "Leave out the kernel's log." },
	{ .name = "redact",
	  .kind = GG_VALUE_FLAG,
	  .help = "Replace names of hosts and users, IP and MAC addresses, command lines, and\n"
		  "    values of variables such as HOME=/root, by words in brackets.  Look over\n"
		  "    the report before you pass it on: such data in another form stays." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object about FILE: its size, the parts, their notes and errors." },
	{ 0 }
};

static const struct gg_option report_arguments[] = {
	{ .name = "file", .kind = GG_VALUE_FILE, .label = "FILE" }, { 0 }
};

const struct gg_command gg_command_report = {
	.name = "report",
	.gdb_name = "guest-report",
	.summary = "Write a report about the guest to FILE, for a ticket: a page of HTML.",
	.targets = GG_ALL_TARGETS,
	.help = "The report has the verdict of guest-info; QEMU and its command line; a\n"
		"picture of the memory map; the CPUs with their tasks, registers and\n"
		"stacks; blocked tasks; the stacks of all tasks, equal stacks together;\n"
		"tasks; modules; the use of memory; the log.  A browser shows FILE alone:\n"
		"nothing is fetched.  A part that cannot be read has its error in its\n"
		"place.  FILE appears when it is whole, and only its owner can read it.",
	.debugger_help = "On a core of QEMU and a QEMU process the report also has the stacks of\n"
			 "QEMU's own threads, as GDB's \"thread apply all backtrace\" shows them.",
	.alone_help = "The stacks of QEMU's own threads need GDB: guest-report there has them.",
	.options = report_options,
	.run = gg_run_report,
	.arguments = report_arguments,
};
