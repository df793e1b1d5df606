// SPDX-License-Identifier: GPL-3.0-or-later
#include "blocked.h"

struct gg_error *gg_guest_blocked(struct gg_guest *guest, bool all,
				  const struct gg_notices *notices, struct gg_guest_blocked *ret)
{
	*ret = (struct gg_guest_blocked){ 0 };
	struct gg_error *err = gg_guest_stacks_init(guest, notices, &ret->stacks);
	if (!err)
		err = gg_waits_read(ret->stacks.kernel, ret->stacks.unwinder, &ret->stacks.tasks,
				    all, &ret->waits);
	return err;
}

void gg_guest_blocked_deinit(struct gg_guest_blocked *blocked)
{
	gg_waits_deinit(&blocked->waits);
	gg_guest_stacks_deinit(&blocked->stacks);
}

// last_arrival is exact; last_switch_time, of the kernel's detector of hung tasks, is some seconds or
// minutes late.
bool gg_guest_blocked_age(const struct gg_guest_blocked *blocked, const struct gg_task *task,
			  uint64_t *ret)
{
	const uint64_t clock = blocked->stacks.tasks.clock;
	*ret = clock - task->last_arrival;
	return !task->on_cpu && task->state != 'R' && task->last_arrival &&
	       clock >= task->last_arrival;
}
