// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_TASKS_H
#define GG_GUEST_TASKS_H

#include "guest.h"
#include "linux/tasks/args.h"
#include "linux/tasks/kthread.h"
#include "linux/tasks/path.h"
#include "linux/tasks/tasks.h"

#include <gdb-guest/tasks.h>

// Finds GUEST's kernel for readers of its structures. RET is valid as long as GUEST's kernel is.
struct gg_error *gg_guest_answerers(struct gg_guest *guest, const struct gg_notices *notices,
				    const struct gg_answerers **ret);

// Reads the tasks of GUEST's kernel; the caller calls gg_tasks_deinit().
struct gg_error *gg_guest_tasks(struct gg_guest *guest, const struct gg_notices *notices,
				struct gg_tasks *ret);

// The tasks that a user wants to see.
struct gg_task_query {
	const char *states;  // letters; NULL for all states
	const int32_t *pids; // of processes or threads
	size_t pid_count;    // 0 for all
	bool kernel_only, user_only;
	bool threads; // the threads of the processes too
	enum gg_task_order { GG_BY_PID, GG_BY_MEMORY, GG_BY_PARENT } order;
};

struct gg_task_row {
	const struct gg_task *task;
	struct gg_mm mm;
	bool has_mm; // MM is known
	// On CPUs so far, in ns: of a process with all its threads where threads are no rows of their
	// own.
	uint64_t time;
	bool has_time;
	uint64_t since; // the task was last put on a CPU, in ns
	bool has_since;
	char name[GG_KTHREAD_NAME]; // any bytes at all
	// By GG_BY_PARENT: the number of ancestors that are rows, the nearest GG_TREE_DEPTH of all; bit
	// N: the ancestor N levels below the root, or at DEPTH the row itself, has a sibling further
	// down.
	unsigned int depth;
	uint64_t siblings;
};

enum { GG_TREE_DEPTH = 63 };

// The parts of a task that take further reads.
struct gg_task_details {
	struct gg_task_args args;
	bool has_args;   // ARGS are known, even if part of them is missing
	char *exe, *cwd; // owned; any bytes at all; NULL where not known
};

struct gg_task_list {
	struct gg_tasks tasks;
	struct gg_task_row *rows; // by process, the leader first
	size_t count;
	uint64_t ram; // see struct gg_mm_reader
	const struct gg_answerers *kernel;
	struct gg_path_reader paths;
};

// Reads the tasks of GUEST's kernel that meet QUERY. NOTICES get lines for unreadable parts.
// GG_NOT_FOUND for a PID that no task has.
struct gg_error *gg_guest_task_list(struct gg_guest *guest, const struct gg_task_query *query,
				    const struct gg_notices *notices, struct gg_task_list *ret);

// Reads the details of ROW, of LIST; an unreadable detail is not known. The caller calls
// gg_task_details_deinit().
struct gg_error *gg_task_details_read(struct gg_task_list *list, const struct gg_task_row *row,
				      struct gg_task_details *ret);

// DETAILS may be zeros.
void gg_task_details_deinit(struct gg_task_details *details);

// Sorts the rows of LIST (task-order.c).
struct gg_error *gg_task_list_sort(struct gg_task_list *list, enum gg_task_order order);

// LIST may be zeros.
void gg_task_list_deinit(struct gg_task_list *list);

#endif
