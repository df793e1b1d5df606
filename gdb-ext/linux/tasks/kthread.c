// SPDX-License-Identifier: GPL-3.0-or-later
//
// The full name of a kernel thread (Linux commit d6986ce24fc0 "kthread: dynamically allocate memory to store
// kthread's full name", v5.17), and the current or last work of a workqueue's worker
// (kernel/workqueue.c, wq_worker_comm()).
//
// In:  the kernel's members and memory.
// Out: names.
// Trusts nothing it reads: a name is cut where the kernel cuts it.
#include "kthread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, full_name, "kthread", "full_name"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, data, "kthread", "data"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, desc, "worker", "desc"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, current_work, "worker", "current_work"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, pool, "worker", "pool"),
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

struct gg_error *gg_kthread_reader_init(struct gg_kthread_reader *ret,
					const struct gg_answerers *kernel)
{
	*ret = (struct gg_kthread_reader){ .host = &kernel->typed };
	struct gg_error *err = gg_layout_resolve(ret->host, rows, ROWS, &ret->layout);
	if (!err)
		err = gg_record_init(&ret->kthread, ret->host, "kthread", rows, ROWS, &ret->layout);
	if (!err)
		err = gg_record_init(&ret->worker, ret->host, "worker", rows, ROWS, &ret->layout);
	return err;
}

void gg_kthread_reader_deinit(struct gg_kthread_reader *reader)
{
	gg_record_deinit(&reader->kthread);
	gg_record_deinit(&reader->worker);
	*reader = (struct gg_kthread_reader){ 0 };
}

// Reads the full name of the kthread that was read last, if it has one.
static struct gg_error *read_full_name(struct gg_kthread_reader *reader, char ret[GG_KTHREAD_NAME])
{
	const gg_gva_t address = gg_record_value(&reader->kthread, &reader->layout.full_name);
	char *text;
	if (!address)
		return NULL;
	enum { MOST = 1024 };
	struct gg_error *err = gg_host_read_text(reader->host, address, MOST, &text);
	if (err)
		return err;
	snprintf(ret, GG_KTHREAD_NAME, "%s", text);
	free(text);
	return NULL;
}

// Appends the work of the worker whose kthread was read last.
static struct gg_error *append_work(struct gg_kthread_reader *reader, char ret[GG_KTHREAD_NAME])
{
	const struct gg_kthread_layout *layout = &reader->layout;
	const gg_gva_t address = gg_record_value(&reader->kthread, &layout->data);
	char work[GG_KTHREAD_NAME];
	if (!address || !layout->desc.size)
		return NULL;
	struct gg_error *err = gg_record_read(&reader->worker, address);
	if (err)
		return err;
	gg_record_text(&reader->worker, &layout->desc, work, sizeof(work));
	const size_t size = strlen(ret);
	if (*work && gg_record_value(&reader->worker, &layout->pool))
		snprintf(ret + size, GG_KTHREAD_NAME - size, "%c%s",
			 gg_record_value(&reader->worker, &layout->current_work) ? '+' : '-', work);
	return NULL;
}

struct gg_error *gg_kthread_name(struct gg_kthread_reader *reader, const struct gg_task *task,
				 char ret[GG_KTHREAD_NAME])
{
	// The rescuer of a workqueue has its short name in /proc, until it became "kworker/R-..." in Linux
	// commit 2a1b02bcba78 (v6.10).
	const bool is_rescuer = task->is_worker && strncmp(task->name, "kworker/", 8) != 0;
	const bool is_cut = strlen(task->name) == GG_TASK_COMM - 1 && !is_rescuer;
	snprintf(ret, GG_KTHREAD_NAME, "%s", task->name);
	if (!task->kthread || !reader->kthread.size || !(is_cut || task->is_worker))
		return NULL;
	struct gg_error *err = gg_record_read(&reader->kthread, task->kthread);
	if (!err && is_cut)
		err = read_full_name(reader, ret);
	return err || !task->is_worker ? err : append_work(reader, ret);
}
