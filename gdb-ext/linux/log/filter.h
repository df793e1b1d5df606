// SPDX-License-Identifier: GPL-3.0-or-later
//
// The records of a log that a query selects.
#ifndef GG_LOG_FILTER_H
#define GG_LOG_FILTER_H

#include "base/buffer.h"
#include "log.h"

#include <gdb-guest/log.h>
#include <regex.h>

struct gg_log_held;

struct gg_log_filter {
	const struct gg_log_query *query;
	struct gg_log_sink *from; // whose records come in
	gg_visit_record_fn *visit;
	void *data;
	bool has_pattern;
	regex_t pattern;
	struct gg_buffer text; // a copy that the pattern is looked for in
	bool left_out;         // the record before
	uint64_t shown;        // how many records went out
	// Context: what may come before the next match, what comes after the last, and whether
	// something between the two was left out.
	struct gg_log_held *first_held, **end_held;
	uint64_t held_count, after_left;
	bool is_apart;
	uint64_t lost;                 // by what was left out since the last record
	struct gg_log_record **newest; // copies of the last ones, a ring
	size_t held, next;
};

// GG_INVALID for a pattern that is none. QUERY must outlive the filter.
struct gg_error *gg_log_filter_init(struct gg_log_filter *filter, const struct gg_log_query *query,
				    gg_visit_record_fn *visit, void *data);
void gg_log_filter_deinit(struct gg_log_filter *filter);

// To be a sink's function, with the filter as its data.
struct gg_error *gg_log_filter_record(struct gg_log_filter *filter,
				      const struct gg_log_record *record);

// Behind the last record: visits those that had to wait for it.
struct gg_error *gg_log_filter_end(struct gg_log_filter *filter);

#endif
