// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk over the tasks (Linux include/linux/sched/signal.h: for_each_process(), for_each_thread(),
// v3.14 to v6.12): init_task, the leaders in its list, each leader's threads in the list of its
// signal_struct, and the idle tasks, which are in no list but in the CPUs' run queues.
//
// In:  the kernel's symbols, members and memory.
// Out: tasks.
// Trusts nothing it reads: a task that was met before ends its list, and the number of tasks is
// bounded.
#include "tasks.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/vector.h"
#include "linux/per-cpu.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_TASKS = 1 << 18,
	MAX_TASK_SIZE = 64 << 10, // of the part of a task_struct that is read
	PF_KTHREAD = 0x00200000,
};

struct layout {
	struct gg_member tasks, thread_node, pid, tgid, comm, flags, state, exit_state, on_cpu, cpu;
	struct gg_member mm, stack, real_parent, signal, last_arrival;
	struct gg_member thread_head, idle;
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
	GG_LAYOUT_ROW_OPTIONAL(struct layout, last_arrival, "task_struct",
			       "sched_info.last_arrival"),
	GG_LAYOUT_ROW(struct layout, thread_head, "signal_struct", "thread_head"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, idle, "rq", "idle"),
};

struct walk {
	const struct gg_answerers *kernel;
	const struct gg_notices *notices;
	struct layout layout;
	uint8_t *bytes; // of one task_struct
	size_t size;
	struct gg_tasks *tasks;
};

// ---- The table by address ----

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

static struct gg_error *add(struct gg_tasks *tasks, const struct gg_task *task)
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

// ---- One task ----

// The members of a task_struct are read in one piece.
static struct gg_error *prepare(struct walk *walk)
{
	const struct gg_member *members = (const struct gg_member *)&walk->layout;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const uint64_t end = members[i].offset + members[i].size;
		if (!strcmp(rows[i].type, "task_struct") && end > walk->size)
			walk->size = end;
	}
	if (walk->size > MAX_TASK_SIZE)
		return gg_error_create(GG_BAD_DATA, "a task_struct has %zu bytes", walk->size);
	walk->bytes = malloc(walk->size);
	return walk->bytes ? NULL : gg_enomem;
}

// The integer MEMBER; 0 for a member that the kernel lacks, or that is no integer.
static uint64_t value(const struct walk *walk, const struct gg_member *member)
{
	uint64_t result = 0;
	struct gg_cursor cursor =
		gg_cursor(walk->bytes, walk->size, walk->kernel->host.big_endian, "task_struct");
	if (member->size)
		gg_error_destroy(gg_cursor_member(&cursor, member, &result));
	return result;
}

static void copy_comm(const struct walk *walk, struct gg_task *ret)
{
	const struct gg_member *comm = &walk->layout.comm;
	char text[GG_TASK_COMM + 1] = "";
	memcpy(text, walk->bytes + comm->offset,
	       comm->size < GG_TASK_COMM ? comm->size : GG_TASK_COMM);
	char *escaped = gg_text_escape(text);
	if (escaped)
		strncpy(ret->comm, escaped, sizeof(ret->comm) - 1);
	free(escaped);
}

static struct gg_error *read_task(struct walk *walk, gg_gva_t address, struct gg_task *ret)
{
	const struct layout *layout = &walk->layout;
	struct gg_error *err = gg_host_read(&walk->kernel->typed, address, walk->bytes, walk->size);
	if (err)
		return gg_error_context(err, "the task at 0x%" PRIx64, address);
	*ret = (struct gg_task){
		.address = address,
		.pid = (int32_t)value(walk, &layout->pid),
		.tgid = (int32_t)value(walk, &layout->tgid),
		.state = gg_task_state_letter(value(walk, &layout->state),
					      value(walk, &layout->exit_state)),
		.cpu = (uint32_t)value(walk, &layout->cpu),
		.on_cpu = value(walk, &layout->on_cpu),
		.is_kernel = value(walk, &layout->flags) & PF_KTHREAD,
		.mm = value(walk, &layout->mm),
		.stack = value(walk, &layout->stack),
		.parent = value(walk, &layout->real_parent),
		.signal = value(walk, &layout->signal),
		.last_arrival = value(walk, &layout->last_arrival),
	};
	copy_comm(walk, ret);
	return NULL;
}

// ---- The lists ----

// Reads the list_head at OFFSET of the task that was read last: its next.
static uint64_t next_of(const struct walk *walk, const struct gg_member *list)
{
	const struct gg_member next = { list->offset, walk->kernel->host.address_size };
	return value(walk, &next);
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
	return err ? err : add(walk->tasks, &task);
}

// Finds the first node in the list of threads of LEADER, the last task that was read: its own node,
// unless another thread has taken over by execve().
static struct gg_error *first_thread(const struct walk *walk, gg_gva_t leader, gg_gva_t head,
				     gg_gva_t *ret)
{
	const struct gg_host *host = &walk->kernel->typed;
	const struct gg_member *list = &walk->layout.thread_node;
	const struct gg_member prev = { list->offset + host->address_size, host->address_size };
	*ret = leader + list->offset;
	return value(walk, &prev) == head ? NULL
					  : gg_host_read_uint(host, head, host->address_size, ret);
}

// Adds the threads of LEADER, the last task that was read.
static struct gg_error *add_threads(struct walk *walk, const struct gg_task *leader)
{
	const struct gg_member *list = &walk->layout.thread_node;
	const gg_gva_t head = leader->signal + walk->layout.thread_head.offset;
	gg_gva_t node;
	bool is_first = true;
	struct gg_error *err = first_thread(walk, leader->address, head, &node);
	while (!err && node != head) {
		struct gg_task task;
		bool met = false;
		if (node != leader->address + list->offset)
			err = add_at(walk, node - list->offset, &met);
		else if (!is_first)
			err = read_task(walk, leader->address, &task);
		if (!err && met)
			err = gg_error_create(GG_BAD_DATA, "the list of threads loops");
		node = next_of(walk, list);
		is_first = false;
	}
	return err ? gg_error_context(err, "the process %" PRId32, leader->tgid) : NULL;
}

// Adds the processes from init_task on, which is read already.
static struct gg_error *add_processes(struct walk *walk, gg_gva_t init_task)
{
	const struct gg_member *list = &walk->layout.tasks;
	gg_gva_t next = next_of(walk, list);
	while (next != init_task + list->offset) {
		bool met;
		struct gg_error *err = add_at(walk, next - list->offset, &met);
		if (!err && met)
			err = gg_error_create(GG_BAD_DATA, "the list of tasks loops");
		if (err)
			return err;
		next = next_of(walk, list);
		const struct gg_task leader = walk->tasks->tasks[walk->tasks->count - 1];
		err = add_threads(walk, &leader);
		if (err)
			return err;
	}
	return NULL;
}

// Adds the idle tasks of CPUs other than the first, whose is init_task.
static struct gg_error *add_idle(struct walk *walk)
{
	const struct gg_host *host = &walk->kernel->typed;
	_cleanup_free_ uint64_t *offsets = NULL;
	size_t count = 0;
	gg_gva_t queues, idle;
	if (!walk->layout.idle.size)
		return NULL;
	struct gg_error *err = gg_host_symbol(host, "runqueues", &queues);
	if (!err)
		err = gg_per_cpu_offsets(walk->kernel->symbols, &offsets, &count);
	for (size_t i = 0; !err && i < count; i++) {
		bool met;
		if (!offsets[i])
			continue;
		err = gg_host_read_member(host, queues + offsets[i], &walk->layout.idle, &idle);
		if (!err && idle)
			err = add_at(walk, idle, &met);
	}
	return err;
}

// ---- All ----

static void mark_idle(struct gg_tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++)
		tasks->tasks[i].is_idle = !tasks->tasks[i].pid;
}

static void find_parents(struct gg_tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++) {
		const struct gg_task *parent = gg_tasks_at(tasks, tasks->tasks[i].parent);
		tasks->tasks[i].ppid = parent ? parent->tgid : 0;
	}
}

static struct gg_error *read_all(struct walk *walk)
{
	gg_gva_t init_task;
	bool met;
	struct gg_error *err = gg_layout_resolve(&walk->kernel->typed, rows,
						 sizeof(rows) / sizeof(*rows), &walk->layout);
	if (!err)
		err = gg_host_symbol(&walk->kernel->typed, "init_task", &init_task);
	if (!err)
		err = prepare(walk);
	if (!err)
		err = add_idle(walk);
	if (!err)
		err = add_at(walk, init_task, &met);
	// The idle tasks may have had it.
	struct gg_task task;
	if (!err)
		err = read_task(walk, init_task, &task);
	if (err)
		return err;
	mark_idle(walk->tasks);
	err = add_processes(walk, init_task);
	if (err && !gg_error_is_final(err)) {
		struct gg_error *told = gg_tell(walk->notices,
						"the list of tasks is damaged, and there may be "
						"more: %s",
						gg_error_message(err));
		gg_error_destroy(err);
		err = told;
	}
	find_parents(walk->tasks);
	return err;
}

struct gg_error *gg_tasks_read(const struct gg_answerers *kernel, const struct gg_notices *notices,
			       struct gg_tasks *ret)
{
	struct walk walk = { .kernel = kernel, .notices = notices, .tasks = ret };
	*ret = (struct gg_tasks){ 0 };
	struct gg_error *err = read_all(&walk);
	free(walk.bytes);
	if (err)
		gg_tasks_deinit(ret);
	return err ? gg_error_context(err, "the kernel's tasks") : NULL;
}

struct gg_error *gg_tasks_current(const struct gg_answerers *kernel, uint64_t offset, gg_gva_t *ret)
{
	const struct gg_host *host = &kernel->typed;
	struct gg_member member = { 0, host->address_size };
	gg_gva_t symbol;
	// Linux commit e57ef2ed97c1 (v6.2) has it in pcpu_hot, v6.15 on its own again.
	struct gg_error *err = gg_host_symbol(host, "current_task", &symbol);
	if (err && !gg_error_is_final(err)) {
		gg_error_destroy(err);
		err = gg_host_symbol(host, "pcpu_hot", &symbol);
		if (!err)
			err = host->ops->member(host->data, "pcpu_hot", "current_task", &member);
	}
	return err ? err : gg_host_read_member(host, symbol + offset, &member, ret);
}
