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

// Finds the nanoseconds in a timekeeper's BYTES.
struct gg_error *gg_wall_clock_search(struct gg_cursor *bytes, int64_t *ret);

#endif
