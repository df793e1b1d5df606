// SPDX-License-Identifier: GPL-3.0-or-later
//
// The report's part with the kernel's log: a line for each record, by level.
#include "report.h"
#include "words.h"

#include <gdb-guest/log.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERR = 3 }; // LOG_ERR: the levels up to it are errors

struct log_view {
	struct gg_html lines;
	uint64_t count, errors;
};

// ---- Records ----

static struct gg_error *append_record(void *data, const struct gg_log_record *record)
{
	struct log_view *view = data;
	const struct gg_log_style style = { 0 };
	const bool has_level = record->flags & GG_LOG_LEVEL;
	const bool is_error = has_level && record->level <= ERR;
	char class[] = "ln", id[32];
	char *text = gg_log_record_text(record, &style);
	if (!text)
		return gg_enomem;
	if (has_level)
		class[1] = (char)('0' + record->level % 8);
	view->count++;
	view->errors += is_error;
	snprintf(id, sizeof(id), "error-%" PRIu64, view->errors);
	gg_html_open(&view->lines, is_error ? "mark" : "span", "class", class, "id",
		     is_error ? id : NULL, NULL);
	gg_html_text(&view->lines, text);
	gg_html_close(&view->lines);
	free(text);
	return gg_buffer_check(&view->lines.out);
}

// ---- The part ----

// Appends the choice of levels: without a script, by the style.
static void append_levels(struct gg_html *html)
{
	static const struct {
		const char *id, *label;
	} levels[] = { { "level-all", "all" },
		       { "level-notice", "notice and worse" },
		       { "level-warn", "warn and worse" },
		       { "level-err", "err and worse" } };
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		gg_html_empty(html, "input", "type", "radio", "name", "level", "id", levels[i].id,
			      "checked", i ? NULL : "checked", NULL);
		gg_html_open(html, "label", "for", levels[i].id, NULL);
		gg_html_text(html, levels[i].label);
		gg_html_close(html);
		gg_html_markup(html, "\n");
	}
}

static void append_link(struct gg_html *html, uint64_t number, const char *text)
{
	char target[32];
	snprintf(target, sizeof(target), "#error-%" PRIu64, number);
	gg_html_open(html, "a", "href", target, NULL);
	gg_html_text(html, text);
	gg_html_close(html);
}

static void append_summary(struct gg_html *html, const struct log_view *view)
{
	gg_html_open(html, "p", NULL);
	gg_html_format(html, "%" PRIu64 " record%s, %" PRIu64 " of the level err or worse",
		       view->count, gg_plural(view->count), view->errors);
	if (view->errors) {
		gg_html_text(html, ": ");
		append_link(html, 1, "the first");
		gg_html_text(html, ", ");
		append_link(html, view->errors, "the last");
	}
	gg_html_text(html, ".");
	gg_html_close(html);
	gg_html_markup(html, "\n");
}

struct gg_error *gg_report_log(struct gg_report *report)
{
	struct gg_html *html = &report->html;
	const struct gg_log_query query = { 0 };
	struct log_view view = { .lines = { .redact = html->redact } };
	struct gg_error *err =
		gg_guest_log(report->guest, &query, append_record, &view, &report->notices);
	if (view.count) {
		append_summary(html, &view);
		gg_html_open(html, "div", "class", "levels", NULL);
		append_levels(html);
		gg_html_open(html, "p", "class", "filter", "data-filter", "log-lines", NULL);
		gg_html_close(html);
		gg_html_open(html, "pre", "class", "log", "id", "log-lines", NULL);
		html->out.failed |= view.lines.out.failed;
		gg_buffer_append(&html->out, view.lines.out.bytes, view.lines.out.size);
		gg_html_close_to(html, 0);
	}
	gg_html_deinit(&view.lines);
	return err;
}

struct gg_error *gg_report_log_text(struct gg_report *report)
{
	const struct gg_log_query query = { 0 };
	const struct gg_log_style style = { 0 };
	return gg_guest_log_print(report->guest, &query, &style, &report->writer, &report->notices);
}
