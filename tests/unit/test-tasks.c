// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk over the tasks, and what is read of each, on lists that no real guest gives.
#include "unit.h"

#include "fake-tasks.h"
#include "guest/tasks.h"
#include "print/pid-list.h"

#include <stdlib.h>
#include <string.h>

static struct fake_tasks fake;
static struct gg_tasks tasks;
static char told[1024];

static int start(void **state)
{
	(void)state;
	fake_tasks_init(&fake);
	tasks = (struct gg_tasks){ 0 };
	*told = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	gg_tasks_deinit(&tasks);
	fake_tasks_deinit(&fake);
	return 0;
}

static struct gg_error *tell(void *data, const char *text)
{
	(void)data;
	strncat(told, text, sizeof(told) - strlen(told) - 1);
	return NULL;
}

// Reads the tasks, whose PIDs must be 0 and then PIDS, up to a 0, in any order.
static void read_tasks(const int32_t *pids)
{
	const struct gg_notices notices = { .tell = tell };
	size_t count = 1;
	gg_tasks_deinit(&tasks);
	*told = 0;
	assert_success(gg_tasks_read(&fake.answerers, &notices, &tasks));
	for (; *pids; pids++, count++)
		assert_non_null(gg_tasks_of_pid(&tasks, *pids));
	assert_int_equal(tasks.count, count);
}

#define READ(...) read_tasks((const int32_t[]){ __VA_ARGS__, 0 })

static void set_next(unsigned int pid, unsigned int list, uint64_t next)
{
	put_uint(fake_task_bytes(&fake, pid, list), 8, next);
}

// ---- The lists ----

static void test_sound(void **state)
{
	(void)state;
	READ(1, 2, 3, 4, 5);
	assert_string_equal(told, "");
	const struct gg_task *child = gg_tasks_of_pid(&tasks, 3);
	assert_int_equal(child->ppid, 1);
	assert_true(child->on_cpu && child->state == 'S');
	assert_ptr_equal(gg_tasks_at(&tasks, fake_task_address(3)), child);
	assert_false(gg_tasks_of_pid(&tasks, 1)->on_cpu);
	assert_int_equal(tasks.clock, 1000000);
}

static void test_loop(void **state)
{
	(void)state;
	set_next(2, FAKE_TASK_LIST, fake_task_address(1) + FAKE_TASK_LIST);
	READ(1, 2, 3, 4, 5);
	assert_non_null(strstr(told, "the list of the tasks is damaged"));
	assert_non_null(strstr(told, "3 were found from its other end: it loops at 0x"));
}

static void test_wild(void **state)
{
	(void)state;
	set_next(1, FAKE_TASK_LIST, 0x10);
	READ(1, 2, 3, 4, 5);
	assert_non_null(strstr(told, "4 were found from its other end"));
	// Both ways are broken.
	put_uint(fake_task_bytes(&fake, 3, FAKE_TASK_LIST + 8), 8, 0x10);
	READ(1, 3, 4, 5);
	assert_non_null(strstr(told, "3 were found from its other end"));
}

static void test_no_task(void **state)
{
	(void)state;
	set_next(1, FAKE_TASK_LIST, FAKE_TASKS_BASE + 0x8000);
	put_uint(fake.memory + 0x8000 + FAKE_TASK_PID, 4, 0x7fffffff);
	READ(1, 2, 3, 4, 5);
	assert_non_null(strstr(told, ": its PID would be 2147483647"));
	// A name without an end.
	put_uint(fake.memory + 0x8000 + FAKE_TASK_PID, 4, 7);
	memset(fake.memory + 0x8000 + FAKE_TASK_COMM_AT, 'x', 16);
	READ(1, 2, 3, 4, 5);
	assert_non_null(strstr(told, "and its name \"xxxxxxxxxxxxxxxx\""));
}

static void test_threads(void **state)
{
	(void)state;
	set_next(4, FAKE_TASK_NODE, fake_task_address(4) + FAKE_TASK_NODE);
	READ(1, 2, 3, 4, 5);
	assert_non_null(strstr(told, "the list of the threads of the process 3 is damaged, and "
				     "there may be more; 1 were found from its other end"));
	put_uint(fake_task_bytes(&fake, 3, FAKE_TASK_SIGNAL), 8, 0x10);
	READ(1, 2, 3);
	assert_non_null(strstr(told, "the list of the threads of the process 3 is damaged"));
}

static void test_comm(void **state)
{
	(void)state;
	memcpy(fake_task_bytes(&fake, 1, FAKE_TASK_COMM_AT), "a\033[31m\n\\", 9);
	READ(1, 2, 3, 4, 5);
	assert_string_equal(gg_tasks_of_pid(&tasks, 1)->comm, "a\\x1b[31m\\x0a\\x5c");
	assert_string_equal(gg_tasks_of_pid(&tasks, 1)->name, "a\033[31m\n\\");
}

static void test_table(void **state)
{
	(void)state;
	struct gg_tasks many = { 0 };
	for (uint32_t i = 0; i < 1000; i++)
		assert_success(gg_tasks_add(&many, &(struct gg_task){ .address = 64 * (uint64_t)i,
								      .pid = (int32_t)i }));
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(gg_tasks_at(&many, 64 * (uint64_t)i)->pid, i);
	assert_null(gg_tasks_at(&many, 64000));
	gg_tasks_deinit(&many);
}

#define ENDLESS UINT64_C(0xffff900000000000)

// Returns the word OFFSET of the endless list's task SLOT, whose signal_struct is in it too.
static uint64_t endless_word(uint64_t slot, uint64_t offset)
{
	enum { SIGNAL = 0xc0, HEAD = SIGNAL + FAKE_THREAD_HEAD };
	const uint64_t task = ENDLESS + slot * FAKE_TASK_SIZE;
	switch (offset) {
	case FAKE_TASK_LIST:
		return task + FAKE_TASK_SIZE;
	case FAKE_TASK_PID:
		return (slot + 1) | (slot + 1) << 32;
	case FAKE_TASK_SIGNAL:
		return task + SIGNAL;
	case HEAD:
	case HEAD + 8:
		return task + FAKE_TASK_NODE;
	default:
		return 0;
	}
}

static struct gg_host real_host;

// Reads the fake kernel, and beyond it an endless list of tasks.
static struct gg_error *read_endless(void *data, uint64_t address, void *buffer, size_t size)
{
	if (address < ENDLESS)
		return real_host.ops->read(data, address, buffer, size);
	for (size_t i = 0; i < size; i += 8) {
		const uint64_t at = address + i - ENDLESS;
		put_uint((uint8_t *)buffer + i, size - i < 8 ? (unsigned int)(size - i) : 8,
			 endless_word(at / FAKE_TASK_SIZE, at % FAKE_TASK_SIZE));
	}
	return NULL;
}

static void test_limit(void **state)
{
	(void)state;
	const struct gg_notices notices = { .tell = tell };
	real_host = fake.answerers.typed;
	struct gg_host_ops ops = *real_host.ops;
	ops.read = read_endless;
	fake.answerers.typed.ops = &ops;
	set_next(0, FAKE_TASK_LIST, ENDLESS);
	assert_success(gg_tasks_read(&fake.answerers, &notices, &tasks));
	assert_int_equal(tasks.count, 1 << 18);
	assert_non_null(strstr(told, "there are more than 262144 tasks"));
}

static void test_present(void **state)
{
	(void)state;
	// The second CPU, which was never plugged in, has an idle task.
	put_uint(fake.memory + FAKE_RUN_QUEUES + 0x100 + 16, 8, fake_task_address(1));
	READ(1, 2, 3, 4, 5);
	assert_false(gg_tasks_of_pid(&tasks, 1)->on_cpu);
	put_uint(fake.memory + FAKE_PRESENT_AT, 8, 3);
	READ(1, 2, 3, 4, 5);
	assert_true(gg_tasks_of_pid(&tasks, 1)->on_cpu);
}

static void test_states(void **state)
{
	(void)state;
	static const struct {
		uint64_t state, exit_state;
		char letter;
	} states[] = {
		{ 0, 0, 'R' },       { 1, 0, 'S' },      { 2, 0, 'D' },      { 4, 0, 'T' },
		{ 8, 0, 't' },       { 0, 0x10, 'X' },   { 0, 0x20, 'Z' },   { 0x40, 0, 'P' },
		{ 0x402, 0, 'I' },   { 0x1000, 0, 'D' }, { 0x8000, 0, 'D' }, { 0x102, 0, 'D' },
		{ 0x80, 0x20, 'Z' },
	};
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		assert_int_equal(gg_task_state_letter(states[i].state, states[i].exit_state),
				 states[i].letter);
}

// ---- Memory ----

static void read_mm(struct gg_mm *ret, struct gg_task_args *args)
{
	struct gg_mm_reader reader;
	assert_success(gg_mm_reader_init(&reader, &fake.answerers));
	assert_int_equal(reader.ram, 1000 * 4096);
	assert_success(gg_mm_read(&reader, FAKE_TASKS_BASE + FAKE_MM, ret));
	gg_mm_reader_deinit(&reader);
	assert_success(gg_task_args_read(&fake.answerers, ret, args));
}

static void test_counters(void **state)
{
	(void)state;
	struct gg_mm mm;
	struct gg_task_args args;
	read_mm(&mm, &args);
	gg_task_args_deinit(&args);
	// A counter below 0 counts as 0.
	assert_int_equal(mm.rss, 20 * 4096);
	assert_int_equal(mm.swap, 10 * 4096);
	// The CPUs' parts, in an array and apart.
	for (unsigned int i = 0; i < 4; i++)
		put_uint(fake.memory + FAKE_MM + 88 + 8 * i, 8, FAKE_TASKS_BASE + 0x6000 + 4 * i);
	put_uint(fake.memory + 0x6100, 4, 5);
	put_uint(fake.memory + 0x6200 + 4, 4, (uint32_t)-3);
	read_mm(&mm, &args);
	gg_task_args_deinit(&args);
	assert_int_equal(mm.rss, 22 * 4096);
	put_uint(fake.memory + FAKE_MM + 88 + 8, 8, FAKE_TASKS_BASE + 0x6080);
	put_uint(fake.memory + FAKE_MM + 88 + 24, 8, FAKE_TASKS_BASE + 0x6800);
	put_uint(fake.memory + 0x6900, 4, 8);
	read_mm(&mm, &args);
	gg_task_args_deinit(&args);
	assert_int_equal(mm.rss, (15 + 10 + 7) * 4096);
}

static void test_args(void **state)
{
	(void)state;
	struct gg_mm mm;
	struct gg_task_args args;
	read_mm(&mm, &args);
	assert_int_equal(args.size, 6);
	assert_memory_equal(args.bytes, "sh\0-c", 6);
	assert_null(args.missing);
	gg_task_args_deinit(&args);
	// The arguments go on in a page that is not there.
	put_uint(fake.memory + FAKE_MM + 24, 8, FAKE_TASKS_ARGS + 5000);
	read_mm(&mm, &args);
	assert_int_equal(args.size, 4096);
	assert_error(args.missing, GG_FAULT, "0x401000");
	args.missing = NULL;
	gg_task_args_deinit(&args);
	// A title without a NUL at the arguments' end: up to the first NUL.
	put_uint(fake.memory + FAKE_MM + 24, 8, FAKE_TASKS_ARGS + 2);
	read_mm(&mm, &args);
	assert_int_equal(args.size, 3);
	assert_string_equal(args.bytes, "sh");
	gg_task_args_deinit(&args);
	mm.arg_end = UINT64_MAX;
	assert_error(gg_task_args_read(&fake.answerers, &mm, &args), GG_BAD_DATA,
		     "are no program's");
}

// ---- Paths ----

static void assert_path(const char *expected)
{
	struct gg_path_reader reader;
	char *path = NULL;
	assert_success(gg_path_reader_init(&reader, &fake.answerers));
	assert_success(gg_path_of_file(&reader, FAKE_TASKS_BASE + FAKE_FILE, &path));
	assert_string_equal(path, expected);
	free(path);
	gg_path_reader_deinit(&reader);
}

static void refuse_path(const char *text)
{
	struct gg_path_reader reader;
	char *path = NULL;
	assert_success(gg_path_reader_init(&reader, &fake.answerers));
	assert_error(gg_path_of_file(&reader, FAKE_TASKS_BASE + FAKE_FILE, &path), GG_BAD_DATA,
		     text);
	gg_path_reader_deinit(&reader);
}

static void test_path(void **state)
{
	(void)state;
	uint8_t *bin = fake.memory + FAKE_DENTRIES + 0x40, *sh = bin + 0x40;
	assert_path("/bin/sh");
	put_uint(sh + FAKE_DENTRY_HASH, 8, 0);
	assert_path("/bin/sh (deleted)");
	put_uint(sh + FAKE_DENTRY_PARENT, 8, FAKE_TASKS_BASE + FAKE_DENTRIES + 0x80);
	assert_path("/sh (deleted)");
}

static void test_path_loop(void **state)
{
	(void)state;
	uint8_t *bin = fake.memory + FAKE_DENTRIES + 0x40;
	put_uint(bin + FAKE_DENTRY_PARENT, 8, FAKE_TASKS_BASE + FAKE_DENTRIES + 0x80);
	refuse_path("a path has more than 4096 bytes");
	put_uint(bin + FAKE_DENTRY_LENGTH, 4, UINT32_MAX);
	refuse_path("a file's name has 4294967295 bytes");
}

// ---- Names ----

static void test_names(void **state)
{
	(void)state;
	struct gg_kthread_reader reader;
	char name[GG_KTHREAD_NAME];
	READ(1, 2, 3, 4, 5);
	assert_success(gg_kthread_reader_init(&reader, &fake.answerers));
	assert_success(gg_kthread_name(&reader, gg_tasks_of_pid(&tasks, 2), name));
	assert_string_equal(name, "kworker/0:1+events");
	put_uint(fake.memory + FAKE_WORKER + 24, 8, 0);
	assert_success(gg_kthread_name(&reader, gg_tasks_of_pid(&tasks, 2), name));
	assert_string_equal(name, "kworker/0:1-events");
	strcpy((char *)fake_task_bytes(&fake, 2, FAKE_TASK_COMM_AT), "kworker/R-a_lon");
	READ(1, 2, 3, 4, 5);
	put_uint(fake.memory + FAKE_WORKER + 32, 8, 0);
	assert_success(gg_kthread_name(&reader, gg_tasks_of_pid(&tasks, 2), name));
	assert_string_equal(name, "kworker/R-a_long_name");
	put_uint(fake.memory + FAKE_WORKER + 32, 8, 1);
	put_uint(fake.memory + FAKE_WORKER + 40, 8, fake_task_address(3));
	assert_success(gg_kthread_name(&reader, gg_tasks_of_pid(&tasks, 2), name));
	assert_string_equal(name, "kworker/R-a_long_name");
	memcpy(fake.memory + FAKE_FULL_NAME, "Kworker", 7);
	assert_success(gg_kthread_name(&reader, gg_tasks_of_pid(&tasks, 2), name));
	assert_string_equal(name, "kworker/R-a_lon");
	gg_kthread_reader_deinit(&reader);
}

// ---- The order ----

static void test_circle(void **state)
{
	(void)state;
	// 1 and 3 are each other's parents.
	put_uint(fake_task_bytes(&fake, 1, FAKE_TASK_PARENT), 8, fake_task_address(3));
	READ(1, 2, 3, 4, 5);
	struct gg_task_list list = { .count = tasks.count };
	list.rows = calloc(list.count, sizeof(*list.rows));
	for (size_t i = 0; i < list.count; i++)
		list.rows[i].task = &tasks.tasks[i];
	assert_success(gg_task_list_sort(&list, GG_BY_PARENT));
	static const struct {
		int32_t pid;
		unsigned int depth;
	} expected[] = { { 0, 0 }, { 2, 0 }, { 1, 0 }, { 3, 1 }, { 4, 2 }, { 5, 2 } };
	for (size_t i = 0; i < list.count; i++) {
		assert_int_equal(list.rows[i].task->pid, expected[i].pid);
		assert_int_equal(list.rows[i].depth, expected[i].depth);
	}
	gg_task_list_deinit(&list);
}

static void test_pids(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",   ",",   "1,",  ",1",         "1,,2",
		"-1", "1 2", "0x1", "2147483648", "99999999999999999999",
		"a"
	};
	struct gg_pid_list list;
	assert_success(gg_pid_list_create("1,20,2147483647", &list));
	assert_int_equal(list.count, 3);
	assert_int_equal(list.pids[2], INT32_MAX);
	gg_pid_list_deinit(&list);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_error(gg_pid_list_create(wrong[i], &list), GG_INVALID,
			     "is not N or a list of numbers with commas");
}

int main(void)
{
#define TEST(sentence, function) UNIT_TEST_WITH(start, stop, sentence, function)
	const struct CMUnitTest tests[] = {
		TEST("All processes, threads and idle tasks are found", test_sound),
		TEST("A list of tasks that loops ends, and is read from its other end", test_loop),
		TEST("Behind a pointer that leads nowhere tasks are found from the other end",
		     test_wild),
		TEST("What cannot be a task ends the list", test_no_task),
		TEST("A damaged list of threads loses no other process", test_threads),
		TEST("A task's name is escaped", test_comm),
		TEST("Each of many tasks is found by its address", test_table),
		TEST("A list that never ends is cut, and a notice says so", test_limit),
		TEST("A CPU that was never plugged in executes no task", test_present),
		TEST("A state has ps's letter, a frozen task the newest kernels'", test_states),
		TEST("RSS has the CPUs' parts of counters, wherever these are", test_counters),
		TEST("Arguments are read by the program's page tables, and a title to its NUL",
		     test_args),
		TEST("A path goes up to the root, and a deleted file is said to be deleted",
		     test_path),
		TEST("A path that loops, and a name of any length, end with an error",
		     test_path_loop),
		TEST("A kernel thread has its full name, and a worker its work", test_names),
		TEST("Parents in a circle are in the tree, each once", test_circle),
		TEST("A list of PIDs has numbers and commas", test_pids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
