// SPDX-License-Identifier: GPL-3.0-or-later
//
// The areas of a process's memory.
#ifndef GG_KVM_AREAS_H
#define GG_KVM_AREAS_H

#include "linux/answerers/answerers.h"

struct gg_areas;

struct gg_area {
	gg_gva_t start, end; // END is behind the last byte
	// Pages that the process has not touched are zeros: no file has them, and no other process provides
	// them.
	bool is_zero_filled;
	// The struct file whose pages those are that the process has not touched, from page FIRST of the file on; 0
	// where no file has them, or another process may provide them.
	gg_gva_t file;
	uint64_t first;
};

// Opens the areas of the process whose struct mm_struct is at MM; HOST, with the members of modules, must outlive
// RET. GG_NOT_FOUND where the kernel has no tree of areas.
struct gg_error *gg_areas_create(const struct gg_host *host, gg_gva_t mm, struct gg_areas **ret);

// AREAS may be NULL.
void gg_areas_destroy(struct gg_areas *areas);

// Forgets what may be different after the guest ran. AREAS may be NULL.
void gg_areas_ran(struct gg_areas *areas);

// Finds the area that GVA is in. GG_NOT_FOUND if there is none.
struct gg_error *gg_areas_find(struct gg_areas *areas, gg_gva_t gva, struct gg_area *ret);

#endif
