// SPDX-License-Identifier: GPL-3.0-or-later
//
// The log of a kernel that nobody describes, found by what it looks like.
#ifndef GG_LOG_FIND_H
#define GG_LOG_FIND_H

#include "base/debug.h"
#include "guess.h"

enum { GG_LOG_SEARCH_TABLES = 8 };

struct gg_log_search {
	const struct gg_ram_map *map;
	// Page tables that may map the kernel.
	struct gg_page_table *tables[GG_LOG_SEARCH_TABLES];
	size_t table_count;
	// MAP's ranges are the kernel's own variables and little else, at their virtual addresses
	// or at physical ones.
	bool is_transcript;
	const struct gg_debug *debug; // NULL: off

	// Out.
	gg_gpa_t at;      // of the log
	bool has_kernel;  // "Linux version" was found, at least
	uint64_t missing; // bytes that could not be looked at
};

// Finds the log in the memory of SEARCH. GG_NOT_FOUND has what was looked for. RET must not be moved.
struct gg_error *gg_log_find(struct gg_log_search *search, struct gg_log_guess *ret);

// The name of a format, for people.
const char *gg_guess_format_name(enum gg_guess_format format);

#endif
