// SPDX-License-Identifier: GPL-3.0-or-later
//
// The chains of waits: each task waits for at most one other task. A circle is a deadlock if each
// member is asleep and certainly waits for the next.
#include "locks.h"
#include "base/cleanup.h"

// Returns the task that TASK waits for, certainly or perhaps; NULL without.
static const struct gg_task *next_of(const struct gg_waits *waits, const struct gg_task *task)
{
	return gg_wait_of(waits, task)->holder;
}

const struct gg_task *gg_wait_certain(const struct gg_waits *waits, const struct gg_task *task)
{
	const struct gg_wait *wait = gg_wait_of(waits, task);
	return wait->owner == GG_OWNER_KNOWN ? wait->holder : NULL;
}

// Marks the circle that TASK is in.
static void mark_circle(struct gg_waits *waits, const struct gg_task *task)
{
	const struct gg_task *member = task;
	waits->deadlocks++;
	do {
		gg_wait_of(waits, member)->deadlock = waits->deadlocks;
		member = gg_wait_certain(waits, member);
	} while (member != task);
}

// Follows the certain waits from each task. MET has, for each task, the number of the last start whose
// walk met the task.
static void find_circles(struct gg_waits *waits, size_t *met)
{
	for (size_t i = 0; i < waits->tasks->count; i++) {
		const struct gg_task *task = &waits->tasks->tasks[i];
		while (task && !met[task - waits->tasks->tasks]) {
			met[task - waits->tasks->tasks] = i + 1;
			task = gg_wait_certain(waits, task);
		}
		if (task && met[task - waits->tasks->tasks] == i + 1)
			mark_circle(waits, task);
	}
}

// Makes each task's list of the tasks that wait for it, in the order of the tasks.
static void link_tasks(struct gg_waits *waits, size_t *indegrees)
{
	for (size_t i = waits->tasks->count; i--;) {
		const struct gg_task *next = next_of(waits, &waits->tasks->tasks[i]);
		if (!next)
			continue;
		struct gg_wait *held = gg_wait_of(waits, next);
		waits->waits[i].next_behind = held->first_behind;
		held->first_behind = i + 1;
		indegrees[next - waits->tasks->tasks]++;
	}
}

// Adds the count of TASK to the task that TASK waits for, and goes on to that task once all tasks behind
// it are counted. A counted task has the indegree SIZE_MAX.
static void count_from(struct gg_waits *waits, const struct gg_task *task, size_t *indegrees)
{
	while (task && !indegrees[task - waits->tasks->tasks]) {
		const struct gg_task *next = next_of(waits, task);
		indegrees[task - waits->tasks->tasks] = SIZE_MAX;
		if (!next)
			return;
		gg_wait_of(waits, next)->behind += gg_wait_of(waits, task)->behind + 1;
		indegrees[next - waits->tasks->tasks]--;
		task = next;
	}
}

// Counts for each member of a circle the other members, and the tasks behind all of them.
static void count_circle(struct gg_waits *waits, const struct gg_task *task, size_t *indegrees)
{
	const struct gg_task *member = task;
	size_t sum = 0;
	do {
		sum += gg_wait_of(waits, member)->behind + 1;
		indegrees[member - waits->tasks->tasks] = SIZE_MAX;
		member = next_of(waits, member);
	} while (member != task);
	do {
		gg_wait_of(waits, member)->behind = sum - 1;
		member = next_of(waits, member);
	} while (member != task);
}

struct gg_error *gg_waits_follow(struct gg_waits *waits)
{
	const size_t count = waits->tasks->count;
	_cleanup_free_ size_t *met = calloc(count + 1, sizeof(*met));
	_cleanup_free_ size_t *indegrees = calloc(count + 1, sizeof(*indegrees));
	if (!met || !indegrees)
		return gg_enomem;
	find_circles(waits, met);
	link_tasks(waits, indegrees);
	for (size_t i = 0; i < count; i++)
		count_from(waits, &waits->tasks->tasks[i], indegrees);
	for (size_t i = 0; i < count; i++)
		if (indegrees[i] != SIZE_MAX)
			count_circle(waits, &waits->tasks->tasks[i], indegrees);
	return NULL;
}
