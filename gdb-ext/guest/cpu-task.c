// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the CPUs' registers, the kernel's run queues.
// Out: a task.
// A register of the CPU leads to the per-CPU memory of the kernel's CPU. Without such a register the
// kernel's number for the CPU is taken to be QEMU's.
#include "cpu-task.h"
#include "linux/per-cpu.h"

#include <stdio.h>

void gg_cpu_tasks_deinit(struct gg_cpu_tasks *tasks)
{
	gg_run_queues_deinit(&tasks->queues);
	gg_kthread_reader_deinit(&tasks->names);
	*tasks = (struct gg_cpu_tasks){ 0 };
}

static struct gg_error *open_kernel(struct gg_cpu_tasks *tasks)
{
	const struct gg_kernel *kernel;
	if (tasks->kernel)
		return NULL;
	struct gg_error *err = gg_guest_kernel(tasks->guest, NULL, NULL, &kernel);
	if (err)
		return err;
	tasks->kernel = &kernel->answerers;
	err = gg_run_queues_read(tasks->kernel, NULL, &tasks->queues);
	return err ? err : gg_kthread_reader_init(&tasks->names, tasks->kernel);
}

// Finds the run queue of the CPU, NULL where there is none. A kernel of one CPU has no array of
// offsets.
static struct gg_error *find_queue(const struct gg_cpu_tasks *tasks, uint32_t index,
				   const struct gg_run_queue **ret, bool *confirmed)
{
	const struct gg_run_queues *queues = &tasks->queues;
	struct gg_per_cpu per_cpu;
	*ret = NULL;
	*confirmed = false;
	struct gg_error *err = gg_guest_per_cpu(tasks->guest, index, &per_cpu);
	if (err && queues->count == 1 && !queues->queues[0].offset && !index)
		*ret = queues->queues;
	if (err)
		return gg_error_unless_final(err);
	*confirmed = per_cpu.is_confirmed;
	for (size_t i = 0; i < queues->count; i++)
		if (queues->queues[i].offset == per_cpu.offset)
			*ret = &queues->queues[i];
	return NULL;
}

static struct gg_error *read_task(struct gg_cpu_tasks *tasks, const struct gg_run_queue *queue,
				  struct gg_cpu_task *ret)
{
	struct gg_task task;
	struct gg_error *err = gg_tasks_read_one(tasks->kernel, queue->current, &task);
	if (err)
		return err;
	*ret = (struct gg_cpu_task){
		.pid = task.pid,
		.tgid = task.tgid,
		.address = task.address,
		.has_since = tasks->queues.clock && task.last_arrival,
	};
	if (ret->has_since && tasks->queues.clock > task.last_arrival)
		ret->since = tasks->queues.clock - task.last_arrival;
	_Static_assert(sizeof(ret->comm) == GG_KTHREAD_NAME, "a name has room");
	return gg_error_unless_final(gg_kthread_name(&tasks->names, &task, ret->comm));
}

static struct gg_error *find(struct gg_cpu_tasks *tasks, uint32_t index, struct gg_cpu_task *ret,
			     bool *found)
{
	const struct gg_run_queue *queue = NULL;
	bool confirmed = false;
	struct gg_error *err = open_kernel(tasks);
	if (err) {
		tasks->failed = true;
		return err;
	}
	err = find_queue(tasks, index, &queue, &confirmed);
	if (err || !queue || !queue->current)
		return err;
	err = read_task(tasks, queue, ret);
	*found = !err;
	ret->confirmed = confirmed;
	return err;
}

struct gg_error *gg_cpu_tasks_find(struct gg_cpu_tasks *tasks, uint32_t index,
				   struct gg_cpu_task *ret, bool *found)
{
	*found = false;
	if (tasks->failed || !gg_guest_shows_kernel_of(tasks->guest, index))
		return NULL;
	struct gg_error *err = find(tasks, index, ret, found);
	gg_debug(tasks->guest->machine.source->debug, "the task on CPU %u: %s", index,
		 gg_debug_outcome(err));
	return gg_error_unless_final(err);
}

struct gg_error *gg_cpu_tasks_stack(struct gg_cpu_tasks *tasks, uint32_t index, gg_gva_t *ret)
{
	struct gg_cpu_task found;
	struct gg_task task = { 0 };
	bool is_found;
	struct gg_error *err = gg_cpu_tasks_find(tasks, index, &found, &is_found);
	if (!err && is_found)
		err = gg_tasks_read_one(tasks->kernel, found.address, &task);
	*ret = err ? 0 : task.stack;
	return gg_error_unless_final(err);
}
