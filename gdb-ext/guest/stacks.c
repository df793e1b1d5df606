// SPDX-License-Identifier: GPL-3.0-or-later
//
// The start of a task's stack. The place where a task was switched out is stale while a CPU executes the
// task, and never used then.
//
// In:  the kernel's tasks, the CPUs' registers, and whether these are current.
// Out: stacks.
#include "stacks.h"
#include "base/cleanup.h"
#include "base/notices.h"
#include "crash-notes.h"
#include "linux/tasks/cpu-place.h"
#include "linux/tasks/run-queues.h"
#include "tasks.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- The CPUs' tasks ----

static bool is_in(gg_gva_t address, gg_gva_t start, uint64_t size)
{
	return start && address - start < size;
}

// Finds the task on whose stack a CPU is that switches tasks: the kernel has the next one in the run queue before the CPU leaves the
// stack (Linux kernel/sched/core.c, __schedule()), and x86's per-CPU variable has the one before a little longer. A program's stack
// pointer is whatever the program likes.
static void find_switching(const struct gg_guest_stacks *stacks, const struct gg_cpu_state *state,
			   struct gg_stacks_cpu *cpu)
{
	const uint64_t size = gg_unwinder_stack_size(stacks->unwinder);
	struct gg_cpu_summary summary;
	stacks->kernel->arch->cpu->summarize(&state->own, &summary);
	if (summary.no_sp || strcmp(summary.privilege, "user") == 0 ||
	    is_in(summary.sp, cpu->task->stack, size))
		return;
	for (size_t i = 0; i < stacks->tasks.count; i++) {
		const struct gg_task *task = &stacks->tasks.tasks[i];
		if (!is_in(summary.sp, task->stack, size) || task->on_cpu)
			continue;
		cpu->switched = cpu->task;
		cpu->task = task;
		return;
	}
}

// Finds the task of CPU. STATE is NULL for a CPU that does not execute the kernel.
static struct gg_error *find_task(struct gg_guest_stacks *stacks, const struct gg_cpu_state *state,
				  struct gg_stacks_cpu *cpu)
{
	const struct gg_answerers *kernel = stacks->kernel;
	struct gg_per_cpu per_cpu;
	gg_gva_t address = 0;
	struct gg_error *err =
		gg_tasks_place_cpu(kernel, state ? &state->own : NULL, cpu->cpu->index, &per_cpu);
	if (err)
		return err;
	cpu->has_offset = true;
	cpu->offset = per_cpu.offset;
	if (stacks->without_tasks)
		return gg_error_create(GG_NOT_FOUND, "the kernel's tasks are not known");
	err = gg_tasks_current(kernel, per_cpu.offset, &address);
	if (err)
		return err;
	cpu->task = gg_tasks_at(&stacks->tasks, address);
	if (!cpu->task)
		return gg_error_create(
			GG_NOT_FOUND,
			"its current task at 0x%" PRIx64 " is not in the list of tasks", address);
	if (state && !state->unknown[0])
		find_switching(stacks, state, cpu);
	return NULL;
}

// Tests whether the page tables of CPU, if it uses any, are not those of the shown kernel.
static bool is_other(struct gg_guest *guest, const struct gg_qemu_cpu *cpu)
{
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	const struct gg_machine_cpu *read;
	struct gg_error *err = gg_machine_cpu(&guest->machine, cpu, &read);
	const bool has_paging = !err && read->kernel_paging_count;
	gg_error_destroy(err);
	return has_paging && guest->kernel && !gg_kernel_runs_on(&site, guest->kernel, cpu);
}

static struct gg_error *add_cpu(struct gg_guest_stacks *stacks, const struct gg_qemu_cpu *cpu,
				struct gg_cpu_state *state)
{
	struct gg_stacks_cpu *added = &stacks->cpus[stacks->cpu_count++];
	*added = (struct gg_stacks_cpu){ .cpu = cpu, .is_other = is_other(stacks->guest, cpu) };
	struct gg_error *err =
		added->is_other ? NULL : gg_guest_cpu_state(stacks->guest, cpu, state);
	if (!err)
		err = find_task(stacks, added->is_other ? NULL : state, added);
	if (err && !gg_error_is_final(err)) {
		snprintf(added->why, sizeof(added->why), "%s", gg_error_message(err));
		gg_error_destroy(err);
		err = NULL;
	}
	return err;
}

// Removes the task of a CPU that does not execute the kernel, if the task is another CPU's: two kernels
// may number the CPUs differently.
static void drop_repeated(struct gg_guest_stacks *stacks)
{
	for (size_t i = 0; i < stacks->cpu_count; i++)
		for (size_t other = 0; other < stacks->cpu_count; other++) {
			struct gg_stacks_cpu *cpu = &stacks->cpus[i];
			if (other == i || !cpu->is_other || stacks->cpus[other].task != cpu->task)
				continue;
			cpu->task = NULL;
			cpu->has_offset = false;
		}
}

static struct gg_error *find_cpus(struct gg_guest_stacks *stacks)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_error *err = gg_guest_qemu_cpus(stacks->guest, &cpus);
	// A source without CPUs has tasks.
	if (err)
		return gg_error_unless_final(err);
	_cleanup_free_ struct gg_cpu_state *state = malloc(sizeof(*state));
	stacks->cpus = calloc(cpus->count + 1, sizeof(*stacks->cpus));
	if (!state || !stacks->cpus)
		return gg_enomem;
	for (size_t i = 0; !err && i < cpus->count; i++)
		err = add_cpu(stacks, &cpus->cpus[i], state);
	drop_repeated(stacks);
	return err;
}

// Reads the tasks. A kernel whose types are not known has none that could be read.
static struct gg_error *read_tasks(struct gg_guest_stacks *stacks, enum gg_wanted_stacks wanted,
				   const struct gg_notices *notices)
{
	struct gg_error *err = gg_tasks_read(stacks->kernel, notices, &stacks->tasks);
	if (wanted != GG_STACKS_OF_CPUS || !err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	struct gg_error *told = gg_tell(notices, "the CPUs' stacks are without their tasks: %s",
					gg_error_message(err));
	gg_error_destroy(err);
	stacks->without_tasks = true;
	return told;
}

struct gg_error *gg_guest_stacks_init(struct gg_guest *guest, enum gg_wanted_stacks wanted,
				      const struct gg_notices *notices, struct gg_guest_stacks *ret)
{
	*ret = (struct gg_guest_stacks){ .guest = guest };
	struct gg_error *err = gg_guest_answerers(guest, notices, &ret->kernel);
	if (!err)
		err = read_tasks(ret, wanted, notices);
	if (!err)
		err = gg_unwinder_create(ret->kernel, &ret->unwinder);
	if (!err)
		err = find_cpus(ret);
	return err;
}

void gg_guest_stacks_deinit(struct gg_guest_stacks *stacks)
{
	gg_tasks_deinit(&stacks->tasks);
	gg_unwinder_destroy(stacks->unwinder);
	free(stacks->cpus);
	*stacks = (struct gg_guest_stacks){ 0 };
}

// ---- Stacks ----

// Writes to WHY the reason for which a CPU's registers are not used; WHY is empty for usable registers.
static void check_registers(const struct gg_arch *arch, const struct gg_qemu_cpu *cpu,
			    const struct gg_cpu_state *state, char why[GG_STACK_WHY])
{
	const char *mode = gg_arch_firmware_mode(arch, &state->own);
	*why = 0;
	if (cpu->freshness == GG_STALE || cpu->freshness == GG_UNKNOWN)
		snprintf(why, GG_STACK_WHY, "CPU %" PRIu32 "'s registers are %s: %s", cpu->index,
			 gg_freshness_name(cpu->freshness), cpu->why);
	else if (state->unknown[0])
		snprintf(why, GG_STACK_WHY, "CPU %" PRIu32 "'s registers are not known: %s",
			 cpu->index, state->unknown);
	else if (mode)
		snprintf(why, GG_STACK_WHY, "CPU %" PRIu32 " is in %s", cpu->index, mode);
}

// Reads the registers of CPU to STATE. RET gets the reason if the registers cannot be used.
static struct gg_error *read_registers(struct gg_guest_stacks *stacks,
				       const struct gg_stacks_cpu *cpu, struct gg_cpu_state *state,
				       struct gg_guest_stack *ret)
{
	struct gg_error *err = NULL;
	if (cpu->is_other) {
		snprintf(ret->why, sizeof(ret->why), "CPU %" PRIu32 " does not execute this kernel",
			 cpu->cpu->index);
		return NULL;
	}
	err = gg_guest_cpu_state(stacks->guest, cpu->cpu, state);
	if (!err)
		check_registers(stacks->kernel->arch, cpu->cpu, state, ret->why);
	if (!err || gg_error_is_final(err))
		return err;
	snprintf(ret->why, sizeof(ret->why), "CPU %" PRIu32 "'s registers: %s", cpu->cpu->index,
		 gg_error_message(err));
	gg_error_destroy(err);
	return NULL;
}

// Reads the registers that the kernel saved when it crashed. *RET is false without such registers.
static struct gg_error *read_crash(struct gg_guest_stacks *stacks, const struct gg_stacks_cpu *cpu,
				   struct gg_cpu_state *state, bool *ret)
{
	*ret = false;
	if (!cpu->has_offset)
		return NULL;
	struct gg_error *err = gg_crash_registers(stacks->kernel, cpu->offset, &state->own);
	*ret = !err;
	return gg_error_unless_final(err);
}

static struct gg_error *walk_on_cpu(struct gg_guest_stacks *stacks, const struct gg_stacks_cpu *cpu,
				    struct gg_guest_stack *ret)
{
	_cleanup_free_ struct gg_cpu_state *state = malloc(sizeof(*state));
	bool has_crash = false;
	if (!state)
		return gg_enomem;
	ret->cpu = cpu->cpu;
	ret->start = GG_FROM_REGISTERS;
	struct gg_error *err = read_registers(stacks, cpu, state, ret);
	if (!err && ret->why[0])
		err = read_crash(stacks, cpu, state, &has_crash);
	if (err)
		return err;
	if (has_crash)
		ret->start = GG_FROM_CRASH;
	if (!ret->why[0] || has_crash)
		return gg_stack_of_registers(stacks->unwinder, &state->own, ret->task, &ret->stack);
	ret->start = GG_FROM_MEMORY;
	return ret->task ? gg_stack_of_memory(stacks->unwinder, ret->task, &ret->stack) : NULL;
}

// Tests whether a CPU is about to switch to TASK, or has just left it: its place in memory is not stale then.
static bool is_switched(const struct gg_guest_stacks *stacks, const struct gg_task *task)
{
	for (size_t i = 0; i < stacks->cpu_count; i++)
		if (stacks->cpus[i].switched == task)
			return true;
	return false;
}

struct gg_error *gg_guest_stack_of_task(struct gg_guest_stacks *stacks, const struct gg_task *task,
					struct gg_guest_stack *ret)
{
	*ret = (struct gg_guest_stack){ .task = task };
	for (size_t i = 0; i < stacks->cpu_count; i++)
		if (stacks->cpus[i].task == task)
			return walk_on_cpu(stacks, &stacks->cpus[i], ret);
	if (!task->on_cpu || is_switched(stacks, task))
		return gg_stack_of_sleeping(stacks->unwinder, task, &ret->stack);
	ret->start = GG_FROM_MEMORY;
	snprintf(ret->why, sizeof(ret->why),
		 "the registers of the kernel's CPU %" PRIu32
		 ", which executes the task, are not known",
		 task->cpu);
	return gg_stack_of_memory(stacks->unwinder, task, &ret->stack);
}

struct gg_error *gg_guest_stack_of_cpu(struct gg_guest_stacks *stacks,
				       const struct gg_stacks_cpu *cpu, struct gg_guest_stack *ret)
{
	*ret = (struct gg_guest_stack){ .task = cpu->task, .no_task = cpu->why };
	return walk_on_cpu(stacks, cpu, ret);
}
