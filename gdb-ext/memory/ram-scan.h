// SPDX-License-Identifier: GPL-3.0-or-later
//
// A look at all of a guest's RAM.
#ifndef GG_RAM_SCAN_H
#define GG_RAM_SCAN_H

#include "ram-map.h"

// Looks at SIZE bytes at GPA; returns true to end the scan.
typedef bool gg_ram_look_fn(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size);

// Calls LOOK with all of RAM that has bytes, ascending, in large pieces of which two that follow
// each other share OVERLAP bytes, so that nothing that small is missed; holes are not read. Sets
// MISSING to the count of bytes that could not be read.
struct gg_error *gg_ram_scan(const struct gg_ram_map *map, size_t overlap, gg_ram_look_fn *look,
			     void *data, uint64_t *missing);

#endif
