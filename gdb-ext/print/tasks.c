// SPDX-License-Identifier: GPL-3.0-or-later
//
// The list of tasks as text, or as JSON, an object on a line for each task.
//
// In:  the rows of gg_guest_task_list().
// Out: columns; an unknown value is "-" in the text and null in JSON.
#include "tasks.h"
#include "base/json.h"
#include "linux/log/text.h"
#include "pid-list.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024, MINUTE = 60, HOUR = 3600, DAY = 86400 };

#define NS_PER_S UINT64_C(1000000000)

// ---- JSON ----

static void append_uint(struct gg_buffer *out, const char *key, bool is_known, uint64_t value)
{
	if (is_known)
		gg_json_uint(out, key, value);
	else
		gg_json_null(out, key);
}

static void append_address(struct gg_buffer *out, const char *key, gg_gva_t address)
{
	if (address)
		gg_json_address(out, key, address);
	else
		gg_json_null(out, key);
}

// Appends the arguments; null stands for the rest where it is not in memory.
static void append_json_args(struct gg_buffer *out, const struct gg_task_row *row,
			     const struct gg_task_details *details)
{
	const struct gg_task_args *args = &details->args;
	if (row->task->mm && !details->has_args) {
		gg_json_null(out, "args");
		return;
	}
	gg_json_open_array(out, "args");
	for (size_t at = 0; at < args->size;) {
		const size_t size = strnlen(args->bytes + at, args->size - at);
		gg_json_bytes(out, NULL, args->bytes + at, size);
		at += size + 1;
	}
	if (args->missing)
		gg_json_null(out, NULL);
	gg_json_close_array(out);
}

static void append_json_details(struct gg_buffer *out, const struct gg_tasks_options *options,
				const struct gg_task_row *row,
				const struct gg_task_details *details)
{
	if (options->args)
		append_json_args(out, row, details);
	if (options->args || options->paths) {
		gg_json_string(out, "exe", details->exe);
		gg_json_string(out, "cwd", details->cwd);
	}
}

static void append_json(struct gg_buffer *out, const struct gg_tasks_options *options,
			const struct gg_task_row *row, const struct gg_task_details *details)
{
	const struct gg_task *task = row->task;
	gg_json_open_object(out, NULL);
	gg_json_format(out, "pid", "%" PRId32, task->pid);
	gg_json_format(out, "tgid", "%" PRId32, task->tgid);
	gg_json_format(out, "ppid", "%" PRId32, task->ppid);
	gg_json_string(out, "comm", row->name);
	gg_json_string(out, "state", (const char[]){ task->state, 0 });
	gg_json_uint(out, "cpu", task->cpu);
	gg_json_bool(out, "running", task->on_cpu);
	gg_json_bool(out, "kernel", task->is_kernel || task->is_idle);
	append_uint(out, "rss", row->has_mm, row->mm.rss);
	append_uint(out, "vsz", row->has_mm, row->mm.vsz);
	append_uint(out, "swap", row->has_mm, row->mm.swap);
	append_uint(out, "time_ns", row->has_time, row->time);
	append_uint(out, "since_ns", row->has_since, row->since);
	append_uint(out, "start_ns", task->start, task->start);
	gg_json_address(out, "task", task->address);
	append_address(out, "mm", task->mm);
	append_address(out, "stack", task->stack);
	append_json_details(out, options, row, details);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

// ---- Text ----

// Appends VALUE in KiB.
static void append_kib(struct gg_buffer *out, bool is_known, uint64_t value)
{
	if (is_known)
		gg_buffer_format(out, " %8" PRIu64, value / KIB);
	else
		gg_buffer_format(out, " %8s", "-");
}

void gg_cpu_time_text(const struct gg_task_row *row, char ret[GG_CPU_TIME_SIZE])
{
	const uint64_t seconds = row->time / NS_PER_S, days = seconds / DAY;
	const int size = days ? snprintf(ret, GG_CPU_TIME_SIZE, "%" PRIu64 "-", days) : 0;
	snprintf(ret + size, GG_CPU_TIME_SIZE - (size_t)size,
		 "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds % DAY / HOUR,
		 seconds % HOUR / MINUTE, seconds % MINUTE);
	if (!row->has_time)
		strcpy(ret, "-");
}

static void append_time(struct gg_buffer *out, const struct gg_task_row *row)
{
	char text[GG_CPU_TIME_SIZE];
	gg_cpu_time_text(row, text);
	gg_buffer_format(out, " %10s", text);
}

static void append_since(struct gg_buffer *out, const struct gg_task_row *row)
{
	char text[GG_AGE_SIZE] = "-";
	if (row->has_since)
		gg_age_text(row->since, text);
	gg_buffer_format(out, " %7s", text);
}

// Appends the share of all of the kernel's memory, in percent.
static void append_share(struct gg_buffer *out, const struct gg_task_row *row, uint64_t ram)
{
	enum { PER_MILLE = 1000, TENTH = 10 };
	const uint64_t share =
		row->has_mm && ram ? (uint64_t)((unsigned __int128)row->mm.rss * PER_MILLE / ram)
				   : 0;
	if (row->has_mm && ram)
		gg_buffer_format(out, " %3" PRIu64 ".%" PRIu64, share / TENTH, share % TENTH);
	else
		gg_buffer_format(out, " %5s", "-");
}

// Appends the branches that lead to ROW in the tree, as ps does.
static void append_branches(struct gg_buffer *out, const struct gg_task_row *row)
{
	for (unsigned int level = 1; level < row->depth; level++)
		gg_buffer_format(out, row->siblings >> level & 1 ? " |  " : "    ");
	if (row->depth)
		gg_buffer_format(out, " \\_ ");
}

void gg_append_task_name(struct gg_buffer *out, const struct gg_task_row *row, bool brackets)
{
	gg_buffer_format(out, brackets ? "[" : "");
	gg_append_name(out, row->name);
	gg_buffer_format(out, brackets ? "]" : "");
}

void gg_append_task_args(struct gg_buffer *out, const struct gg_task_row *row,
			 const struct gg_task_details *details)
{
	const struct gg_task_args *args = &details->args;
	size_t size = args->size;
	while (size && !args->bytes[size - 1])
		size--;
	for (size_t i = 0; i < size; i++)
		if (!args->bytes[i])
			args->bytes[i] = ' ';
	if (size)
		gg_log_escape(out, args->bytes, size, !gg_shows_utf8());
	else
		gg_append_task_name(out, row, true);
	if (row->task->state == 'Z')
		gg_buffer_format(out, " <defunct>");
	else if (row->task->mm && !details->has_args)
		gg_buffer_format(out, " <arguments not known>");
	else if (args->missing)
		gg_buffer_format(out, " <%s not in memory>",
				 size ? "the rest is" : "arguments are");
}

static void append_path(struct gg_buffer *out, const char *what, const char *path)
{
	gg_buffer_format(out, "         %s ", what);
	if (path)
		gg_log_escape(out, path, strlen(path), !gg_shows_utf8());
	else
		gg_buffer_format(out, "-");
	gg_buffer_format(out, "\n");
}

static void append_head(struct gg_buffer *out, const struct gg_tasks_options *options)
{
	gg_buffer_format(out, "     PID%s    PPID  CPU S%s %s\n",
			 options->threads ? "     TID" : "",
			 options->memory ? "      VSZ      RSS     SWAP  %MEM"
					 : "      RSS       TIME   SINCE",
			 options->args ? "COMMAND" : "COMM");
}

static void append_text(struct gg_buffer *out, const struct gg_tasks_options *options,
			const struct gg_task_row *row, const struct gg_task_details *details,
			uint64_t ram)
{
	const struct gg_task *task = row->task;
	gg_buffer_format(out, "%c%7" PRId32, task->on_cpu ? '>' : ' ',
			 options->threads ? task->tgid : task->pid);
	if (options->threads)
		gg_buffer_format(out, " %7" PRId32, task->pid);
	gg_buffer_format(out, " %7" PRId32 " %4" PRIu32 " %c", task->ppid, task->cpu, task->state);
	if (options->memory)
		append_kib(out, row->has_mm, row->mm.vsz);
	append_kib(out, row->has_mm, row->mm.rss);
	if (options->memory) {
		append_kib(out, row->has_mm, row->mm.swap);
		append_share(out, row, ram);
	} else {
		append_time(out, row);
		append_since(out, row);
	}
	gg_buffer_format(out, " ");
	append_branches(out, row);
	if (options->args)
		gg_append_task_args(out, row, details);
	else
		gg_append_task_name(out, row, task->is_kernel || task->is_idle);
	gg_buffer_format(out, "\n");
	if (options->paths && task->mm) {
		append_path(out, "exe", details->exe);
		append_path(out, "cwd", details->cwd);
	}
}

// ---- Options ----

static struct gg_error *check(const struct gg_tasks_options *options)
{
	if (options->kernel_only && options->user_only)
		return gg_error_create(GG_INVALID, "-kernel and -user leave no task");
	return gg_states_check(options->states);
}

// ---- All ----

static struct gg_error *print_row(struct gg_task_list *list, const struct gg_task_row *row,
				  const struct gg_tasks_options *options, struct gg_buffer *out)
{
	struct gg_task_details details = { 0 };
	struct gg_error *err = gg_interrupt_check();
	if (!err && (options->args || options->paths))
		err = gg_task_details_read(list, row, &details);
	if (err)
		return err;
	if (options->json)
		append_json(out, options, row, &details);
	else
		append_text(out, options, row, &details, list->ram);
	gg_task_details_deinit(&details);
	return gg_buffer_check(out);
}

static struct gg_error *print_rows(struct gg_task_list *list,
				   const struct gg_tasks_options *options,
				   const struct gg_writer *writer)
{
	enum { LARGE = 256 << 10 };
	struct gg_buffer out = { 0 };
	struct gg_error *err = NULL;
	if (!options->json && list->count)
		append_head(&out, options);
	for (size_t i = 0; !err && i < list->count; i++) {
		err = print_row(list, &list->rows[i], options, &out);
		if (!err && out.size > LARGE)
			err = gg_write_out(&out, writer);
	}
	if (!err)
		err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	return err;
}

struct gg_error *gg_print_tasks(struct gg_guest *guest, const struct gg_tasks_options *options,
				const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_task_list list = { 0 };
	struct gg_pid_list pids = { 0 };
	struct gg_error *err = check(options);
	if (!err)
		err = gg_pid_list_create(options->pids, &pids);
	const struct gg_task_query query = {
		.states = options->states,
		.pids = pids.pids,
		.pid_count = pids.count,
		.kernel_only = options->kernel_only,
		.user_only = options->user_only,
		.threads = options->threads,
		.order = options->tree     ? GG_BY_PARENT
			 : options->memory ? GG_BY_MEMORY
					   : GG_BY_PID,
	};
	if (!err)
		err = gg_guest_task_list(guest, &query, notices, &list);
	if (!err)
		err = print_rows(&list, options, writer);
	gg_task_list_deinit(&list);
	gg_pid_list_deinit(&pids);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option ps_options[] = {
	{ .name = "state",
	  .kind = GG_VALUE_TEXT,
	  .help = "Only tasks in these states, letters of ps's: R D S T t Z X P I." },
	{ .name = "pid",
	  .kind = GG_VALUE_TEXT,
	  .help = "Only these tasks: a process's PID or a thread's, or a list with commas." },
	{ .name = "kernel",
	  .kind = GG_VALUE_FLAG,
	  .help = "Only the kernel's own tasks: kernel threads, and the CPUs' idle tasks." },
	{ .name = "user", .kind = GG_VALUE_FLAG, .help = "Only the tasks of programs." },
	{ .name = "threads",
	  .kind = GG_VALUE_FLAG,
	  .help = "A line for each thread, by PID and TID; TIME is then the thread's own." },
	{ .name = "tree", .kind = GG_VALUE_FLAG, .help = "By parent, as a tree." },
	{ .name = "memory",
	  .kind = GG_VALUE_FLAG,
	  .help = "By RSS, the largest first, with VSZ, RSS and SWAP in KiB, and RSS as a\n"
		  "    share of all memory." },
	{ .name = "args",
	  .kind = GG_VALUE_FLAG,
	  .help = "The arguments in place of the name, out of the process's own memory; it is\n"
		  "    said where they are not in memory." },
	{ .name = "paths",
	  .kind = GG_VALUE_FLAG,
	  .help = "The program's file and the working directory too." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each task, on a line of its own." },
	{ 0 }
};

const struct gg_command gg_command_ps = {
	.name = "ps",
	.gdb_name = "guest-ps",
	.summary = "List the tasks of the guest's Linux kernel, as ps in the guest would.",
	.targets = GG_ALL_TARGETS,
	.help = "A line for each process; > marks the tasks that are on a CPU, brackets\n"
		"the kernel's own.  S is the state as ps has it.  RSS is in KiB; TIME is\n"
		"the time on CPUs, SINCE the time since the task was last put on a CPU,\n"
		"by the scheduler's clock: in which it runs, or has slept.\n\n"
		"The guest needs no debuginfo: the kernel's types are those of the BTF in\n"
		"its memory.",
	.options = ps_options,
	.run = gg_run_ps,
};
