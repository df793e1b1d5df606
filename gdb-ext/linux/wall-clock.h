// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's clocks in wall-clock time.
#ifndef GG_WALL_CLOCK_H
#define GG_WALL_CLOCK_H

#include "base/cursor.h"
#include "linux/symbols/symbols.h"

// Finds the nanoseconds from 1970, in UTC, to the start of the kernel's clock CLOCK_BOOTTIME, which
// is the log's but for what that does not count. GG_NOT_FOUND where the kernel's timekeeper is not
// there, or was never set; GG_BAD_DATA where what is there may be it in two ways.
struct gg_error *gg_wall_clock_find(struct gg_symbols *symbols, int64_t *ret);

// The kernel's clocks at the last update of its timekeeper.
struct gg_wall_clock {
	int64_t offset;   // as gg_wall_clock_find() finds it
	bool has_seconds; // the two others are known
	uint64_t seconds; // since 1970, in UTC
	uint64_t uptime;  // in seconds, of CLOCK_BOOTTIME
};

// Reads the clocks. The errors are those of gg_wall_clock_find().
struct gg_error *gg_wall_clock_read(struct gg_symbols *symbols, struct gg_wall_clock *ret);

// Finds the clocks in a timekeeper's BYTES.
struct gg_error *gg_wall_clock_search(struct gg_cursor *bytes, struct gg_wall_clock *ret);

#endif
