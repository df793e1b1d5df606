// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_BLOCKED_H
#define GG_GUEST_BLOCKED_H

#include "linux/locks/locks.h"
#include "stacks.h"

#include <gdb-guest/blocked.h>
#include <gdb-guest/verdict.h>

struct gg_guest_blocked {
	struct gg_guest_stacks stacks;
	struct gg_waits waits; // of the stacks' tasks
};

// Finds the waits of the tasks of GUEST's kernel whose state is one of the letters STATES. The caller
// calls gg_guest_blocked_deinit(), also after an error.
struct gg_error *gg_guest_blocked(struct gg_guest *guest, const char *states,
				  const struct gg_notices *notices, struct gg_guest_blocked *ret);

// BLOCKED may be zeros.
void gg_guest_blocked_deinit(struct gg_guest_blocked *blocked);

// Finds the nanoseconds since TASK, which is asleep, was last put on a CPU. Returns false for a task
// that is not asleep, and where they are not known.
bool gg_guest_blocked_age(const struct gg_guest_blocked *blocked, const struct gg_task *task,
			  uint64_t *ret);

// Sets the members of RET about blocked tasks, for a guest that has tasks in the state D. What cannot
// be read stays unknown. Errors are final.
struct gg_error *gg_guest_judge_blocked(struct gg_guest *guest, struct gg_verdict *ret);

#endif
