// SPDX-License-Identifier: GPL-3.0-or-later
//
// The stacks of a guest's tasks and CPUs.
#ifndef GG_GUEST_STACKS_H
#define GG_GUEST_STACKS_H

#include "guest.h"
#include "linux/stack/stack.h"

#include <gdb-guest/stacks.h>

// The place from which a stack is walked.
enum gg_stack_start {
	GG_FROM_SLEEP,     // where the task was switched out
	GG_FROM_REGISTERS, // the registers of the CPU that the task is on
	GG_FROM_CRASH,     // the registers that the kernel saved when it crashed
	GG_FROM_MEMORY,    // a search through the stack: the CPU's registers are not known
};

struct gg_guest_stack {
	const struct gg_task *task;    // NULL: the current task of CPU is not known
	const struct gg_qemu_cpu *cpu; // that TASK is on; NULL for a task on no CPU
	const char *no_task;           // the reason for which TASK is NULL; "" else
	enum gg_stack_start start;
	char why[GG_STACK_WHY]; // the reason for which the CPU's registers are not used; else ""
	struct gg_stack stack;
};

// A CPU of QEMU's and its current task.
struct gg_stacks_cpu {
	const struct gg_qemu_cpu *cpu;
	const struct gg_task *task;     // NULL: not known
	const struct gg_task *switched; // the other task where it switches tasks, or NULL
	char why[GG_STACK_WHY];         // no task is known; else ""
	bool is_other;                  // it does not execute the kernel, and has other registers
	bool has_offset;
	uint64_t offset; // of its per-CPU variables
};

// The data that all stacks of one guest need, read once.
struct gg_guest_stacks {
	struct gg_guest *guest;
	const struct gg_answerers *kernel;
	struct gg_tasks tasks;
	struct gg_unwinder *unwinder;
	struct gg_stacks_cpu *cpus; // in QEMU's order
	size_t cpu_count;
	bool without_tasks; // TASKS are not known, and no CPU's task is
};

// The stacks that are asked for.
enum gg_wanted_stacks {
	GG_STACKS_OF_TASKS,
	GG_STACKS_OF_CPUS, // a notice says so if the kernel's tasks are not known
};

// Reads the tasks of GUEST's kernel and the CPUs that they are on. The caller calls
// gg_guest_stacks_deinit(), also after an error.
struct gg_error *gg_guest_stacks_init(struct gg_guest *guest, enum gg_wanted_stacks wanted,
				      const struct gg_notices *notices,
				      struct gg_guest_stacks *ret);

// STACKS may be zeros.
void gg_guest_stacks_deinit(struct gg_guest_stacks *stacks);

// Walks the stack of TASK, one of STACKS' tasks. The caller calls gg_stack_deinit() on the stack,
// also after an error.
struct gg_error *gg_guest_stack_of_task(struct gg_guest_stacks *stacks, const struct gg_task *task,
					struct gg_guest_stack *ret);

// Walks the stack of CPU, one of STACKS' CPUs.
struct gg_error *gg_guest_stack_of_cpu(struct gg_guest_stacks *stacks,
				       const struct gg_stacks_cpu *cpu, struct gg_guest_stack *ret);

#endif
