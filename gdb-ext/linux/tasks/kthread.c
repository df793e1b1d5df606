// SPDX-License-Identifier: GPL-3.0-or-later
//
// The full name of a kernel thread (Linux commit d6986ce24fc0 "kthread: dynamically allocate memory to store
// kthread's full name", v5.17), and the current or last work of a workqueue's worker
// (kernel/workqueue.c, wq_worker_comm()).
//
// In:  the kernel's members and memory.
// Out: names.
// Trusts nothing it reads: a name is cut where the kernel cuts it; a worker must point to its task, and a full
// name begin with the task's.
//
// struct kthread is private to kernel/kthread.c, and stands behind half of the BTF of Debian's 6.1, which is
// read in order at a gdbstub. So its members are found by what they lead to. data is the first word that leads to
// a struct worker of the task: numbers and a function are in front of it. full_name is behind data and two struct
// completion, in v5.17 to v7.2 among the words from NAME_AT to WORDS, which belong to this struct
// kthread: it has more than 12 words, and so gets memory for 16.
#include "kthread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, desc, "worker", "desc"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, current_work, "worker", "current_work"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, pool, "worker", "pool"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kthread_layout, task, "worker", "task"),
};

enum {
	ROWS = sizeof(rows) / sizeof(*rows),
	WORDS = 16,  // of struct kthread
	NAME_AT = 8, // the first word that may be full_name
};

struct gg_error *gg_kthread_reader_init(struct gg_kthread_reader *ret,
					const struct gg_answerers *kernel)
{
	*ret = (struct gg_kthread_reader){ .host = &kernel->typed };
	struct gg_error *err = gg_layout_resolve(ret->host, rows, ROWS, &ret->layout);
	return err ? err
		   : gg_record_init(&ret->worker, ret->host, "worker", rows, ROWS, &ret->layout);
}

void gg_kthread_reader_deinit(struct gg_kthread_reader *reader)
{
	gg_record_deinit(&reader->worker);
	*reader = (struct gg_kthread_reader){ 0 };
}

// Reads the first words of the struct kthread at ADDRESS.
static struct gg_error *read_words(const struct gg_host *host, gg_gva_t address, uint64_t *ret)
{
	uint8_t bytes[WORDS * sizeof(uint64_t)];
	const size_t size = WORDS * host->address_size;
	struct gg_error *err = gg_host_read(host, address, bytes, size);
	struct gg_cursor cursor = gg_cursor(bytes, size, host->big_endian, "struct kthread");
	for (size_t i = 0; !err && i < WORDS; i++)
		err = gg_cursor_uint(&cursor, host->address_size, &ret[i]);
	return err;
}

// Reads the full name, if the word of a struct kthread leads to it: a text that begins with COMM.
static struct gg_error *try_full_name(const struct gg_host *host, uint64_t word, const char *comm,
				      char ret[GG_KTHREAD_NAME], bool *found)
{
	enum { MOST = 1024 };
	char *text;
	if (!word)
		return NULL;
	struct gg_error *err = gg_host_read_text(host, word, MOST, &text);
	if (err)
		return gg_error_unless_final(err);
	*found = !strncmp(text, comm, strlen(comm));
	if (*found)
		snprintf(ret, GG_KTHREAD_NAME, "%s", text);
	free(text);
	return NULL;
}

// Reads the full name of TASK, if the words of its struct kthread have any.
static struct gg_error *read_full_name(struct gg_kthread_reader *reader, const struct gg_task *task,
				       const uint64_t *words, char ret[GG_KTHREAD_NAME])
{
	struct gg_error *err = NULL;
	bool found = false;
	// All kthreads have it at the same place.
	for (size_t i = reader->name ? reader->name : NAME_AT; !err && !found && i < WORDS; i++) {
		err = try_full_name(reader->host, words[i], task->name, ret, &found);
		if (found)
			reader->name = i;
	}
	return err;
}

// Reads the struct worker at ADDRESS, if there is one, and tests whether TASK is its task.
static struct gg_error *is_worker_of(struct gg_kthread_reader *reader, gg_gva_t address,
				     const struct gg_task *task, bool *ret)
{
	*ret = false;
	if (!address || address % reader->host->address_size)
		return NULL;
	struct gg_error *err = gg_record_read(&reader->worker, address);
	*ret = !err && gg_record_value(&reader->worker, &reader->layout.task) == task->address;
	return gg_error_unless_final(err);
}

// Reads the struct worker to which one of the words of TASK's struct kthread points.
static struct gg_error *find_worker(struct gg_kthread_reader *reader, const struct gg_task *task,
				    const uint64_t *words, bool *found)
{
	struct gg_error *err = NULL;
	*found = false;
	for (size_t i = reader->data; !err && !*found && i < NAME_AT; i++) {
		err = is_worker_of(reader, words[i], task, found);
		if (*found)
			reader->data = i;
	}
	return err;
}

// Appends the work of TASK, a worker.
static struct gg_error *append_work(struct gg_kthread_reader *reader, const struct gg_task *task,
				    const uint64_t *words, char ret[GG_KTHREAD_NAME])
{
	const struct gg_kthread_layout *layout = &reader->layout;
	char work[GG_KTHREAD_NAME];
	bool found;
	if (!layout->desc.size || !layout->task.size)
		return NULL;
	struct gg_error *err = find_worker(reader, task, words, &found);
	if (err || !found)
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
	uint64_t words[WORDS];
	if (!task->kthread || !(is_cut || task->is_worker))
		return NULL;
	struct gg_error *err = read_words(reader->host, task->kthread, words);
	if (!err && is_cut)
		err = read_full_name(reader, task, words, ret);
	return err || !task->is_worker ? err : append_work(reader, task, words, ret);
}
