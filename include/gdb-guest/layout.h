// SPDX-License-Identifier: GPL-3.0-or-later
//
// The layout of QEMU's structures, by its types and as found without them.
#ifndef GDB_GUEST_LAYOUT_H
#define GDB_GUEST_LAYOUT_H

#include "guest.h"

#pragma GCC visibility push(default)

// A member as both finders have it.
struct gg_structure_row {
	const char *type, *path;
	const struct gg_member *by_types;     // NULL: not known
	const struct gg_member *by_structure; // NULL: not found
	const char *proof;                    // of what was found, or why it was not
};

typedef struct gg_error *gg_visit_layout_fn(void *data, const struct gg_structure_row *row);

// Calls VISIT for every member that can be found by structure, whether or not it was. An error of
// VISIT's ends it. GG_UNSUPPORTED where QEMU's memory is not looked at.
struct gg_error *gg_guest_compare_layouts(struct gg_guest *guest, gg_visit_layout_fn *visit,
					  void *data);

#pragma GCC visibility pop

#endif
