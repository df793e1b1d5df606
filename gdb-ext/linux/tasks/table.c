// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tasks by address: an open hash table of indices.
#include "tasks.h"
#include "base/vector.h"

#include <stdlib.h>

static size_t slot_of(const struct gg_tasks *tasks, gg_gva_t address)
{
	size_t slot = (size_t)((address >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
	for (;; slot++) {
		slot &= tasks->slot_count - 1;
		const uint32_t index = tasks->slots[slot];
		if (!index || tasks->tasks[index - 1].address == address)
			return slot;
	}
}

const struct gg_task *gg_tasks_at(const struct gg_tasks *tasks, gg_gva_t address)
{
	const uint32_t index = tasks->slot_count ? tasks->slots[slot_of(tasks, address)] : 0;
	return index ? &tasks->tasks[index - 1] : NULL;
}

const struct gg_task *gg_tasks_of_pid(const struct gg_tasks *tasks, int32_t pid)
{
	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->tasks[i].pid == pid)
			return &tasks->tasks[i];
	return NULL;
}

// Keeps at least half of the slots free.
static struct gg_error *grow_slots(struct gg_tasks *tasks)
{
	enum { FIRST = 256 };
	if (2 * (tasks->count + 1) <= tasks->slot_count)
		return NULL;
	free(tasks->slots);
	tasks->slot_count = tasks->slot_count ? 2 * tasks->slot_count : FIRST;
	tasks->slots = calloc(tasks->slot_count, sizeof(*tasks->slots));
	if (!tasks->slots) {
		tasks->slot_count = 0;
		return gg_enomem;
	}
	for (uint32_t i = 0; i < tasks->count; i++)
		tasks->slots[slot_of(tasks, tasks->tasks[i].address)] = i + 1;
	return NULL;
}

struct gg_error *gg_tasks_add(struct gg_tasks *tasks, const struct gg_task *task)
{
	struct gg_error *err = grow_slots(tasks);
	if (!err)
		err = gg_vector_grow(&tasks->tasks, tasks->count, sizeof(*tasks->tasks));
	if (err)
		return err;
	tasks->tasks[tasks->count++] = *task;
	tasks->slots[slot_of(tasks, task->address)] = (uint32_t)tasks->count;
	return NULL;
}

void gg_tasks_deinit(struct gg_tasks *tasks)
{
	free(tasks->tasks);
	free(tasks->slots);
	*tasks = (struct gg_tasks){ 0 };
}
