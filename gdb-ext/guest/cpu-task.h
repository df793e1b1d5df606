// SPDX-License-Identifier: GPL-3.0-or-later
//
// The task on each CPU.
#ifndef GG_CPU_TASK_H
#define GG_CPU_TASK_H

#include "guest.h"
#include "linux/tasks/kthread.h"

#include <gdb-guest/cpus.h>

// A finder for several CPUs, which reads nothing before the first question.
struct gg_cpu_tasks {
	struct gg_guest *guest;
	const struct gg_answerers *kernel; // NULL before the first question
	struct gg_run_queues queues;
	struct gg_kthread_reader names;
	bool failed; // no task can be known
};

// TASKS may be zeros.
void gg_cpu_tasks_deinit(struct gg_cpu_tasks *tasks);

// Finds the current task of the CPU with QEMU's number INDEX. *FOUND is false where the task is not
// known: there is no Linux, or its types are not known, or the CPU executes another kernel.
struct gg_error *gg_cpu_tasks_find(struct gg_cpu_tasks *tasks, uint32_t index,
				   struct gg_cpu_task *ret, bool *found);

// Finds the lowest address of the stack of the same task; 0 where the task is not known.
struct gg_error *gg_cpu_tasks_stack(struct gg_cpu_tasks *tasks, uint32_t index, gg_gva_t *ret);

#endif
