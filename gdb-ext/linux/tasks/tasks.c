// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk over the tasks (Linux include/linux/sched/signal.h: for_each_process(), for_each_thread(),
// v3.14 to v7.2): init_task, the leaders in its list, each leader's threads in the list of its
// signal_struct, and the idle tasks, which are in no list but in the CPUs' run queues.
//
// In:  the kernel's symbols, members and memory.
// Out: tasks.
// Trusts nothing it reads: a task that was met before ends its list, and the number of tasks is
// bounded. A list that is broken is read from its other end too.
#include "tasks.h"
#include "base/text.h"
#include "host/record.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_TASKS = 1 << 18,
	MAX_PID = 1 << 22, // PID_MAX_LIMIT
	PF_WQ_WORKER = 0x00000020,
	PF_KTHREAD = 0x00200000,
};

struct layout {
	struct gg_member tasks, thread_node, pid, tgid, comm, flags, state, exit_state, on_cpu, cpu;
	struct gg_member mm, stack, real_parent, signal, fs, kthread, last_arrival, runtime, start;
	struct gg_member thread_head, dead_runtime;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, tasks, "task_struct", "tasks"),
	GG_LAYOUT_ROW(struct layout, thread_node, "task_struct", "thread_node"),
	GG_LAYOUT_ROW(struct layout, pid, "task_struct", "pid"),
	GG_LAYOUT_ROW(struct layout, tgid, "task_struct", "tgid"),
	GG_LAYOUT_ROW(struct layout, comm, "task_struct", "comm"),
	GG_LAYOUT_ROW(struct layout, flags, "task_struct", "flags"),
	// "state" became "__state" in Linux commit 2f064a59a11f (v5.14).
	GG_LAYOUT_ROW(struct layout, state, "task_struct", "__state", "state"),
	GG_LAYOUT_ROW(struct layout, exit_state, "task_struct", "exit_state"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, on_cpu, "task_struct", "on_cpu"),
	// "cpu" moved into thread_info in Linux commit bcf9033e5449 (v5.16).
	GG_LAYOUT_ROW_OPTIONAL(struct layout, cpu, "task_struct", "thread_info.cpu", "cpu"),
	GG_LAYOUT_ROW(struct layout, mm, "task_struct", "mm"),
	GG_LAYOUT_ROW(struct layout, stack, "task_struct", "stack"),
	GG_LAYOUT_ROW(struct layout, real_parent, "task_struct", "real_parent"),
	GG_LAYOUT_ROW(struct layout, signal, "task_struct", "signal"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, fs, "task_struct", "fs"),
	// The pointer to struct kthread moved in Linux commit e32cf5dfbe22 (v5.17).
	GG_LAYOUT_ROW_OPTIONAL(struct layout, kthread, "task_struct", "worker_private",
			       "set_child_tid"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, last_arrival, "task_struct",
			       "sched_info.last_arrival"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, runtime, "task_struct", "se.sum_exec_runtime"),
	// "real_start_time" became "start_boottime" in Linux commit cf25e24db61c (v5.5).
	GG_LAYOUT_ROW_OPTIONAL(struct layout, start, "task_struct", "start_boottime",
			       "real_start_time"),
	GG_LAYOUT_ROW(struct layout, thread_head, "signal_struct", "thread_head"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, dead_runtime, "signal_struct", "sum_sched_runtime"),
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

// The pointers of a list_head.
enum direction { NEXT, PREVIOUS };

struct walk {
	const struct gg_answerers *kernel;
	const struct gg_notices *notices;
	struct layout layout;
	struct gg_record task; // the task that was read last
	struct gg_record signal;
	struct gg_tasks *tasks;
};

// ---- One task ----

static struct gg_error *prepare(struct walk *walk)
{
	const struct gg_host *host = &walk->kernel->typed;
	struct gg_error *err = gg_layout_resolve(host, rows, ROWS, &walk->layout);
	if (!err)
		err = gg_record_init(&walk->task, host, "task_struct", rows, ROWS, &walk->layout);
	if (!err)
		err = gg_record_init(&walk->signal, host, "signal_struct", rows, ROWS,
				     &walk->layout);
	return err;
}

static void deinit(struct walk *walk)
{
	gg_record_deinit(&walk->task);
	gg_record_deinit(&walk->signal);
}

// Copies the name, and escapes it. Returns whether it ends as a name does.
static bool copy_comm(const struct walk *walk, struct gg_task *ret)
{
	const bool ends =
		gg_record_text(&walk->task, &walk->layout.comm, ret->name, sizeof(ret->name));
	char *escaped = gg_text_escape(ret->name);
	if (escaped)
		strncpy(ret->comm, escaped, sizeof(ret->comm) - 1);
	free(escaped);
	return ends;
}

static void decode(const struct walk *walk, gg_gva_t address, struct gg_task *ret)
{
	const struct layout *layout = &walk->layout;
	const struct gg_record *task = &walk->task;
	const uint64_t flags = gg_record_value(task, &layout->flags);
	*ret = (struct gg_task){
		.address = address,
		.pid = (int32_t)gg_record_value(task, &layout->pid),
		.tgid = (int32_t)gg_record_value(task, &layout->tgid),
		.state = gg_task_state_letter(gg_record_value(task, &layout->state),
					      gg_record_value(task, &layout->exit_state)),
		.cpu = (uint32_t)gg_record_value(task, &layout->cpu),
		.on_cpu = gg_record_value(task, &layout->on_cpu),
		.is_kernel = flags & PF_KTHREAD,
		.is_worker = flags & PF_WQ_WORKER,
		.mm = gg_record_value(task, &layout->mm),
		.stack = gg_record_value(task, &layout->stack),
		.parent = gg_record_value(task, &layout->real_parent),
		.signal = gg_record_value(task, &layout->signal),
		.fs = gg_record_value(task, &layout->fs),
		.last_arrival = gg_record_value(task, &layout->last_arrival),
		.runtime = gg_record_value(task, &layout->runtime),
		.start = gg_record_value(task, &layout->start),
	};
	ret->is_idle = !ret->pid;
	if (ret->is_kernel)
		ret->kthread = gg_record_value(task, &layout->kthread);
}

// Reads the task at ADDRESS. GG_BAD_DATA where no task can be.
static struct gg_error *read_task(struct walk *walk, gg_gva_t address, struct gg_task *ret)
{
	struct gg_error *err = gg_record_read(&walk->task, address);
	if (err)
		return err;
	decode(walk, address, ret);
	const bool has_name = copy_comm(walk, ret);
	if (!has_name || ret->pid < 0 || ret->pid > MAX_PID || ret->tgid < 0 || ret->tgid > MAX_PID)
		return gg_error_create(GG_BAD_DATA,
				       "no task is at 0x%" PRIx64 ": its PID would be %" PRId32
				       " and its name \"%s\"",
				       address, ret->pid, ret->comm);
	return NULL;
}

struct gg_error *gg_tasks_read_one(const struct gg_answerers *kernel, gg_gva_t address,
				   struct gg_task *ret)
{
	struct walk walk = { .kernel = kernel };
	struct gg_error *err = prepare(&walk);
	if (!err)
		err = read_task(&walk, address, ret);
	deinit(&walk);
	return err;
}

// Adds the task at ADDRESS. *MET: it was there before.
static struct gg_error *add_at(struct walk *walk, gg_gva_t address, bool *met)
{
	struct gg_task task;
	struct gg_error *err = gg_interrupt_check();
	*met = !err && gg_tasks_at(walk->tasks, address);
	if (err || *met)
		return err;
	if (walk->tasks->count == MAX_TASKS)
		return gg_error_create(GG_BAD_DATA, "there are more than %d tasks", MAX_TASKS);
	err = read_task(walk, address, &task);
	return err ? err : gg_tasks_add(walk->tasks, &task);
}

// ---- The lists ----

// Reports that the list of WHOSE is broken, and the tasks that were FOUND from its other end. ERR is
// consumed; a final one is returned.
static struct gg_error *report(const struct walk *walk, const char *whose, size_t found,
			       struct gg_error *err)
{
	if (!err || gg_error_is_final(err))
		return err;
	struct gg_error *told =
		found ? gg_tell(walk->notices,
				"the list of %s is damaged, and there may be more; %zu were found "
				"from its other end: %s",
				whose, found, gg_error_message(err))
		      : gg_tell(walk->notices,
				"the list of %s is damaged, and there may be more: %s", whose,
				gg_error_message(err));
	gg_error_destroy(err);
	return told;
}

// Reports that the run queues are not known; ERR is consumed.
static struct gg_error *report_queues(const struct walk *walk, struct gg_error *err)
{
	if (gg_error_is_final(err))
		return err;
	struct gg_error *told = gg_tell(
		walk->notices,
		"the tasks on CPUs, idle tasks, and times since tasks ran last are not known: "
		"%s",
		gg_error_message(err));
	gg_error_destroy(err);
	return told;
}

// Adds the threads from NODE on. A leader's own node is not read again; the first task that was met
// before ends the way back.
static struct gg_error *follow_threads(struct walk *walk, const struct gg_task *leader,
				       gg_gva_t node, enum direction direction)
{
	const struct gg_member *list = &walk->layout.thread_node;
	const gg_gva_t head = leader->signal + walk->layout.thread_head.offset;
	bool passed_leader = false;
	while (node != head) {
		bool met = false;
		struct gg_error *err;
		if (node == leader->address + list->offset && !passed_leader) {
			struct gg_task task;
			passed_leader = true;
			err = read_task(walk, leader->address, &task);
		} else {
			err = add_at(walk, node - list->offset, &met);
		}
		if (!err && met && direction == NEXT)
			err = gg_error_create(GG_BAD_DATA, "it loops at 0x%" PRIx64, node);
		if (err || met)
			return err;
		node = gg_record_pointer(&walk->task, list, direction);
	}
	return NULL;
}

// Adds the threads of LEADER, the last task that was read. The list mostly has the leader alone.
static struct gg_error *add_threads(struct walk *walk, const struct gg_task *leader)
{
	const struct gg_member *list = &walk->layout.thread_node, *ends = &walk->layout.thread_head;
	char whose[64];
	snprintf(whose, sizeof(whose), "the threads of the process %" PRId32, leader->tgid);
	struct gg_error *err = gg_record_read(&walk->signal, leader->signal);
	if (err)
		return report(walk, whose, 0, err);
	const gg_gva_t next = gg_record_pointer(&walk->signal, ends, NEXT);
	const gg_gva_t previous = gg_record_pointer(&walk->signal, ends, PREVIOUS);
	walk->tasks->tasks[walk->tasks->count - 1].dead_runtime =
		gg_record_value(&walk->signal, &walk->layout.dead_runtime);
	if (next == leader->address + list->offset && next == previous)
		return NULL;
	err = follow_threads(walk, leader, next, NEXT);
	if (!err || gg_error_is_final(err))
		return err;
	const size_t count = walk->tasks->count;
	struct gg_error *back = follow_threads(walk, leader, previous, PREVIOUS);
	if (back && gg_error_is_final(back)) {
		gg_error_destroy(err);
		return back;
	}
	gg_error_destroy(back);
	return report(walk, whose, walk->tasks->count - count, err);
}

// Adds the processes from NODE on, up to HEAD, which is init_task's.
static struct gg_error *follow_processes(struct walk *walk, gg_gva_t head, gg_gva_t node,
					 enum direction direction)
{
	const struct gg_member *list = &walk->layout.tasks;
	while (node != head) {
		bool met;
		struct gg_error *err = add_at(walk, node - list->offset, &met);
		if (!err && met && direction == NEXT)
			err = gg_error_create(GG_BAD_DATA, "it loops at 0x%" PRIx64, node);
		if (err || met)
			return err;
		node = gg_record_pointer(&walk->task, list, direction);
		const struct gg_task leader = walk->tasks->tasks[walk->tasks->count - 1];
		err = add_threads(walk, &leader);
		if (err)
			return err;
	}
	return NULL;
}

// Adds the processes that init_task, the last task that was read, leads to.
static struct gg_error *add_processes(struct walk *walk, gg_gva_t init_task)
{
	const struct gg_member *list = &walk->layout.tasks;
	const gg_gva_t head = init_task + list->offset;
	const gg_gva_t next = gg_record_pointer(&walk->task, list, NEXT);
	const gg_gva_t previous = gg_record_pointer(&walk->task, list, PREVIOUS);
	struct gg_error *err = follow_processes(walk, head, next, NEXT);
	if (!err || gg_error_is_final(err))
		return err;
	const size_t count = walk->tasks->count;
	struct gg_error *back = follow_processes(walk, head, previous, PREVIOUS);
	if (back && gg_error_is_final(back)) {
		gg_error_destroy(err);
		return back;
	}
	gg_error_destroy(back);
	return report(walk, "the tasks", walk->tasks->count - count, err);
}

// ---- The CPUs ----

// Adds the idle tasks of the CPUs.
static struct gg_error *add_idle(struct walk *walk, const struct gg_run_queues *queues)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < queues->count; i++) {
		bool met;
		if (queues->queues[i].idle)
			err = add_at(walk, queues->queues[i].idle, &met);
		if (err)
			err = report(walk, "the idle tasks", 0, err);
	}
	return err;
}

// A task is on a CPU whose current task it is. on_cpu is set as well in a task that a CPU is just
// leaving, and in the idle task of a CPU that was never there.
static void mark_current(struct gg_tasks *tasks, const struct gg_run_queues *queues)
{
	for (size_t i = 0; i < tasks->count; i++)
		tasks->tasks[i].on_cpu = false;
	for (size_t i = 0; i < queues->count; i++) {
		struct gg_task *task = (void *)gg_tasks_at(tasks, queues->queues[i].current);
		if (task) {
			task->on_cpu = true;
			task->cpu = queues->queues[i].cpu;
		}
	}
	tasks->clock = queues->clock;
}

static void find_parents(struct gg_tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++) {
		const struct gg_task *parent = gg_tasks_at(tasks, tasks->tasks[i].parent);
		tasks->tasks[i].ppid = parent ? parent->tgid : 0;
	}
}

// ---- All ----

static struct gg_error *read_lists(struct walk *walk, const struct gg_run_queues *queues)
{
	gg_gva_t init_task;
	struct gg_task task;
	bool met;
	struct gg_error *err = gg_host_symbol(&walk->kernel->typed, "init_task", &init_task);
	if (!err)
		err = add_idle(walk, queues);
	if (!err)
		err = add_at(walk, init_task, &met);
	// The run queues have it too.
	if (!err)
		err = read_task(walk, init_task, &task);
	return err ? err : add_processes(walk, init_task);
}

static struct gg_error *read_all(struct walk *walk)
{
	struct gg_run_queues queues = { 0 };
	struct gg_error *err = prepare(walk);
	if (!err) {
		err = gg_run_queues_read(walk->kernel, walk->notices, &queues);
		if (err)
			err = report_queues(walk, err);
	}
	if (!err)
		err = read_lists(walk, &queues);
	if (!err && queues.count)
		mark_current(walk->tasks, &queues);
	find_parents(walk->tasks);
	walk->tasks->has_runtime = walk->layout.runtime.size;
	gg_run_queues_deinit(&queues);
	return err;
}

struct gg_error *gg_tasks_read(const struct gg_answerers *kernel, const struct gg_notices *notices,
			       struct gg_tasks *ret)
{
	struct walk walk = { .kernel = kernel, .notices = notices, .tasks = ret };
	*ret = (struct gg_tasks){ 0 };
	struct gg_error *err = read_all(&walk);
	deinit(&walk);
	if (err)
		gg_tasks_deinit(ret);
	return err ? gg_error_context(err, "the kernel's tasks") : NULL;
}
