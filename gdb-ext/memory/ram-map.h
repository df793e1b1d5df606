// SPDX-License-Identifier: GPL-3.0-or-later
//
// The RAM map: guest-physical ranges, and the backing of their bytes.
#ifndef GG_RAM_MAP_H
#define GG_RAM_MAP_H

#include "qemu/ram.h"
#include "backing.h"

#include <gdb-guest/ram.h>

struct gg_ram_map {
	struct gg_ram_range *ranges; // ascending by start, disjoint
	size_t count;
	uint64_t size; // of all the ranges
	struct gg_backing *backing;
};

// Creates the map of RAM's ranges and names, which leaves RAM empty; after an error RAM stays as it
// was. BACKING, which must outlive the map, has the bytes.
struct gg_error *gg_ram_map_create(struct gg_qemu_ram *ram, struct gg_backing *backing,
				   struct gg_ram_map **ret);

// Destroys MAP, which may be NULL.
void gg_ram_map_destroy(struct gg_ram_map *map);

// Returns the range that GPA is in, or NULL.
const struct gg_ram_range *gg_ram_map_find(const struct gg_ram_map *map, gg_gpa_t gpa);

// Reads SIZE bytes at GPA. GG_FAULT where there is no RAM, GG_ABSENT where the bytes are absent.
struct gg_error *gg_ram_map_read(const struct gg_ram_map *map, gg_gpa_t gpa, void *buffer,
				 size_t size);

// Finds the extent at GPA, as extent() of struct gg_backing_ops does; what is not RAM is absent.
struct gg_error *gg_ram_map_extent(const struct gg_ram_map *map, gg_gpa_t gpa, uint64_t size,
				   bool holes, struct gg_extent *ret);

// Calls VISIT with every piece of the map that its backing does not hold, ascending.
struct gg_error *gg_ram_map_absent(const struct gg_ram_map *map, gg_visit_range_fn *visit,
				   void *data);

// Calls VISIT with every piece of the RAM at guest-physical 0, between two parts of it, that no
// CPU's access reaches: a device's memory, a ROM or SMRAM is mapped over the piece. Ascending.
struct gg_error *gg_ram_map_hidden(const struct gg_ram_map *map, gg_visit_range_fn *visit,
				   void *data);

#endif
