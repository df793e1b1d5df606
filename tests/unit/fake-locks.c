// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-locks.h"
#include "arch/arch.h"
#include "linux/stack/stack-ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT UINT64_C(0xffffffff81000000)

enum { WORD = 8, FUNCTION_SIZE = 0x100, MAX_FRAMES = 16 };

enum { SCHEDULE, MUTEX_LOCK, DOWN_READ, DOWN_WRITE, WAIT_BIT, WORK, WAKE_PAGE, FUNCTIONS };

static const char *const functions[FUNCTIONS] = {
	[SCHEDULE] = "__schedule",
	[MUTEX_LOCK] = "__mutex_lock.constprop.0",
	[DOWN_READ] = "rwsem_down_read_slowpath",
	[DOWN_WRITE] = "rwsem_down_write_slowpath",
	[WAIT_BIT] = "folio_wait_bit_common",
	[WORK] = "work",
	[WAKE_PAGE] = "wake_page_function",
};

// ---- The architecture ----

static struct gg_error *open_stacks(const struct gg_answerers *kernel, void **ret)
{
	(void)kernel;
	*ret = NULL;
	return NULL;
}

static void close_stacks(void *data)
{
	(void)data;
}

static uint64_t stack_size(const void *data)
{
	(void)data;
	return FAKE_STACK_SIZE;
}

static struct gg_error *read_frame(struct gg_unwind *unwind, size_t i)
{
	const struct gg_host *host = &unwind->kernel->typed;
	const gg_gva_t at = unwind->stack + FAKE_FRAMES + 2 * WORD * i;
	struct gg_error *err = gg_host_read_uint(host, at, WORD, &unwind->pc);
	if (!err)
		err = gg_host_read_uint(host, at + WORD, WORD, &unwind->sp);
	unwind->has_ended = !err && !unwind->pc;
	return err;
}

static struct gg_error *start_sleeping(struct gg_unwind *unwind)
{
	return read_frame(unwind, 0);
}

static struct gg_error *step(struct gg_unwind *unwind)
{
	const gg_gva_t sp = unwind->sp;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < MAX_FRAMES; i++) {
		err = read_frame(unwind, i);
		if (err || unwind->sp > sp || unwind->has_ended)
			return err;
	}
	unwind->has_ended = true;
	return err;
}

static const struct gg_stack_ops stack_ops = {
	.open = open_stacks,
	.close = close_stacks,
	.stack_size = stack_size,
	.start_sleeping = start_sleeping,
	.step = step,
};

static const struct gg_register_set no_registers = { 0 };

static const struct gg_arch arch = {
	.name = "fake", .word = WORD, .registers = &no_registers, .stack = &stack_ops
};

// ---- Symbols and members ----

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	(void)data;
	if (strcmp(name, "__sched_text_start") && strcmp(name, "__sched_text_end"))
		return gg_error_create(GG_NOT_FOUND, "no %s", name);
	ret->address = TEXT + (strcmp(name, "__sched_text_start") ? FUNCTION_SIZE : 0);
	return NULL;
}

static struct gg_error *find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	(void)data;
	const uint64_t i = (address - TEXT) / FUNCTION_SIZE;
	if (address < TEXT || i >= FUNCTIONS)
		return gg_error_create(GG_NOT_FOUND, "no symbol");
	*ret = (struct gg_symbol){ .name = functions[i],
				   .type = 't',
				   .address = TEXT + i * FUNCTION_SIZE,
				   .size = FUNCTION_SIZE };
	return NULL;
}

static void destroy(void *data)
{
	(void)data;
}

static const struct gg_symbol_finder_ops finder_ops = { .find = find,
							.find_at = find_at,
							.destroy = destroy };

struct member {
	const char *type, *path;
	unsigned int offset;
	enum { ALWAYS, WITH_HEADS, WITHOUT_HEADS } when;
};

static const struct member members[] = {
	{ "mutex", "owner", FAKE_OWNER, ALWAYS },
	{ "mutex", "wait_list", FAKE_QUEUE, WITH_HEADS },
	{ "mutex", "first_waiter", FAKE_QUEUE, WITHOUT_HEADS },
	{ "mutex_waiter", "list", 0, ALWAYS },
	{ "mutex_waiter", "task", 16, ALWAYS },
	{ "rw_semaphore", "count", FAKE_COUNT, ALWAYS },
	{ "rw_semaphore", "owner", FAKE_OWNER, ALWAYS },
	{ "rw_semaphore", "wait_list", FAKE_QUEUE, WITH_HEADS },
	{ "rw_semaphore", "first_waiter", FAKE_QUEUE, WITHOUT_HEADS },
	{ "rwsem_waiter", "list", 0, ALWAYS },
	{ "rwsem_waiter", "task", 16, ALWAYS },
	{ "task_struct", "blocker", FAKE_BLOCKER, WITHOUT_HEADS },
	{ "task_struct", "blocked_on", FAKE_BLOCKED_ON, WITHOUT_HEADS },
	{ "task_struct", "se.exec_start", FAKE_EXEC_START, ALWAYS },
	{ "wait_page_queue", "folio", 0, ALWAYS },
	{ "wait_page_queue", "bit_nr", 8, ALWAYS },
	{ "wait_page_queue", "wait.private", 24, ALWAYS },
	{ "wait_page_queue", "wait.func", 32, ALWAYS },
	{ "folio", "mapping", 24, ALWAYS },
	{ "address_space", "host", 0, ALWAYS },
	{ "inode", "i_sb", 0, ALWAYS },
	{ "inode", "i_ino", 8, ALWAYS },
	{ "super_block", "s_id", 16, ALWAYS },
};

static void check(struct gg_error *err)
{
	if (err)
		abort();
}

static void add_members(struct gg_bytes_host *bytes, bool has_heads)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const struct member *member = &members[i];
		const uint64_t size = strcmp(member->path, "s_id") ? WORD : 4 * WORD;
		if (member->when == ALWAYS || (member->when == WITH_HEADS) == has_heads)
			check(gg_bytes_host_add_member(bytes, member->type, member->path,
						       member->offset, size));
	}
}

// ---- Memory ----

void fake_locks_put(struct fake_locks *locks, unsigned int offset, uint64_t word)
{
	memcpy(locks->memory + offset, &word, sizeof(word));
}

static void put_frames(struct fake_locks *locks, unsigned int task, unsigned int function)
{
	const uint64_t frames[][2] = { { SCHEDULE, FAKE_SP },
				       { function, FAKE_SP + 0x40 },
				       { WORK, FAKE_CALLER } };
	for (unsigned int i = 0; i < 3; i++) {
		const unsigned int at = fake_stack(task, FAKE_FRAMES + 2 * WORD * i);
		fake_locks_put(locks, at, TEXT + frames[i][0] * FUNCTION_SIZE + 0x10);
		fake_locks_put(locks, at + WORD,
			       fake_locks_at(fake_stack(task, (unsigned int)frames[i][1])));
	}
}

// Queues the tasks behind the lock at LOCK.
static void put_queue(struct fake_locks *locks, unsigned int lock, const unsigned int *tasks,
		      unsigned int count, bool has_heads)
{
	unsigned int nodes[FAKE_LOCKS_TASKS + 1];
	for (unsigned int i = 0; i < count; i++)
		nodes[i] = fake_stack(tasks[i], FAKE_WAITER);
	fake_locks_put(locks, lock + FAKE_QUEUE, fake_locks_at(nodes[0]));
	if (has_heads)
		nodes[count] = lock + FAKE_QUEUE;
	const unsigned int total = count + has_heads;
	for (unsigned int i = 0; i < total; i++) {
		fake_locks_put(locks, nodes[i], fake_locks_at(nodes[(i + 1) % total]));
		fake_locks_put(locks, nodes[i] + WORD,
			       fake_locks_at(nodes[(i + total - 1) % total]));
	}
	for (unsigned int i = 0; i < count; i++) {
		fake_locks_put(locks, nodes[i] + 2 * WORD, fake_locks_at(fake_locker(tasks[i])));
		// Without a head the task_struct has the lock, with the lock's kind in its lowest
		// bits.
		if (!has_heads)
			fake_locks_put(locks, fake_locker(tasks[i]) + FAKE_BLOCKER,
				       fake_locks_at(lock) | 2);
	}
}

static void put_locks(struct fake_locks *locks, bool has_heads)
{
	put_queue(locks, FAKE_MUTEX_1, (const unsigned int[]){ 2, 3 }, 2, has_heads);
	put_queue(locks, FAKE_MUTEX_2, (const unsigned int[]){ 1 }, 1, has_heads);
	put_queue(locks, FAKE_RWSEM, (const unsigned int[]){ 5, 6 }, 2, has_heads);
	fake_locks_put(locks, FAKE_MUTEX_1 + FAKE_OWNER, fake_locks_at(fake_locker(1)) | 1);
	fake_locks_put(locks, FAKE_MUTEX_2 + FAKE_OWNER, fake_locks_at(fake_locker(2)) | 1);
	fake_locks_put(locks, FAKE_RWSEM + FAKE_OWNER, fake_locks_at(fake_locker(4)));
	fake_locks_put(locks, FAKE_RWSEM + FAKE_COUNT, 3);
	const unsigned int page = fake_stack(7, FAKE_WAITER);
	fake_locks_put(locks, page, fake_locks_at(FAKE_FOLIO));
	fake_locks_put(locks, page + 3 * WORD, fake_locks_at(fake_locker(7)));
	fake_locks_put(locks, page + 4 * WORD, TEXT + WAKE_PAGE * FUNCTION_SIZE);
}

void fake_locks_add_tasks(struct fake_locks *locks)
{
	for (unsigned int i = 0; i < FAKE_LOCKS_TASKS; i++) {
		struct gg_task task = { .address = fake_locks_at(fake_locker(i)),
					.pid = (int32_t)i,
					.tgid = (int32_t)i,
					.state = i == 4 ? 'S' : 'D',
					.is_idle = !i,
					.stack = fake_locks_at(fake_stack(i, 0)),
					.start = 1000,
					.last_arrival = 2000 + i };
		snprintf(task.comm, sizeof(task.comm), "task-%u", i);
		check(gg_tasks_add(&locks->tasks, &task));
	}
	check(gg_unwinder_create(&locks->answerers, &locks->unwinder));
}

void fake_locks_init(struct fake_locks *locks, bool has_heads)
{
	static const unsigned int kinds[FAKE_LOCKS_TASKS] = { SCHEDULE,   MUTEX_LOCK, MUTEX_LOCK,
							      MUTEX_LOCK, WORK,       DOWN_READ,
							      DOWN_WRITE, WAIT_BIT };
	const struct gg_symbol_finder finder = {
		.name = "fake", .ops = &finder_ops, .order = 1, .size = UINT64_MAX
	};
	*locks = (struct fake_locks){ 0 };
	void *memory;
	check(gg_bytes_host_create(&locks->bytes));
	check(gg_bytes_host_add_memory(locks->bytes, FAKE_LOCKS_BASE, FAKE_LOCKS_SIZE, &memory));
	locks->memory = memory;
	add_members(locks->bytes, has_heads);
	check(gg_symbols_create(&locks->answerers.memory, NULL, &locks->answerers.symbols));
	check(gg_symbols_add(locks->answerers.symbols, &finder));
	check(gg_types_create(locks->answerers.symbols, NULL, &locks->answerers.types));
	locks->answerers.typed = *gg_bytes_host(locks->bytes);
	locks->answerers.memory.host = locks->answerers.typed;
	locks->answerers.arch = &arch;
	check(gg_bytes_host_add_symbol(locks->bytes, "__sched_text_start", TEXT));
	check(gg_bytes_host_add_symbol(locks->bytes, "__sched_text_end", TEXT + FUNCTION_SIZE));
	for (unsigned int i = 1; i < FAKE_LOCKS_TASKS; i++)
		put_frames(locks, i, kinds[i]);
	put_locks(locks, has_heads);
}

void fake_locks_deinit(struct fake_locks *locks)
{
	gg_unwinder_destroy(locks->unwinder);
	gg_tasks_deinit(&locks->tasks);
	gg_types_destroy(locks->answerers.types);
	gg_symbols_destroy(locks->answerers.symbols);
	gg_bytes_host_destroy(locks->bytes);
}
