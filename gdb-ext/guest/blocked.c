// SPDX-License-Identifier: GPL-3.0-or-later
#include "blocked.h"

struct gg_error *gg_guest_blocked(struct gg_guest *guest, const char *states,
				  const struct gg_notices *notices, struct gg_guest_blocked *ret)
{
	*ret = (struct gg_guest_blocked){ 0 };
	struct gg_error *err =
		gg_guest_stacks_init(guest, GG_STACKS_OF_TASKS, notices, &ret->stacks);
	if (!err)
		err = gg_waits_read(ret->stacks.kernel, ret->stacks.unwinder, &ret->stacks.tasks,
				    states, &ret->waits);
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

// ---- The verdict ----

// Half of the time after which the kernel reports a hung task, in seconds. A kernel that does not look
// for hung tasks has no time, or 0.
static struct gg_error *read_limit(const struct gg_host *host, uint64_t *ret)
{
	enum { DEFAULT = 120 }; // CONFIG_DEFAULT_HUNG_TASK_TIMEOUT
	gg_gva_t address;
	uint64_t timeout = 0;
	struct gg_error *err = gg_host_symbol(host, "sysctl_hung_task_timeout_secs", &address);
	if (!err)
		err = gg_host_read_uint(host, address, host->address_size, &timeout);
	*ret = (timeout && timeout < UINT32_MAX ? timeout : DEFAULT) / 2;
	return gg_error_unless_final(err);
}

// Judges by BLOCKED; LIMIT is in seconds.
static void judge(const struct gg_guest_blocked *blocked, uint64_t limit, struct gg_verdict *ret)
{
	enum { SECOND = 1000000000 };
	const struct gg_tasks *tasks = &blocked->stacks.tasks;
	ret->has_blocked = true;
	ret->deadlocks = blocked->waits.deadlocks;
	for (size_t i = 0; i < tasks->count; i++) {
		const struct gg_task *task = &tasks->tasks[i];
		uint64_t age;
		ret->deadlocked += blocked->waits.waits[i].deadlock != 0;
		if (task->is_idle || task->state != 'D' ||
		    !gg_guest_blocked_age(blocked, task, &age) || age / SECOND < limit)
			continue;
		ret->blocked++;
		if (age / SECOND > ret->blocked_longest)
			ret->blocked_longest = age / SECOND;
	}
}

struct gg_error *gg_guest_judge_blocked(struct gg_guest *guest, struct gg_verdict *ret)
{
	struct gg_guest_blocked blocked;
	uint64_t limit;
	struct gg_error *err = gg_guest_blocked(guest, "D", NULL, &blocked);
	if (!err)
		err = read_limit(&blocked.stacks.kernel->host, &limit);
	if (!err)
		judge(&blocked, limit, ret);
	gg_guest_blocked_deinit(&blocked);
	return gg_error_unless_final(err);
}
