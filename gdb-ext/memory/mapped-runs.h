// SPDX-License-Identifier: GPL-3.0-or-later
//
// Runs of virtual memory that page tables map to consecutive guest-physical memory.
#ifndef GG_MAPPED_RUNS_H
#define GG_MAPPED_RUNS_H

#include "page-table.h"

struct gg_mapped_run {
	gg_gva_t gva;
	gg_gpa_t gpa;
	uint64_t size;
};

typedef struct gg_error *gg_visit_run_fn(void *data, const struct gg_mapped_run *run);

// Calls VISIT with each run from START up to LAST, ascending; neighbours that are adjacent both ways
// are a single run. A table that cannot be read counts as unmapped. *LOOKS bounds the walks that are
// left, and is 0 where the bound has ended the search. An error of VISIT's ends it too.
struct gg_error *gg_mapped_runs(struct gg_page_table *table, gg_gva_t start, gg_gva_t last,
				uint64_t *looks, gg_visit_run_fn *visit, void *data);

#endif
