// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tasks of the guest's kernel.
#ifndef GDB_GUEST_TASKS_H
#define GDB_GUEST_TASKS_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>

#pragma GCC visibility push(default)

struct gg_tasks_options {
	bool json; // an object on a line for each task
};

// Writes the list of the tasks of GUEST's kernel.
struct gg_error *gg_print_tasks(struct gg_guest *guest, const struct gg_tasks_options *options,
				const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
