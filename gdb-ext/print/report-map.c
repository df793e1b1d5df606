// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory map as a picture (SVG) and a table: the ranges of RAM from the lowest address down the page,
// the gaps between them cut short, and in the ranges the absent and the hidden pieces.
//
// In:  the ranges of guest-info.
// Out: a range's height grows with the logarithm of its size, so that a ROM is seen beside 500 GiB.
#include "report.h"
#include "base/notices.h"
#include "words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	SHOWN = 100, // ranges at most
	WIDTH = 368,
	BAR = 72, // of the picture's width
	LABEL = BAR + 10,
	LEAST = 34, // height of a range: two lines of text
	PER_BIT = 2,
	PAGE_BITS = 12,
	GAP = 22,
	MARGIN = 1,
};

// The picture's position, from its top.
struct picture {
	struct gg_report *report;
	uint64_t top;
};

static void text_of(char text[32], uint64_t number)
{
	snprintf(text, 32, "%" PRIu64, number);
}

static void append_rectangle(struct picture *picture, const char *class, uint64_t top,
			     uint64_t height)
{
	char y[32], h[32];
	text_of(y, top);
	text_of(h, height);
	gg_html_empty(&picture->report->html, "rect", "class", class, "x", "1", "y", y, "width",
		      "72", "height", h, NULL);
}

__attribute__((format(printf, 4, 5))) static void
append_label(struct picture *picture, const char *class, uint64_t top, const char *format, ...)
{
	char x[32], y[32], text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	text_of(x, LABEL);
	text_of(y, top);
	gg_html_open(&picture->report->html, "text", "class", class, "x", x, "y", y, NULL);
	gg_html_text(&picture->report->html, text);
	gg_html_close(&picture->report->html);
	gg_html_markup(&picture->report->html, "\n");
}

// Returns the height of SIZE bytes.
static uint64_t height_of(uint64_t size)
{
	unsigned int bits = 0;
	while (bits < 64 && size >> bits)
		bits++;
	return LEAST + (bits > PAGE_BITS ? (uint64_t)(bits - PAGE_BITS) * PER_BIT : 0);
}

// Appends the absent PIECES of RANGE, which is drawn at the picture's top, at least two units high each.
static void append_absent(struct picture *picture, const struct gg_ram_range *range,
			  uint64_t height, const struct gg_info_ranges *pieces)
{
	enum { THINNEST = 2 };
	uint64_t drawn = 0;
	const uint64_t last = range->start + (range->size - 1);
	for (size_t i = 0; i < pieces->listed; i++) {
		const struct gg_ram_range *piece = &pieces->ranges[i];
		const uint64_t piece_last = piece->start + (piece->size - 1);
		if (piece->start > last || piece_last < range->start)
			continue;
		const uint64_t first =
			piece->start > range->start ? piece->start - range->start : 0;
		const uint64_t end = (piece_last < last ? piece_last : last) - range->start;
		uint64_t from = (uint64_t)((double)first / (double)range->size * (double)height);
		uint64_t to = (uint64_t)((double)end / (double)range->size * (double)height) + 1;
		to = to < from + THINNEST ? from + THINNEST : to > height ? height : to;
		from = to > height ? height - THINNEST : from;
		to = to > height ? height : to;
		// Thousands of pieces share the few lines that there are.
		if (to <= drawn)
			continue;
		append_rectangle(picture, "absent", picture->top + from, to - from);
		drawn = to;
	}
}

// Tests whether a piece of RAM is hidden between START and START + SIZE.
static bool hides(const struct gg_info_ranges *hidden, uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < hidden->listed; i++)
		if (hidden->ranges[i].start >= start && hidden->ranges[i].start - start < size)
			return true;
	return false;
}

// Appends the gap of SIZE bytes from START on: hidden RAM is no RAM of the CPUs'.
static void append_gap(struct picture *picture, uint64_t start, uint64_t size)
{
	struct gg_buffer text = { 0 };
	char from[32], to[32];
	const bool is_hidden = hides(&picture->report->info->hidden, start, size);
	gg_append_size(&text, size);
	text_of(from, picture->top);
	text_of(to, picture->top + GAP);
	if (is_hidden)
		append_rectangle(picture, "hidden", picture->top, GAP);
	for (unsigned int side = 0; side < 2; side++)
		gg_html_empty(&picture->report->html, "line", "class", "gap", "x1",
			      side ? "73" : "1", "x2", side ? "73" : "1", "y1", from, "y2", to,
			      NULL);
	append_label(picture, "faint", picture->top + 15, "%.*s without RAM%s", (int)text.size,
		     text.bytes ? (const char *)text.bytes : "",
		     is_hidden ? " but hidden RAM" : "");
	gg_buffer_deinit(&text);
	picture->top += GAP;
}

static void append_range(struct picture *picture, const struct gg_ram_range *range, bool is_first)
{
	const uint64_t height = height_of(range->size);
	struct gg_buffer size = { 0 };
	gg_append_size(&size, range->size);
	append_rectangle(picture, is_first ? "ram" : "other", picture->top, height);
	append_absent(picture, range, height, &picture->report->info->absent);
	append_label(picture, NULL, picture->top + 13, "0x%" PRIx64, range->start);
	append_label(picture, NULL, picture->top + 28, "%.*s  %.24s", (int)size.size,
		     size.bytes ? (const char *)size.bytes : "", range->block);
	picture->top += height;
	gg_buffer_deinit(&size);
}

static size_t count_shown(const struct gg_info_ranges *ranges)
{
	return ranges->listed < SHOWN ? ranges->listed : SHOWN;
}

// Returns the size of the gap before the range of number INDEX.
static uint64_t gap_before(const struct gg_info_ranges *ranges, size_t index)
{
	const struct gg_ram_range *range = &ranges->ranges[index];
	return index ? range->start - (range[-1].start + range[-1].size) : range->start;
}

static uint64_t picture_height(const struct gg_info_ranges *ranges)
{
	uint64_t height = 2 * MARGIN;
	for (size_t i = 0; i < count_shown(ranges); i++)
		height += height_of(ranges->ranges[i].size) + (gap_before(ranges, i) ? GAP : 0);
	return height;
}

static void append_picture(struct gg_report *report)
{
	static const char patterns[] =
		"<defs><pattern id=\"hatch\" width=\"7\" height=\"7\" "
		"patternUnits=\"userSpaceOnUse\" "
		"patternTransform=\"rotate(45)\"><rect class=\"ground\" width=\"7\" height=\"7\"/>"
		"<line class=\"stripe\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"7\"/></pattern>"
		"<pattern id=\"dots\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">"
		"<rect class=\"ground\" width=\"5\" height=\"5\"/>"
		"<circle class=\"dot\" cx=\"2\" cy=\"2\" r=\"1\"/></pattern></defs>\n";
	const struct gg_info_ranges *ram = &report->info->ram;
	struct picture picture = { report, MARGIN };
	char box[64], height[32];
	text_of(height, picture_height(ram));
	snprintf(box, sizeof(box), "0 0 %d %s", WIDTH, height);
	gg_html_open(&report->html, "svg", "viewBox", box, "width", "368", "height", height, "role",
		     "img", "aria-label", "The guest-physical memory, the lowest address on top",
		     NULL);
	gg_html_markup(&report->html, patterns);
	for (size_t i = 0; i < count_shown(ram); i++) {
		const struct gg_ram_range *range = &ram->ranges[i];
		if (gap_before(ram, i))
			append_gap(&picture, range->start - gap_before(ram, i), gap_before(ram, i));
		append_range(&picture, range, !strcmp(range->block, ram->ranges[0].block));
	}
	gg_html_close(&report->html);
	gg_html_markup(&report->html, "\n");
}

// ---- The table ----

static void append_rows(struct gg_report *report, const struct gg_info_ranges *ranges,
			const char *kind)
{
	for (size_t i = 0; i < count_shown(ranges); i++) {
		const struct gg_ram_range *range = &ranges->ranges[i];
		struct gg_buffer size = { 0 };
		char address[64];
		gg_append_size(&size, range->size);
		gg_buffer_append(&size, "", 1);
		gg_html_open(&report->html, "tr", NULL);
		snprintf(address, sizeof(address), "0x%016" PRIx64, range->start);
		gg_report_cell(report, address, NULL);
		snprintf(address, sizeof(address), "0x%016" PRIx64,
			 range->start + (range->size - 1));
		gg_report_cell(report, address, NULL);
		gg_report_cell(report, size.failed ? "" : (const char *)size.bytes, &range->size);
		gg_report_cell(report, kind, NULL);
		gg_report_cell(report, range->block, NULL);
		gg_html_close(&report->html);
		gg_html_markup(&report->html, "\n");
		gg_buffer_deinit(&size);
	}
}

static struct gg_error *tell_rest(struct gg_report *report, const struct gg_info_ranges *ranges,
				  const char *kind)
{
	if (ranges->count <= SHOWN)
		return NULL;
	return gg_tell(&report->notices, "%" PRIu64 " further ranges of %s memory are not shown",
		       ranges->count - count_shown(ranges), kind);
}

static void append_summary(struct gg_report *report)
{
	const struct gg_info *info = report->info;
	struct gg_buffer text = { 0 };
	gg_append_size(&text, info->ram.size);
	gg_buffer_format(&text, " of RAM and ROM in %" PRIu64 " range%s, read from %s",
			 info->ram.count, gg_plural(info->ram.count), info->backing);
	if (info->absent.count) {
		gg_buffer_format(&text, "; ");
		gg_append_size(&text, info->absent.size);
		gg_buffer_format(&text, " missing (hatched)");
	}
	if (info->hidden.count) {
		gg_buffer_format(&text, "; ");
		gg_append_size(&text, info->hidden.size);
		gg_buffer_format(&text, " hidden by a device, a ROM or SMRAM (dotted)");
	}
	gg_buffer_format(&text, ".");
	gg_html_open(&report->html, "p", NULL);
	gg_html_bytes(&report->html, text.failed ? "" : (const char *)text.bytes,
		      text.failed ? 0 : text.size);
	gg_html_close(&report->html);
	gg_buffer_deinit(&text);
}

struct gg_error *gg_report_map(struct gg_report *report)
{
	static const char *const heads[] = { "First", "Last", "Size", "Kind", "Block", NULL };
	const struct gg_info *info = report->info;
	append_summary(report);
	append_picture(report);
	gg_report_begin_details(report, "The ranges as a table", false);
	gg_report_begin_table(report, NULL, NULL, heads);
	append_rows(report, &info->ram, "RAM");
	append_rows(report, &info->hidden, "hidden");
	append_rows(report, &info->absent, "missing");
	gg_report_end_table(report);
	gg_html_close(&report->html);
	struct gg_error *err = tell_rest(report, &info->ram, "the guest's");
	if (!err)
		err = tell_rest(report, &info->hidden, "hidden");
	if (!err)
		err = tell_rest(report, &info->absent, "missing");
	return err;
}
