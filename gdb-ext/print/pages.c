// SPDX-License-Identifier: GPL-3.0-or-later
//
// Pages by kind as text, and as JSON.
#include "pages.h"
#include "base/json.h"

#include <gdb-guest/pages.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KIB = 1024, EACH_LEVEL = GG_LEVEL_ALL };

// The words of text; JSON's keys have underscores for the spaces.
static const char *const names[GG_PAGE_CLASSES] = {
	[GG_PAGES_FREE] = "free",
	[GG_PAGES_CACHE] = "cache",
	[GG_PAGES_CACHE_PRIVATE] = "cache private",
	[GG_PAGES_USER] = "user",
	[GG_PAGES_HWPOISON] = "hwpoison",
	[GG_PAGES_OFFLINE] = "offline",
	[GG_PAGES_ZERO] = "zero",
	[GG_PAGES_KEPT] = "other",
};

static const struct {
	unsigned int level;
	const char *text;
} levels[] = {
	{ 1, "zero" },
	{ 2, "cache" },
	{ 4, "cache, cache private" },
	{ 8, "user" },
	{ 16, "free" },
	{ 17, "free, zero" },
	{ 30, "free, cache, cache private, user" },
	{ 31, "free, cache, cache private, user, zero" },
};

enum { LEVELS = sizeof(levels) / sizeof(*levels) };

// Tests whether the pages that LEVEL leaves are counted without the pages of zeros that it leaves out.
static bool is_most(const struct gg_page_census *census, unsigned int level)
{
	return level & GG_LEVEL_ZERO && !census->has_zeros;
}

static uint64_t count_left(const struct gg_page_census *census, unsigned int level)
{
	struct gg_page_counts counts;
	gg_page_census_at(census, level, &counts);
	return counts.pages[GG_PAGES_KEPT];
}

// ---- Text ----

static void append_row(struct gg_buffer *out, const struct gg_page_census *census,
		       const char *label, uint64_t pages, bool is_known)
{
	if (is_known)
		gg_buffer_format(out, "%-20s %12" PRIu64 " %14" PRIu64, label, pages,
				 pages * (census->page_size / KIB));
	else
		gg_buffer_format(out, "%-20s %12s %14s", label, "?", "?");
	if (is_known && census->ram)
		gg_buffer_format(out, " %4.0f%%", 100 * (double)pages / (double)census->ram);
	gg_buffer_format(out, "\n");
}

static void append_levels(struct gg_buffer *out, const struct gg_page_census *census)
{
	gg_buffer_format(out, "\n%-5s %14s %14s %14s  %s\n", "LEVEL", "", "PAGES LEFT", "kB",
			 "WITHOUT");
	for (size_t i = 0; i < LEVELS; i++) {
		const uint64_t left = count_left(census, levels[i].level);
		gg_buffer_format(out, "%5u %14s %14" PRIu64 " %14" PRIu64 "  %s\n", levels[i].level,
				 is_most(census, levels[i].level) ? "at most" : "", left,
				 left * (census->page_size / KIB), levels[i].text);
	}
}

static void append_text(struct gg_buffer *out, const struct gg_page_census *census)
{
	struct gg_page_counts counts;
	gg_page_census_at(census, GG_LEVEL_ALL, &counts);
	gg_buffer_format(out, "%-20s %12s %14s\n", "", "PAGES", "kB");
	for (unsigned int i = 0; i < GG_PAGE_CLASSES; i++)
		append_row(out, census, names[i], counts.pages[i],
			   i != GG_PAGES_ZERO || census->has_zeros);
	append_row(out, census, "all", census->ram, true);
	append_levels(out, census);
}

// ---- JSON ----

static void append_json_levels(struct gg_buffer *out, const struct gg_page_census *census)
{
	gg_json_open_array(out, "levels");
	for (unsigned int level = 0; level <= EACH_LEVEL; level++) {
		const uint64_t left = count_left(census, level);
		gg_json_open_object(out, NULL);
		gg_json_uint(out, "level", level);
		gg_json_uint(out, "pages", left);
		gg_json_uint(out, "bytes", left * census->page_size);
		gg_json_bool(out, "at_most", is_most(census, level));
		gg_json_close_object(out);
	}
	gg_json_close_array(out);
}

static void append_json(struct gg_buffer *out, const struct gg_page_census *census)
{
	struct gg_page_counts counts;
	gg_page_census_at(census, GG_LEVEL_ALL, &counts);
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "page_size", census->page_size);
	gg_json_uint(out, "all", census->ram);
	for (unsigned int i = 0; i < GG_PAGE_CLASSES; i++) {
		char key[24];
		snprintf(key, sizeof(key), "%s", names[i]);
		for (char *c = key; *c; c++)
			*c = *c == ' ' ? '_' : *c;
		if (i == GG_PAGES_ZERO && !census->has_zeros)
			gg_json_null(out, key);
		else
			gg_json_uint(out, key, counts.pages[i]);
	}
	gg_json_uint(out, "no_struct_page", census->ram - census->described);
	gg_json_uint(out, "unreadable", census->unread);
	append_json_levels(out, census);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

struct gg_error *gg_append_pages(struct gg_guest *guest, const struct gg_meminfo_options *options,
				 const struct gg_notices *notices, struct gg_buffer *out)
{
	struct gg_page_census census;
	struct gg_error *err = gg_guest_page_census(guest, options->zeros, notices, &census);
	if (err)
		return err;
	(options->json ? append_json : append_text)(out, &census);
	return NULL;
}
