// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tasks that guest-ps shows.
//
// In:  the kernel's tasks, a query.
// Out: a row for each task that meets the query.
#include "tasks.h"
#include "base/cleanup.h"
#include "base/notices.h"
#include "linux/symbols/vmlinux-finder.h"

#include <gdb-guest/kernels.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Registers the file that the user names as a source of the kernel's symbols, where VMCOREINFO has the image's place.
static struct gg_error *add_symbols(struct gg_guest *guest)
{
	gg_gva_t text;
	struct gg_symbols *symbols = guest->kernel->answerers.symbols;
	struct gg_error *err = gg_symbols_address(symbols, "_stext", &text);
	return err ? gg_error_unless_final(err)
		   : gg_vmlinux_add_finder(symbols, GG_BY_VMLINUX, guest->vmlinux, text);
}

// Registers the file that the user names as a source of the kernel's types and symbols.
static struct gg_error *add_vmlinux(struct gg_guest *guest, const struct gg_notices *notices)
{
	_cleanup_free_ char *build_id = gg_vmcoreinfo_value(&guest->kernel->info, "BUILD-ID");
	struct gg_error *err = gg_dwarf_add_finder(guest->kernel->answerers.typed_members,
						   GG_BY_VMLINUX, guest->vmlinux, build_id);
	if (!err)
		err = add_symbols(guest);
	if (err)
		return err;
	gg_types_note_vmlinux(guest->kernel->answerers.types);
	guest->with_vmlinux = guest->kernel;
	return build_id ? NULL
			: gg_tell(notices,
				  "the kernel's VMCOREINFO has no build ID: whether %s is its "
				  "vmlinux is not known",
				  guest->vmlinux);
}

struct gg_error *gg_guest_check_vmlinux(struct gg_guest *guest)
{
	const struct gg_answerers *kernel;
	return gg_guest_answerers(guest, NULL, &kernel);
}

struct gg_error *gg_guest_answerers(struct gg_guest *guest, const struct gg_notices *notices,
				    const struct gg_answerers **ret)
{
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_kernel(guest, NULL, notices, &kernel);
	if (!err && *guest->vmlinux && guest->with_vmlinux != kernel)
		err = add_vmlinux(guest, notices);
	if (!err)
		*ret = &kernel->answerers;
	return err;
}

struct gg_error *gg_guest_tasks(struct gg_guest *guest, const struct gg_notices *notices,
				struct gg_tasks *ret)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	return err ? err : gg_tasks_read(kernel, notices, ret);
}

// ---- The choice ----

static bool has_pid(const struct gg_task_query *query, int32_t pid)
{
	for (size_t i = 0; i < query->pid_count; i++)
		if (query->pids[i] == pid)
			return true;
	return false;
}

// Tests whether TASK meets QUERY; whether threads are rows is not tested.
static bool meets(const struct gg_task *task, const struct gg_task_query *query)
{
	const bool is_of_kernel = task->is_kernel || task->is_idle;
	return (!query->states || strchr(query->states, task->state)) &&
	       !(query->kernel_only && !is_of_kernel) && !(query->user_only && is_of_kernel) &&
	       (!query->pid_count || has_pid(query, task->pid) ||
		(query->threads && has_pid(query, task->tgid)));
}

static struct gg_error *check_pids(const struct gg_tasks *tasks, const struct gg_task_query *query)
{
	for (size_t i = 0; i < query->pid_count; i++)
		if (!gg_tasks_of_pid(tasks, query->pids[i]))
			return gg_error_create(GG_NOT_FOUND, "-pid: there is no task %" PRId32,
					       query->pids[i]);
	return NULL;
}

// Reports that no task meets the query, and threads that meet it and are not shown: a thread in D is
// not seen by its process's state.
static struct gg_error *tell_missing(const struct gg_task_query *query, size_t shown, size_t hidden,
				     const struct gg_notices *notices)
{
	if (!shown && !hidden)
		return gg_tell(notices, "there is no such task");
	if (!hidden || !query->states || query->pid_count)
		return NULL;
	return gg_tell(notices, "%zu more thread%s in such a state: -threads shows %s", hidden,
		       hidden == 1 ? " is" : "s are", hidden == 1 ? "it" : "them");
}

// Makes the rows, from the tasks alone.
static struct gg_error *choose(const struct gg_task_query *query, const struct gg_notices *notices,
			       struct gg_task_list *list)
{
	size_t hidden = 0;
	struct gg_error *err = check_pids(&list->tasks, query);
	if (err)
		return err;
	list->rows = calloc(list->tasks.count + 1, sizeof(*list->rows));
	if (!list->rows)
		return gg_enomem;
	for (size_t i = 0; i < list->tasks.count; i++) {
		const struct gg_task *task = &list->tasks.tasks[i];
		if (!meets(task, query))
			continue;
		if (gg_task_is_process(task) || query->threads || has_pid(query, task->pid))
			list->rows[list->count++].task = task;
		else
			hidden++;
	}
	return tell_missing(query, list->count, hidden, notices);
}

// ---- Times ----

struct group {
	int32_t tgid;
	uint64_t time;
};

static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	return (x->tgid > y->tgid) - (x->tgid < y->tgid);
}

// Sums up the times of each process's tasks: an array by TGID, which the caller frees.
static struct gg_error *sum_groups(const struct gg_tasks *tasks, struct group **ret, size_t *count)
{
	struct group *groups = calloc(tasks->count + 1, sizeof(*groups));
	if (!groups)
		return gg_enomem;
	for (size_t i = 0; i < tasks->count; i++)
		groups[i] =
			(struct group){ tasks->tasks[i].tgid,
					tasks->tasks[i].runtime + tasks->tasks[i].dead_runtime };
	qsort(groups, tasks->count, sizeof(*groups), compare_groups);
	*count = 0;
	for (size_t i = 0; i < tasks->count; i++) {
		if (*count && groups[*count - 1].tgid == groups[i].tgid)
			groups[*count - 1].time += groups[i].time;
		else
			groups[(*count)++] = groups[i];
	}
	*ret = groups;
	return NULL;
}

static struct gg_error *add_times(struct gg_task_list *list, bool threads)
{
	struct group *groups = NULL;
	size_t count = 0;
	struct gg_error *err = sum_groups(&list->tasks, &groups, &count);
	if (err)
		return err;
	for (size_t i = 0; groups && i < list->count; i++) {
		struct gg_task_row *row = &list->rows[i];
		const struct gg_task *task = row->task;
		const struct group key = { task->tgid, 0 };
		const struct group *group =
			bsearch(&key, groups, count, sizeof(key), compare_groups);
		row->time =
			group && !threads && gg_task_is_process(task) ? group->time : task->runtime;
		// The kernel does not count an idle task's time.
		row->has_time = list->tasks.has_runtime && !task->is_idle;
		row->has_since = list->tasks.clock && task->last_arrival;
		if (row->has_since && list->tasks.clock > task->last_arrival)
			row->since = list->tasks.clock - task->last_arrival;
	}
	free(groups);
	return NULL;
}

// ---- Memory ----

static struct gg_error *tell_unreadable(const struct gg_notices *notices, size_t failed,
					struct gg_error *first)
{
	if (!failed || !first)
		return first;
	struct gg_error *err = gg_tell(notices, "the memory of %zu task%s is not known: %s", failed,
				       failed == 1 ? "" : "s", gg_error_message(first));
	gg_error_destroy(first);
	return err;
}

static struct gg_error *add_memory(const struct gg_answerers *kernel,
				   const struct gg_notices *notices, struct gg_task_list *list)
{
	struct gg_mm_reader reader;
	struct gg_error *first = NULL;
	size_t failed = 0;
	struct gg_error *err = gg_mm_reader_init(&reader, kernel);
	for (size_t i = 0; !err && i < list->count; i++) {
		struct gg_task_row *row = &list->rows[i];
		if (!row->task->mm)
			continue;
		err = gg_mm_read(&reader, row->task->mm, &row->mm);
		row->has_mm = !err;
		if (!err || gg_error_is_final(err))
			continue;
		failed++;
		if (first)
			gg_error_destroy(err);
		else
			first = err;
		err = NULL;
	}
	list->ram = reader.ram;
	gg_mm_reader_deinit(&reader);
	if (err && !gg_error_is_final(err)) {
		// A kernel whose mm_struct is another has its tasks shown.
		gg_error_destroy(first);
		first = err;
		failed = list->count;
		err = NULL;
	}
	if (err) {
		gg_error_destroy(first);
		return err;
	}
	return tell_unreadable(notices, failed, first);
}

// ---- Names ----

static struct gg_error *add_names(struct gg_task_list *list)
{
	struct gg_kthread_reader reader;
	struct gg_error *err = gg_kthread_reader_init(&reader, list->kernel);
	for (size_t i = 0; !err && i < list->count; i++)
		err = gg_error_unless_final(
			gg_kthread_name(&reader, list->rows[i].task, list->rows[i].name));
	gg_kthread_reader_deinit(&reader);
	return err;
}

// ---- Details ----

static struct gg_error *open_paths(struct gg_task_list *list)
{
	if (list->paths.host)
		return NULL;
	return gg_error_unless_final(gg_path_reader_init(&list->paths, list->kernel));
}

struct gg_error *gg_task_details_read(struct gg_task_list *list, const struct gg_task_row *row,
				      struct gg_task_details *ret)
{
	*ret = (struct gg_task_details){ 0 };
	struct gg_error *err = open_paths(list);
	if (!err && row->has_mm) {
		err = gg_task_args_read(list->kernel, &row->mm, &ret->args);
		ret->has_args = !err;
		err = gg_error_unless_final(err);
	}
	if (!err && row->has_mm && row->mm.exe_file && list->paths.dentry.size)
		err = gg_error_unless_final(
			gg_path_of_file(&list->paths, row->mm.exe_file, &ret->exe));
	if (!err && row->task->fs && list->paths.dentry.size)
		err = gg_error_unless_final(
			gg_path_of_directory(&list->paths, row->task->fs, &ret->cwd));
	if (err)
		gg_task_details_deinit(ret);
	return err;
}

void gg_task_details_deinit(struct gg_task_details *details)
{
	gg_task_args_deinit(&details->args);
	free(details->exe);
	free(details->cwd);
	*details = (struct gg_task_details){ 0 };
}

// ---- All ----

struct gg_error *gg_guest_task_list(struct gg_guest *guest, const struct gg_task_query *query,
				    const struct gg_notices *notices, struct gg_task_list *ret)
{
	*ret = (struct gg_task_list){ 0 };
	struct gg_error *err = gg_guest_answerers(guest, notices, &ret->kernel);
	if (!err)
		err = gg_tasks_read(ret->kernel, notices, &ret->tasks);
	if (!err)
		err = choose(query, notices, ret);
	if (!err)
		err = add_times(ret, query->threads);
	if (!err)
		err = add_memory(ret->kernel, notices, ret);
	if (!err)
		err = add_names(ret);
	if (!err)
		err = gg_task_list_sort(ret, query->order);
	if (err)
		gg_task_list_deinit(ret);
	return err;
}

void gg_task_list_deinit(struct gg_task_list *list)
{
	gg_tasks_deinit(&list->tasks);
	gg_path_reader_deinit(&list->paths);
	free(list->rows);
	*list = (struct gg_task_list){ 0 };
}
