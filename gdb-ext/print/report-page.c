// SPDX-License-Identifier: GPL-3.0-or-later
//
// The frame of a report's page, and the pieces that its parts share.
//
// In:  the verdict, the parts' titles.
// Out: HTML. The page's policy allows neither a fetch nor a script but the page's own.
#include "report.h"
#include "report-style.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char gg_report_redacted[] =
	"Redacted: names of hosts and users, addresses of networks, command "
	"lines and values of variables are replaced by "
	"words in brackets. Such data in a form that is not known stays.";

// ---- The frame ----

bool gg_report_is_bad(const struct gg_report *report)
{
	return gg_verdict_is_bad(&report->info->verdict);
}

static void append_head(struct gg_html *html, const char *title)
{
	gg_html_open(html, "head", NULL);
	gg_html_empty(html, "meta", "charset", "utf-8", NULL);
	gg_html_empty(html, "meta", "http-equiv", "Content-Security-Policy", "content",
		      "default-src 'none'; style-src 'unsafe-inline'; script-src "
		      "'sha256-" GG_REPORT_SCRIPT_HASH "'; base-uri 'none'; form-action 'none'",
		      NULL);
	gg_html_empty(html, "meta", "name", "viewport", "content",
		      "width=device-width, initial-scale=1", NULL);
	gg_html_empty(html, "meta", "name", "referrer", "content", "no-referrer", NULL);
	gg_html_element(html, "title", NULL, title);
	gg_html_open(html, "style", NULL);
	gg_html_markup(html, gg_report_style);
	gg_html_close(html);
	gg_html_close(html);
	gg_html_markup(html, "\n");
}

static void append_contents(struct gg_html *html, const struct gg_report *report,
			    const struct gg_report_part *parts)
{
	gg_html_open(html, "nav", "aria-label", "Contents", NULL);
	gg_html_open(html, "ul", NULL);
	for (; parts->id; parts++) {
		char target[64] = "#";
		if (!parts->html || (report->options->no_log && !strcmp(parts->id, "log")))
			continue;
		strncat(target, parts->id, sizeof(target) - 2);
		gg_html_open(html, "li", NULL);
		gg_html_open(html, "a", "href", target, NULL);
		gg_html_text(html, parts->title);
		gg_html_close(html);
		gg_html_close(html);
	}
	gg_html_close(html);
	gg_html_close(html);
	gg_html_markup(html, "\n");
}

// Appends "6.1.0 of HOST", as far as the kernel is known.
static void append_name(struct gg_buffer *out, const struct gg_info *info)
{
	const struct gg_info_kernel *kernel = &info->kernel;
	if (info->kernel_error) {
		gg_buffer_format(out, "no Linux kernel found");
		return;
	}
	gg_buffer_format(out, "Linux %s", kernel->release ? kernel->release : "?");
	if (kernel->nodename && strcmp(kernel->nodename, "(none)"))
		gg_buffer_format(out, " on %s", kernel->nodename);
}

void gg_report_begin_page(struct gg_html *html, const struct gg_report *report,
			  const struct gg_report_part *parts)
{
	const struct gg_info *info = report->info;
	struct gg_buffer title = { 0 }, made = { 0 };
	const char *word = info->kernel_error ? "unknown" : gg_verdict_word(&info->verdict);
	gg_buffer_format(&title, "%s: ", word);
	append_name(&title, info);
	gg_buffer_append(&title, "", 1);
	gg_append_utc(&made, (uint64_t)time(NULL));
	gg_buffer_format(&made, ", gdb-guest " PACKAGE_VERSION);
	gg_buffer_append(&made, "", 1);
	html->out.failed |= title.failed || made.failed;
	gg_html_markup(html, "<!DOCTYPE html>\n");
	gg_html_open(html, "html", "lang", "en", NULL);
	append_head(html, title.failed ? "" : (const char *)title.bytes);
	gg_html_open(html, "body", NULL);
	gg_html_open(html, "header", NULL);
	gg_html_element(html, "p", "made", "Guest report");
	gg_html_open(html, "h1", "class", gg_report_is_bad(report) ? "bad" : NULL, NULL);
	gg_html_text(html, title.failed ? "" : (const char *)title.bytes);
	gg_html_close(html);
	gg_html_element(html, "p", "made", made.failed ? "" : (const char *)made.bytes);
	if (report->options->redact)
		gg_html_element(html, "p", "note", gg_report_redacted);
	gg_html_close(html);
	gg_html_markup(html, "\n");
	append_contents(html, report, parts);
	gg_html_open(html, "main", NULL);
	gg_html_markup(html, "\n");
	gg_buffer_deinit(&title);
	gg_buffer_deinit(&made);
}

void gg_report_end_page(struct gg_html *html)
{
	gg_html_markup(html, "</main><script>");
	gg_html_markup(html, gg_report_script);
	gg_html_markup(html, "</script></body></html>\n");
}

// ---- Pieces ----

void gg_report_append_text(struct gg_report *report, const char *class)
{
	struct gg_html *html = &report->html;
	html->out.failed |= report->text.failed;
	if (report->text.size) {
		gg_html_open(html, "pre", "class", class, "tabindex", "0", NULL);
		gg_html_bytes(html, (const char *)report->text.bytes, report->text.size);
		gg_html_close(html);
		gg_html_markup(html, "\n");
	}
	report->text.size = 0;
}

void gg_report_begin_details(struct gg_report *report, const char *summary, bool is_open)
{
	gg_html_open(&report->html, "details", "open", is_open ? "open" : NULL, NULL);
	gg_html_element(&report->html, "summary", NULL, summary);
}

// Returns the size of the line at TEXT, of SIZE bytes.
static size_t line_size(const char *text, size_t size)
{
	const char *end = memchr(text, '\n', size);
	return end ? (size_t)(end - text) : size;
}

// Appends a paragraph of SIZE bytes behind its first line; an indented line behind a colon belongs to it.
static void append_paragraph(struct gg_report *report, const char *text, size_t size, bool is_open)
{
	struct gg_html *html = &report->html;
	size_t first = line_size(text, size);
	if (first && first + 1 < size && text[first - 1] == ':' && text[first + 1] == ' ')
		first += 1 + line_size(text + first + 1, size - first - 1);
	gg_html_open(html, "details", "open", is_open ? "open" : NULL, NULL);
	gg_html_open(html, "summary", NULL);
	gg_html_bytes(html, text, first);
	gg_html_close(html);
	if (first + 1 < size) {
		gg_html_open(html, "pre", "tabindex", "0", NULL);
		gg_html_bytes(html, text + first + 1, size - first - 1);
		gg_html_close(html);
	}
	gg_html_close(html);
	gg_html_markup(html, "\n");
}

void gg_report_append_paragraphs(struct gg_report *report, bool is_open)
{
	const char *text = (const char *)report->text.bytes;
	const size_t size = report->text.size;
	report->html.out.failed |= report->text.failed;
	for (size_t start = 0, at = 0; start < size; start = at) {
		while (start < size && text[start] == '\n')
			start++;
		for (at = start;
		     at < size && (text[at] != '\n' || (at + 1 < size && text[at + 1] != '\n'));)
			at++;
		if (at > start)
			append_paragraph(report, text + start, at - start, is_open);
	}
	report->text.size = 0;
}

void gg_report_begin_table(struct gg_report *report, const char *class, const char *id,
			   const char *const *heads)
{
	struct gg_html *html = &report->html;
	gg_html_open(html, "div", "class", "wide", "tabindex", "0", NULL);
	gg_html_open(html, "table", "class", class, NULL);
	gg_html_open(html, "thead", NULL);
	gg_html_open(html, "tr", NULL);
	for (; *heads; heads++) {
		gg_html_open(html, "th", "scope", "col", NULL);
		gg_html_text(html, *heads);
		gg_html_close(html);
	}
	gg_html_close(html);
	gg_html_close(html);
	gg_html_markup(html, "\n");
	gg_html_open(html, "tbody", "id", id, NULL);
	gg_html_markup(html, "\n");
}

void gg_report_end_table(struct gg_report *report)
{
	for (unsigned int i = 0; i < 3; i++)
		gg_html_close(&report->html);
	gg_html_markup(&report->html, "\n");
}

void gg_report_cell(struct gg_report *report, const char *text, const uint64_t *number)
{
	char digits[32] = "";
	if (number)
		snprintf(digits, sizeof(digits), "%" PRIu64, *number);
	gg_html_open(&report->html, "td", "class", number ? "n" : NULL, "data-n",
		     number ? digits : NULL, NULL);
	gg_html_text(&report->html, text);
	gg_html_close(&report->html);
}
