// SPDX-License-Identifier: GPL-3.0-or-later
//
// Pages of guest memory that never change as long as their kernel runs, by virtual address: its
// symbols' and types' tables. For memory that may change, and pages that are kept for one command,
// see backing-stub.c.
#ifndef GG_KEPT_H
#define GG_KEPT_H

#include "host/host.h"
#include "page-table.h"

#include <gdb-guest/kept.h>

// A kernel's memory, of which KEPT has pages.
struct gg_kept_memory {
	struct gg_page_table *table; // borrowed
	struct gg_kept *kept;        // borrowed; NULL: nothing is kept
	uint64_t identity;           // the kernel's: pages of another kernel are not its own
};

// Reads SIZE bytes at GVA, of pages that never change: by whole pages, each once.
struct gg_error *gg_kept_read(const struct gg_kept_memory *memory, gg_gva_t gva, void *buffer,
			      size_t size);

// Returns the number of bytes from GVA on that are kept without a gap, at most SIZE.
uint64_t gg_kept_from(const struct gg_kept_memory *memory, gg_gva_t gva, uint64_t size);

#endif
