// SPDX-License-Identifier: GPL-3.0-or-later
//
// The list of tasks as text, or as JSON, an object on a line for each task.
#include "base/json.h"
#include "guest/tasks.h"
#include "words.h"

#include <inttypes.h>

static void append_json(struct gg_buffer *out, const struct gg_task *task)
{
	gg_json_open_object(out, NULL);
	gg_json_format(out, "pid", "%" PRId32, task->pid);
	gg_json_format(out, "tgid", "%" PRId32, task->tgid);
	gg_json_format(out, "ppid", "%" PRId32, task->ppid);
	gg_json_string(out, "comm", task->comm);
	gg_json_string(out, "state", (const char[]){ task->state, 0 });
	gg_json_uint(out, "cpu", task->cpu);
	gg_json_bool(out, "running", task->on_cpu);
	gg_json_address(out, "task", task->address);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

static void append_text(struct gg_buffer *out, const struct gg_task *task)
{
	gg_buffer_format(out, "%c%7" PRId32 " %7" PRId32 " %4" PRIu32 " %c %s\n",
			 task->on_cpu ? '>' : ' ', task->pid, task->ppid, task->cpu, task->state,
			 task->comm);
}

struct gg_error *gg_print_tasks(struct gg_guest *guest, const struct gg_tasks_options *options,
				const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_buffer out = { 0 };
	struct gg_tasks tasks;
	struct gg_error *err = gg_guest_tasks(guest, notices, &tasks);
	if (err)
		return err;
	if (!options->json)
		gg_buffer_format(&out, "     PID    PPID  CPU S COMM\n");
	for (size_t i = 0; i < tasks.count; i++)
		(options->json ? append_json : append_text)(&out, &tasks.tasks[i]);
	err = gg_write_out(&out, writer);
	gg_tasks_deinit(&tasks);
	gg_buffer_deinit(&out);
	return err;
}
