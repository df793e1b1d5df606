// SPDX-License-Identifier: GPL-3.0-or-later
//
// The report's parts about the guest as a whole: the verdict and the kernel, QEMU, QEMU's threads.
#include "report.h"
#include "info.h"
#include "lines.h"
#include "base/notices.h"
#include "verdict.h"

#include <gdb-guest/text.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// ---- Lines ----

struct line_view {
	struct gg_html *html;
	bool is_trouble; // the name above is a trouble's
};

// Appends a line of an overview. The name of a trouble is in capitals; the text below it is a line of the
// log.
static void append_line(void *data, const char *name, const char *text)
{
	struct line_view *view = data;
	if (*name) {
		view->is_trouble = isupper((unsigned char)name[0]) &&
				   isupper((unsigned char)name[1]) && strcmp(name, "QEMU") != 0;
		gg_html_element(view->html, "dt", view->is_trouble ? "bad" : NULL, name);
	}
	gg_html_element(view->html, "dd", !*name && view->is_trouble ? "line" : NULL, text);
	gg_html_markup(view->html, "\n");
}

// Appends LINES, and empties LINES.
static void append_lines(struct gg_html *html, struct gg_buffer *lines)
{
	struct line_view view = { .html = html };
	gg_html_open(html, "dl", NULL);
	html->out.failed |= lines->failed;
	gg_visit_lines(lines, append_line, &view);
	gg_html_close(html);
	gg_html_markup(html, "\n");
	gg_buffer_deinit(lines);
}

// ---- The overview ----

struct gg_error *gg_report_overview(struct gg_report *report)
{
	const struct gg_info *info = report->info;
	struct gg_buffer lines = { 0 };
	if (!info->kernel_error)
		gg_append_verdict(&lines, &info->verdict, &info->source);
	gg_append_info_kernel(&lines, info);
	append_lines(&report->html, &lines);
	return gg_info_tell(info, &report->notices);
}

// Returns the target without its folder, which may have names of hosts and users, where the report is
// redacted.
static struct gg_info_options names_of(const struct gg_report *report)
{
	struct gg_info_options names = report->options->info;
	const char *slash = names.target ? strrchr(names.target, '/') : NULL;
	if (report->options->redact && slash && slash[1])
		names.target = slash + 1;
	return names;
}

struct gg_error *gg_report_overview_text(struct gg_report *report)
{
	const struct gg_info_options names = names_of(report);
	return gg_print_info_text(report->info, &names, &report->writer, &report->notices);
}

// ---- QEMU ----

// Appends an argument as a shell takes it.
static void append_argument(struct gg_buffer *out, const char *argument)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_=+.,/:@%";
	if (*argument && !argument[strspn(argument, plain)]) {
		gg_buffer_format(out, "%s", argument);
		return;
	}
	gg_buffer_format(out, "'");
	for (; *argument; argument++)
		gg_buffer_format(out, *argument == '\'' ? "'\\''" : "%c", *argument);
	gg_buffer_format(out, "'");
}

// Appends the SIZE bytes of arguments, a line for each option.
static void append_arguments(struct gg_buffer *out, const char *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		const size_t length = strnlen(bytes + at, size - at);
		char *escaped = gg_log_text(bytes + at, length);
		if (at)
			gg_buffer_format(out, bytes[at] == '-' ? " \\\n  " : " ");
		out->failed |= !escaped;
		if (escaped)
			append_argument(out, escaped);
		free(escaped);
		at += length + 1;
	}
	gg_buffer_format(out, "\n");
}

// Finds the command line, as text that a shell takes.
static struct gg_error *find_command_line(struct gg_report *report)
{
	struct gg_buffer arguments = { 0 };
	struct gg_error *err = gg_guest_command_line(report->guest, &arguments);
	if (!err && report->options->redact)
		gg_buffer_format(&report->text, "[redacted]\n");
	else if (!err)
		append_arguments(&report->text, (const char *)arguments.bytes, arguments.size);
	gg_buffer_deinit(&arguments);
	return err ? err : gg_buffer_check(&report->text);
}

// A source without a command line is no error of the report's.
static struct gg_error *tell_unsupported(struct gg_report *report, struct gg_error *err)
{
	if (!err || gg_error_kind(err) != GG_UNSUPPORTED)
		return err;
	struct gg_error *other = gg_tell(&report->notices, "%s", gg_error_message(err));
	gg_error_destroy(err);
	return other;
}

struct gg_error *gg_report_command_line(struct gg_report *report)
{
	return tell_unsupported(report, find_command_line(report));
}

struct gg_error *gg_report_qemu(struct gg_report *report)
{
	const struct gg_info_options names = names_of(report);
	struct gg_buffer lines = { 0 };
	gg_append_info_source(&lines, report->info, &names);
	append_lines(&report->html, &lines);
	struct gg_error *err = find_command_line(report);
	if (!err) {
		gg_html_element(&report->html, "h3", NULL, "Command line");
		gg_report_append_text(report, "wrap");
	}
	return tell_unsupported(report, err);
}

// ---- QEMU's threads ----

// Tests whether the debugger's threads are QEMU's, and not the guest's CPUs.
static bool has_threads(const struct gg_report *report)
{
	return report->info->source.layout && !gg_guest_is_over_wire(report->guest);
}

struct gg_error *gg_report_threads_text(struct gg_report *report)
{
	const struct gg_report_options *options = report->options;
	char *text = NULL;
	if (!has_threads(report))
		return gg_tell(&report->notices,
			       "QEMU's threads are not here: only a core of QEMU or a QEMU "
			       "process has them");
	if (!options->threads)
		return gg_tell(&report->notices, "without GDB there are no stacks of QEMU's own "
						 "threads: guest-report in GDB has "
						 "them");
	struct gg_error *err = options->threads(options->data, &text);
	if (!err && text)
		gg_buffer_append(&report->text, text, strlen(text));
	free(text);
	return err ? err : gg_buffer_check(&report->text);
}

struct gg_error *gg_report_threads(struct gg_report *report)
{
	struct gg_error *err = gg_report_threads_text(report);
	gg_report_append_paragraphs(report, false);
	return err;
}
