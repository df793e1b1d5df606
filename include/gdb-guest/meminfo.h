// SPDX-License-Identifier: GPL-3.0-or-later
//
// The use of the guest's memory, as its kernel counts it.
#ifndef GDB_GUEST_MEMINFO_H
#define GDB_GUEST_MEMINFO_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct gg_meminfo_options {
	bool zones, slabs, tasks, pages; // shown in place of the use as a whole
	bool zeros;                      // with PAGES: all memory is read, to count pages of zeros
	uint64_t top;                    // number of slab caches or tasks at most; 0: all
	bool json;                       // an object on a line for each of these
};

// Writes the use of memory.
struct gg_error *gg_print_meminfo(struct gg_guest *guest, const struct gg_meminfo_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
