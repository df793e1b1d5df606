// SPDX-License-Identifier: GPL-3.0-or-later
//
// The verdict on a guest's kernel: its log and its own variables, side by side.
//
// In:  a guest and its kernel.
// Out: the troubles that happened, and the state now.
// Never: a trouble that a variable of the kernel's denies, whatever the log says.
#include "verdict.h"
#include "base/cleanup.h"
#include "blocked.h"
#include "linux/log/trouble.h"
#include "linux/per-cpu.h"
#include "linux/tasks/run-queues.h"
#include "linux/vitals.h"
#include "linux/wall-clock.h"
#include "tasks.h"

#include <string.h>

// ---- The log ----

static struct gg_error *read_log(const struct gg_kernel *kernel, struct gg_verdict *ret)
{
	struct gg_log_troubles troubles;
	struct gg_error *err = gg_log_troubles_read(gg_kernel_host(kernel), &troubles);
	if (err)
		return gg_error_unless_final(err);
	ret->has_log = true;
	ret->has_whole_log = troubles.is_whole;
	if (troubles.has_time && troubles.time <= INT64_MAX)
		ret->now = (struct gg_known){ .is_known = true, .value = (int64_t)troubles.time };
	memcpy(ret->troubles, troubles.kinds, sizeof(ret->troubles));
	return NULL;
}

// ---- The kernel's variables ----

static struct gg_error *read_clock(const struct gg_kernel *kernel, struct gg_verdict *ret)
{
	struct gg_wall_clock clock;
	struct gg_error *err = gg_wall_clock_read(kernel->answerers.symbols, &clock);
	if (!err && clock.has_seconds) {
		ret->clock = (struct gg_known){ .is_known = true, .value = (int64_t)clock.seconds };
		ret->uptime = (struct gg_known){ .is_known = true, .value = (int64_t)clock.uptime };
	}
	return gg_error_unless_final(err);
}

static void count_state(struct gg_verdict *verdict, char letter)
{
	size_t i = 0;
	while (i < verdict->state_count && verdict->states[i].letter != letter)
		i++;
	if (i == GG_STATES_MAX)
		return;
	if (i == verdict->state_count)
		verdict->states[verdict->state_count++].letter = letter;
	verdict->states[i].count++;
}

static bool has_state(const struct gg_verdict *verdict, char letter)
{
	for (size_t i = 0; i < verdict->state_count; i++)
		if (verdict->states[i].letter == letter)
			return true;
	return false;
}

// Orders the states: those that run or want to, those that wait for something, the others.
static int compare_states(const void *a, const void *b)
{
	static const char order[] = "RDZtTSPIX";
	const struct gg_state_count *one = a, *other = b;
	const char *first = strchr(order, one->letter), *second = strchr(order, other->letter);
	if (first && second)
		return first < second ? -1 : first > second;
	return first ? -1 : second ? 1 : one->letter - other->letter;
}

// Finds the task that panicked, the current task of its CPU.
static void find_panicked(const struct gg_kernel *kernel, const struct gg_tasks *tasks,
			  struct gg_verdict *ret)
{
	_cleanup_free_ uint64_t *offsets = NULL;
	size_t count = 0;
	gg_gva_t current;
	const struct gg_task *task = NULL;
	if (!ret->panic_cpu.is_known || ret->panic_cpu.value < 0)
		return;
	const size_t cpu = (size_t)ret->panic_cpu.value;
	struct gg_error *err = gg_per_cpu_offsets(kernel->answerers.symbols, &offsets, &count);
	if (!err && cpu < count)
		err = gg_tasks_current(&kernel->answerers, offsets[cpu], &current);
	if (!err && cpu < count)
		task = gg_tasks_at(tasks, current);
	gg_error_destroy(err);
	if (task) {
		ret->panic_comm = strdup(task->comm);
		ret->panic_pid = task->pid;
	}
}

static struct gg_error *read_tasks(struct gg_guest *guest, const struct gg_kernel *kernel,
				   struct gg_verdict *ret)
{
	struct gg_tasks tasks;
	struct gg_error *err = gg_guest_tasks(guest, NULL, &tasks);
	if (err)
		return gg_error_unless_final(err);
	ret->has_tasks = true;
	for (size_t i = 0; i < tasks.count; i++) {
		if (tasks.tasks[i].is_idle)
			continue;
		ret->task_count++;
		count_state(ret, tasks.tasks[i].state);
	}
	qsort(ret->states, ret->state_count, sizeof(*ret->states), compare_states);
	find_panicked(kernel, &tasks, ret);
	gg_tasks_deinit(&tasks);
	return NULL;
}

// ---- The verdict ----

void gg_verdict_judge(struct gg_verdict *verdict)
{
	enum { SOFT_LOCKUP_BIT = 14 }; // TAINT_SOFTLOCKUP
	struct gg_trouble *troubles = verdict->troubles;
	for (size_t i = 0; i < GG_TROUBLES; i++)
		troubles[i].happened = troubles[i].count.is_known ? troubles[i].count.value > 0
								  : troubles[i].lines > 0;
	// A user may set this count back.
	troubles[GG_HUNG_TASK].happened |= troubles[GG_HUNG_TASK].lines > 0;
	troubles[GG_PANIC].happened = verdict->has_crashed ||
				      (verdict->panic_cpu.is_known ? verdict->panic_cpu.value >= 0
								   : troubles[GG_PANIC].lines > 0);
	if (verdict->taint.is_known && verdict->taint.value >> SOFT_LOCKUP_BIT & 1)
		troubles[GG_SOFT_LOCKUP].happened = true;
}

static void note_crash(const struct gg_guest *guest, const struct gg_kernel *kernel,
		       struct gg_verdict *ret)
{
	_cleanup_free_ char *time = gg_vmcoreinfo_value(&kernel->info, "CRASHTIME");
	ret->has_crashed = kernel->has_crashed;
	ret->crash_time = time ? strtoull(time, NULL, 10) : 0;
	for (size_t i = 0; i < guest->others.count; i++)
		if (kernel->running && guest->others.kernels[i]->has_crashed)
			ret->saves_crashed = true;
}

// The CPUs of a kernel that has crashed or was halted are meant to be silent.
static bool is_meant_to_be_silent(const struct gg_verdict *verdict)
{
	return verdict->has_crashed ||
	       (verdict->panic_cpu.is_known && verdict->panic_cpu.value >= 0) ||
	       (verdict->phase && strcmp(verdict->phase, "running"));
}

static struct gg_error *read_variables(struct gg_guest *guest, const struct gg_kernel *kernel,
				       struct gg_verdict *ret)
{
	struct gg_error *err = gg_vitals_read(&kernel->answerers, ret);
	if (!err)
		err = read_clock(kernel, ret);
	if (!err && !is_meant_to_be_silent(ret))
		err = gg_silence_read(&kernel->answerers, ret);
	if (!err)
		err = read_tasks(guest, kernel, ret);
	if (err || !ret->has_tasks || is_meant_to_be_silent(ret))
		return err;
	ret->has_blocked = !has_state(ret, 'D');
	return ret->has_blocked ? NULL : gg_guest_judge_blocked(guest, ret);
}

struct gg_error *gg_guest_verdict(struct gg_guest *guest, const struct gg_kernel *kernel,
				  bool thorough, struct gg_verdict *ret)
{
	*ret = (struct gg_verdict){ .is_log_alone = gg_guest_is_over_wire(guest) && !thorough };
	note_crash(guest, kernel, ret);
	struct gg_error *err = read_log(kernel, ret);
	if (!err && !ret->is_log_alone)
		err = read_variables(guest, kernel, ret);
	gg_verdict_judge(ret);
	return err;
}

const char *gg_trouble_name(enum gg_trouble_kind kind)
{
	static const char *const names[] = {
		[GG_PANIC] = "panic",
		[GG_OOPS] = "oops",
		[GG_HARD_LOCKUP] = "hard-lockup",
		[GG_SOFT_LOCKUP] = "soft-lockup",
		[GG_RCU_STALL] = "rcu-stall",
		[GG_HUNG_TASK] = "hung-task",
		[GG_OOM_KILL] = "oom-kill",
		[GG_WARNING] = "warning",
	};
	return names[kind];
}

// Returns the name of the worst trouble or observation; NULL without. An observation stands before the
// kernel's own reports of tasks that hang: it tells more, and of now.
static const char *worst(const struct gg_verdict *verdict)
{
	for (size_t i = 0; i < GG_WARNING; i++) {
		if (i == GG_HUNG_TASK && verdict->deadlocks)
			return "deadlock";
		if (i == GG_HUNG_TASK && verdict->silent_count)
			return "silent-cpu";
		if (verdict->troubles[i].happened)
			return gg_trouble_name(i);
		if (i == GG_HUNG_TASK && verdict->blocked)
			return "blocked";
	}
	return NULL;
}

bool gg_verdict_is_bad(const struct gg_verdict *verdict)
{
	return worst(verdict) != NULL;
}

const char *gg_verdict_word(const struct gg_verdict *verdict)
{
	const char *const word = worst(verdict);
	if (word)
		return word;
	if (verdict->saves_crashed)
		return "kdump";
	if (verdict->phase)
		return verdict->phase;
	return verdict->has_log ? "running" : "unknown";
}

void gg_verdict_deinit(struct gg_verdict *verdict)
{
	for (size_t i = 0; i < GG_TROUBLES; i++)
		free(verdict->troubles[i].line);
	free(verdict->panic_comm);
	free(verdict->silent);
	*verdict = (struct gg_verdict){ 0 };
}
