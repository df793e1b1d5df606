// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_TASKS_H
#define GG_GUEST_TASKS_H

#include "guest.h"
#include "linux/tasks/tasks.h"

#include <gdb-guest/tasks.h>

// Finds GUEST's kernel, whose structures can then be asked for. Valid as long as GUEST's kernel is.
struct gg_error *gg_guest_answerers(struct gg_guest *guest, const struct gg_notices *notices,
				    const struct gg_answerers **ret);

// Reads the tasks of GUEST's kernel; the caller calls gg_tasks_deinit().
struct gg_error *gg_guest_tasks(struct gg_guest *guest, const struct gg_notices *notices,
				struct gg_tasks *ret);

#endif
