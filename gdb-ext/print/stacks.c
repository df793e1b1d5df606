// SPDX-License-Identifier: GPL-3.0-or-later
//
// The stacks that the user chose, and the groups of equal stacks.
#include "base/cleanup.h"
#include "base/vector.h"
#include "cpu-list.h"
#include "pid-list.h"
#include "stack-text.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

struct group {
	struct gg_guest_stack stack; // of the first task
	const struct gg_task **tasks;
	size_t count;
	uint64_t hash;
};

struct printer {
	struct gg_guest_stacks stacks;
	struct gg_inner_stacks inner;
	const struct gg_stacks_options *options;
	const struct gg_writer *writer;
	struct gg_pid_list pids; // with -pid
	struct gg_buffer text;
	struct group *groups; // with -group
	size_t group_count;
};

static struct gg_error *write_stack(struct printer *printer, const struct gg_shown_stack *shown)
{
	struct gg_error *err =
		(printer->options->json ? gg_append_stack_json
					: gg_append_stack_text)(&printer->text, shown);
	return err ? err : gg_write_out(&printer->text, printer->writer);
}

// ---- Groups ----

// 64-bit FNV-1a, of words.
static uint64_t hash_stack(const struct gg_guest_stack *stack)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < stack->stack.count; i++)
		hash = (hash ^ stack->stack.frames[i].pc) * UINT64_C(0x100000001b3);
	return hash;
}

static bool is_equal_frame(const struct gg_frame *a, const struct gg_frame *b)
{
	return a->pc == b->pc && a->is_guess == b->is_guess && a->entry.kind == b->entry.kind &&
	       a->entry.number == b->entry.number && a->entry.is_user == b->entry.is_user;
}

// Tests whether the stacks are equal, but for the programs' registers.
static bool is_equal(const struct gg_guest_stack *a, const struct gg_guest_stack *b)
{
	if (a->stack.count != b->stack.count || a->stack.end != b->stack.end ||
	    strcmp(a->why, b->why) || strcmp(a->stack.why, b->stack.why))
		return false;
	for (size_t i = 0; i < a->stack.count; i++)
		if (!is_equal_frame(&a->stack.frames[i], &b->stack.frames[i]))
			return false;
	return true;
}

// Finds the group of STACK, or moves STACK to a new group.
static struct gg_error *find_group(struct printer *printer, struct gg_guest_stack *stack,
				   struct group **ret)
{
	const uint64_t hash = hash_stack(stack);
	for (size_t i = 0; i < printer->group_count; i++) {
		*ret = &printer->groups[i];
		if ((*ret)->hash == hash && is_equal(&(*ret)->stack, stack))
			return NULL;
	}
	struct gg_error *err =
		gg_vector_grow(&printer->groups, printer->group_count, sizeof(*printer->groups));
	if (err)
		return err;
	*ret = &printer->groups[printer->group_count++];
	**ret = (struct group){ .stack = *stack, .hash = hash };
	stack->stack = (struct gg_stack){ 0 };
	return NULL;
}

static struct gg_error *add_to_group(struct printer *printer, struct gg_guest_stack *stack)
{
	struct group *group;
	const struct gg_task *task = stack->task;
	struct gg_error *err = find_group(printer, stack, &group);
	if (!err)
		err = gg_vector_grow(&group->tasks, group->count, sizeof(*group->tasks));
	if (!err)
		group->tasks[group->count++] = task;
	return err;
}

static int compare_groups(const void *a, const void *b)
{
	const struct group *left = a, *right = b;
	const struct gg_task *first = left->tasks[0], *second = right->tasks[0];
	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return (first->pid > second->pid) - (first->pid < second->pid);
}

static struct gg_error *write_groups(struct printer *printer)
{
	struct gg_error *err = NULL;
	if (printer->group_count)
		qsort(printer->groups, printer->group_count, sizeof(*printer->groups),
		      compare_groups);
	for (size_t i = 0; !err && i < printer->group_count; i++) {
		const struct group *group = &printer->groups[i];
		err = write_stack(printer, &(struct gg_shown_stack){
						   .stack = group->stack,
						   .tasks = group->tasks,
						   .count = group->count,
						   .kernel = printer->stacks.kernel,
						   .raw = printer->options->raw,
					   });
	}
	return err;
}

static void deinit_groups(struct printer *printer)
{
	for (size_t i = 0; i < printer->group_count; i++) {
		gg_stack_deinit(&printer->groups[i].stack.stack);
		free(printer->groups[i].tasks);
	}
	free(printer->groups);
}

// ---- Stacks ----

// Writes STACK, or puts it into a group; a CPU without a task is in none.
static struct gg_error *take(struct printer *printer, struct gg_guest_stack *stack)
{
	struct gg_inner_stack inner = { 0 };
	bool is_nested = false;
	struct gg_error *err = NULL;
	if (printer->options->group && stack->task)
		return add_to_group(printer, stack);
	if (stack->cpu)
		err = gg_inner_stack_read(&printer->inner, stack->cpu, &is_nested, &inner);
	if (!err)
		err = write_stack(printer,
				  &(struct gg_shown_stack){ .stack = *stack,
							    .kernel = printer->stacks.kernel,
							    .clock = printer->stacks.tasks.clock,
							    .raw = printer->options->raw,
							    .inner = is_nested ? &inner : NULL });
	gg_inner_stack_deinit(&inner);
	return err;
}

static struct gg_error *take_task(struct printer *printer, const struct gg_task *task)
{
	struct gg_guest_stack stack = { 0 };
	struct gg_error *err = gg_guest_stack_of_task(&printer->stacks, task, &stack);
	if (!err)
		err = take(printer, &stack);
	gg_stack_deinit(&stack.stack);
	return err;
}

static struct gg_error *take_cpu(struct printer *printer, const struct gg_stacks_cpu *cpu)
{
	struct gg_guest_stack stack = { 0 };
	struct gg_error *err = gg_guest_stack_of_cpu(&printer->stacks, cpu, &stack);
	if (!err)
		err = take(printer, &stack);
	gg_stack_deinit(&stack.stack);
	return err;
}

// ---- The choice ----

static struct gg_error *take_cpus(struct printer *printer)
{
	const struct gg_guest_stacks *stacks = &printer->stacks;
	struct gg_cpu_list list;
	struct gg_error *err = gg_cpu_list_create(stacks->guest, printer->options->cpus, &list);
	if (err)
		return err;
	for (size_t i = 0; !err && i < list.count; i++)
		for (size_t cpu = 0; !err && cpu < stacks->cpu_count; cpu++)
			if (stacks->cpus[cpu].cpu->index == list.indices[i])
				err = take_cpu(printer, &stacks->cpus[cpu]);
	gg_cpu_list_deinit(&list);
	return err;
}

static struct gg_error *take_pids(struct printer *printer)
{
	const struct gg_tasks *tasks = &printer->stacks.tasks;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < printer->pids.count; i++) {
		bool found = false;
		for (size_t task = 0; !err && task < tasks->count; task++) {
			if (tasks->tasks[task].pid != printer->pids.pids[i])
				continue;
			found = true;
			err = take_task(printer, &tasks->tasks[task]);
		}
		if (!err && !found)
			err = gg_error_create(GG_NOT_FOUND, "-pid: there is no task %" PRId32,
					      printer->pids.pids[i]);
	}
	return err;
}

static struct gg_error *take_states(struct printer *printer, const char *states)
{
	const struct gg_tasks *tasks = &printer->stacks.tasks;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < tasks->count; i++)
		if (strchr(states, tasks->tasks[i].state))
			err = take_task(printer, &tasks->tasks[i]);
	return err;
}

static struct gg_error *take_all(struct printer *printer)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < printer->stacks.tasks.count; i++) {
		err = gg_interrupt_check();
		if (!err)
			err = take_task(printer, &printer->stacks.tasks.tasks[i]);
	}
	return err;
}

static struct gg_error *take_chosen(struct printer *printer)
{
	const struct gg_stacks_options *options = printer->options;
	if (options->pids)
		return take_pids(printer);
	if (options->states)
		return take_states(printer, options->states);
	return options->all ? take_all(printer) : take_cpus(printer);
}

// Checks the options, before anything is read.
static struct gg_error *check(struct printer *printer)
{
	const struct gg_stacks_options *options = printer->options;
	if (!!options->cpus + !!options->pids + !!options->states + options->all > 1)
		return gg_error_create(GG_INVALID,
				       "-cpu, -pid, -state and -all do not go together");
	struct gg_error *err = gg_states_check(options->states);
	return err ? err : gg_pid_list_create(options->pids, &printer->pids);
}

static enum gg_wanted_stacks wanted_stacks(const struct gg_stacks_options *options)
{
	return options->pids || options->states || options->all ? GG_STACKS_OF_TASKS
								: GG_STACKS_OF_CPUS;
}

struct gg_error *gg_print_stacks(struct gg_guest *guest, const struct gg_stacks_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct printer printer = { .options = options,
				   .writer = writer,
				   .inner = { .finder = { .guest = guest } } };
	struct gg_error *err = check(&printer);
	if (!err)
		err = gg_guest_stacks_init(guest, wanted_stacks(options), notices, &printer.stacks);
	if (!err)
		err = take_chosen(&printer);
	if (!err)
		err = write_groups(&printer);
	deinit_groups(&printer);
	gg_inner_stacks_deinit(&printer.inner);
	gg_guest_stacks_deinit(&printer.stacks);
	gg_pid_list_deinit(&printer.pids);
	gg_buffer_deinit(&printer.text);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option bt_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPUS,
	  .help = "The stacks of these CPUs, by QEMU's numbers: N, N-M, or a list with commas." },
	{ .name = "pid",
	  .kind = GG_VALUE_TEXT,
	  .help = "The stacks of the tasks, threads too, with these PIDs: N, or a list with\n"
		  "    commas." },
	{ .name = "state",
	  .kind = GG_VALUE_TEXT,
	  .help = "The stacks of the tasks in these states, by ps's letters: D, or DR." },
	{ .name = "all", .kind = GG_VALUE_FLAG, .help = "The stacks of all tasks." },
	{ .name = "group",
	  .kind = GG_VALUE_FLAG,
	  .help = "Equal stacks together, the commonest first, with their tasks." },
	{ .name = "raw", .kind = GG_VALUE_FLAG, .help = "The words of each frame too." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each stack, on a line of its own." },
	{ 0 }
};

const struct gg_command gg_command_bt = {
	.name = "bt",
	.gdb_name = "guest-bt",
	.summary = "Show the kernel's stacks: those of the guest's CPUs, or of tasks.",
	.targets = GG_ALL_TARGETS,
	.help = "The guest needs no debuginfo: its kernel's own tables (ORC), and where\n"
		"the kernel has none frame pointers or back chains, lead from frame to\n"
		"frame.  An interrupt, an exception or a system call, with its\n"
		"number and name, is a line below the frame of its entry.\n\n"
		"A task that a CPU executes starts at the CPU's registers.  If they are\n"
		"stale or unknown, or the CPU has left the kernel, the registers that the\n"
		"kernel saved when it crashed are taken, or the stack in memory is\n"
		"searched; a line starting \"note:\" says so.  A frame with a ? is a guess.\n\n"
		"A CPU that executes a nested guest has the nested guest's frames first,\n"
		"up to a line <VM entry>: the kernel's own frames, which entered the nested\n"
		"guest, follow.",
	.options = bt_options,
	.run = gg_run_bt,
};
