// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tasks of the guest's kernel that wait for others.
#ifndef GDB_GUEST_BLOCKED_H
#define GDB_GUEST_BLOCKED_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>

#pragma GCC visibility push(default)

struct gg_blocked_options {
	bool all;  // all sleepers
	bool json; // an object on a line for each task
};

// Writes the tasks of GUEST's kernel that are blocked, and what they wait for.
struct gg_error *gg_print_blocked(struct gg_guest *guest, const struct gg_blocked_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
