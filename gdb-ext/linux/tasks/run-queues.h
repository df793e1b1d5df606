// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's CPUs as its scheduler has them: a run queue each.
#ifndef GG_RUN_QUEUES_H
#define GG_RUN_QUEUES_H

#include "base/notices.h"
#include "linux/answerers/answerers.h"

struct gg_run_queue {
	uint32_t cpu;     // the kernel's number
	uint64_t offset;  // of the CPU's per-CPU variables
	gg_gva_t idle;    // the task_struct of the idle task; 0 if not known
	gg_gva_t current; // the task_struct of the task on the CPU; 0 if not known
	uint64_t clock; // the scheduler's clock in ns when the queue was last used; 0 if not known
};

// The CPUs that are present, by their numbers.
struct gg_run_queues {
	struct gg_run_queue *queues;
	size_t count;
	uint64_t clock; // the latest of all
};

// Reads the run queues. NOTICES get a line for a CPU whose run queue cannot be read.
struct gg_error *gg_run_queues_read(const struct gg_answerers *kernel,
				    const struct gg_notices *notices, struct gg_run_queues *ret);

// QUEUES may be zeros.
void gg_run_queues_deinit(struct gg_run_queues *queues);

// Finds the variable with the current task of the CPU whose per-CPU variables are at OFFSET.
struct gg_error *gg_tasks_current_at(const struct gg_answerers *kernel, uint64_t offset,
				     gg_gva_t *ret);

// Reads the address of the current task of the CPU whose per-CPU variables are at OFFSET
// (linux/per-cpu.h).
struct gg_error *gg_tasks_current(const struct gg_answerers *kernel, uint64_t offset,
				  gg_gva_t *ret);

#endif
