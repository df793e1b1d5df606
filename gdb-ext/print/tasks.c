// SPDX-License-Identifier: GPL-3.0-or-later
//
// The list of tasks as text, or as JSON, an object on a line for each task.
//
// In:  the rows of gg_guest_task_list().
// Out: columns; what is not known is "-" in the text and null in JSON.
#include "base/json.h"
#include "guest/tasks.h"
#include "pid-list.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
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

static void append_json(struct gg_buffer *out, const struct gg_task_row *row)
{
	const struct gg_task *task = row->task;
	gg_json_open_object(out, NULL);
	gg_json_format(out, "pid", "%" PRId32, task->pid);
	gg_json_format(out, "tgid", "%" PRId32, task->tgid);
	gg_json_format(out, "ppid", "%" PRId32, task->ppid);
	gg_json_string(out, "comm", task->comm);
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

// Appends a CPU time as ps does, "[D-]HH:MM:SS".
static void append_time(struct gg_buffer *out, const struct gg_task_row *row)
{
	char text[48] = "-";
	const uint64_t seconds = row->time / NS_PER_S, days = seconds / DAY;
	const int size = days ? snprintf(text, sizeof(text), "%" PRIu64 "-", days) : 0;
	if (row->has_time)
		snprintf(text + size, sizeof(text) - (size_t)size,
			 "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds % DAY / HOUR,
			 seconds % HOUR / MINUTE, seconds % MINUTE);
	gg_buffer_format(out, " %10s", text);
}

static void append_since(struct gg_buffer *out, const struct gg_task_row *row)
{
	char text[GG_AGE_SIZE] = "-";
	if (row->has_since)
		gg_age_text(row->since, text);
	gg_buffer_format(out, " %7s", text);
}

static void append_name(struct gg_buffer *out, const struct gg_task *task)
{
	const bool is_of_kernel = task->is_kernel || task->is_idle;
	gg_buffer_format(out, " %s%s%s\n", is_of_kernel ? "[" : "", task->comm,
			 is_of_kernel ? "]" : "");
}

static void append_head(struct gg_buffer *out, const struct gg_tasks_options *options)
{
	gg_buffer_format(out, "     PID%s    PPID  CPU S      RSS       TIME   SINCE COMM\n",
			 options->threads ? "     TID" : "");
}

static void append_text(struct gg_buffer *out, const struct gg_tasks_options *options,
			const struct gg_task_row *row)
{
	const struct gg_task *task = row->task;
	gg_buffer_format(out, "%c%7" PRId32, task->on_cpu ? '>' : ' ',
			 options->threads ? task->tgid : task->pid);
	if (options->threads)
		gg_buffer_format(out, " %7" PRId32, task->pid);
	gg_buffer_format(out, " %7" PRId32 " %4" PRIu32 " %c", task->ppid, task->cpu, task->state);
	append_kib(out, row->has_mm, row->mm.rss);
	append_time(out, row);
	append_since(out, row);
	append_name(out, task);
}

// ---- Options ----

static struct gg_error *check(const struct gg_tasks_options *options)
{
	if (options->kernel_only && options->user_only)
		return gg_error_create(GG_INVALID, "-kernel and -user leave no task");
	return gg_states_check(options->states);
}

// ---- All ----

static void append_rows(struct gg_buffer *out, const struct gg_tasks_options *options,
			const struct gg_task_list *list)
{
	if (!options->json && list->count)
		append_head(out, options);
	for (size_t i = 0; i < list->count; i++) {
		if (options->json)
			append_json(out, &list->rows[i]);
		else
			append_text(out, options, &list->rows[i]);
	}
}

struct gg_error *gg_print_tasks(struct gg_guest *guest, const struct gg_tasks_options *options,
				const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_buffer out = { 0 };
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
	};
	if (!err)
		err = gg_guest_task_list(guest, &query, notices, &list);
	if (!err) {
		append_rows(&out, options, &list);
		err = gg_write_out(&out, writer);
	}
	gg_task_list_deinit(&list);
	gg_pid_list_deinit(&pids);
	gg_buffer_deinit(&out);
	return err;
}
