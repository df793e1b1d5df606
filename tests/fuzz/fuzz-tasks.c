// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged kernel's tasks, their memory, paths, names and arguments. The input is a list of changes to
// a sound kernel, (offset u16, width u8, value u64), little-endian. A value may lead to the kernel's
// memory: with bit 7 of the width its low 16 bits are an offset there.
#include "fuzz.h"

#include "../unit/fake-tasks.h"
#include "linux/tasks/args.h"
#include "linux/tasks/kthread.h"
#include "linux/tasks/path.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11, POINTER = 0x80 };

static void change(const struct fake_tasks *fake, const uint8_t *data)
{
	const size_t width = data[2] & POINTER ? 8 : (size_t)1 << data[2] % 4;
	const size_t offset = (size_t)(data[0] | data[1] << 8) % FAKE_TASKS_SIZE;
	uint64_t value;
	memcpy(&value, data + 3, sizeof(value));
	if (data[2] & POINTER)
		value = FAKE_TASKS_BASE + (value & 0xffff);
	if (offset + width <= FAKE_TASKS_SIZE)
		memcpy(fake->memory + offset, &value, width);
}

static void read_memory(struct gg_mm_reader *memory, struct gg_path_reader *paths, gg_gva_t address)
{
	struct gg_mm mm;
	struct gg_task_args args = { 0 };
	char *path = NULL;
	struct gg_error *err = gg_mm_read(memory, address, &mm);
	if (!err)
		err = gg_task_args_read(memory->kernel, &mm, &args);
	gg_task_args_deinit(&args);
	if (!err)
		err = gg_path_of_file(paths, mm.exe_file, &path);
	gg_error_destroy(err);
	free(path);
}

static void read_details(const struct gg_answerers *kernel, const struct gg_tasks *tasks)
{
	struct gg_mm_reader memory = { 0 };
	struct gg_path_reader paths = { 0 };
	struct gg_kthread_reader names = { 0 };
	struct gg_error *err = gg_mm_reader_init(&memory, kernel);
	if (!err)
		err = gg_path_reader_init(&paths, kernel);
	if (!err)
		err = gg_kthread_reader_init(&names, kernel);
	for (size_t i = 0; !err && i < tasks->count; i++) {
		const struct gg_task *task = &tasks->tasks[i];
		char name[GG_KTHREAD_NAME], *path = NULL;
		gg_error_destroy(gg_kthread_name(&names, task, name));
		gg_error_destroy(gg_path_of_directory(&paths, task->fs, &path));
		free(path);
		read_memory(&memory, &paths, task->mm);
	}
	gg_error_destroy(err);
	gg_mm_reader_deinit(&memory);
	gg_path_reader_deinit(&paths);
	gg_kthread_reader_deinit(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_tasks fake;
	struct gg_tasks tasks;
	fake_tasks_init(&fake);
	for (size_t at = 0; at + CHANGE_SIZE <= size; at += CHANGE_SIZE)
		change(&fake, data + at);
	struct gg_error *err = gg_tasks_read(&fake.answerers, NULL, &tasks);
	if (!err)
		read_details(&fake.answerers, &tasks);
	gg_tasks_deinit(&tasks);
	gg_error_destroy(err);
	fake_tasks_deinit(&fake);
	return 0;
}
