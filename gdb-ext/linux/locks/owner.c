// SPDX-License-Identifier: GPL-3.0-or-later
//
// The owners of locks.
//
//     mutex      owner: the task_struct, and flags in the lowest 3 bits (Linux commit 3ca0ff571b09, v4.10)
//     rwsem      count: bit 0, a writer holds it; from bit 8 on: the number of readers. owner: the
//                task_struct, and flags in the lowest 2 bits; with bit 0 the last reader, which may
//                have let go (commits 94a9717b3c40 and 64489e78004c, v5.3)
//     rt_mutex   owner: the task_struct, bit 0: there are waiters
//     semaphore  last_holder: the last task that has passed it (v6.16)
//     file_lock  the lock that blocks it, and the PID of its process
//     completion of a vfork(): the child whose vfork_done points to it
#include "search.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	MUTEX_FLAGS = 7,
	MUTEX_PICKUP = 4, // the next owner is chosen, and is about to wake up
	RWSEM_FLAGS = 3,
	RWSEM_BY_READER = 1, // in owner
	RWSEM_WRITER = 1,    // in count
	RWSEM_READERS = 8,   // in count, the first bit; the last bit is a flag
	RT_MUTEX_FLAGS = 1,
};

// Tests whether TASK was started after the waiting task fell asleep. Then TASK may have the memory that
// was the owner's task_struct, and not the lock.
static bool is_younger(const struct gg_search *search, const struct gg_task *task)
{
	uint64_t asleep = search->task->last_arrival, last_run;
	if (!search->has_offset || !task->start || !asleep)
		return false;
	struct gg_error *err = gg_search_word(search, search->task->address,
					      &search->layout.task_last_run, &last_run);
	if (!err && last_run > asleep)
		asleep = last_run;
	gg_error_destroy(err);
	return (int64_t)task->start + search->offset > (int64_t)asleep;
}

static void set_owner(const struct gg_search *search, struct gg_wait *wait, gg_gva_t address,
		      enum gg_lock_owner kind)
{
	if (!address)
		return;
	const struct gg_task *holder = gg_tasks_at(search->tasks, address);
	if (kind == GG_OWNER_MAYBE && !holder)
		return;
	wait->owner_address = address;
	wait->holder = holder;
	wait->owner = holder ? kind : GG_OWNER_GONE;
}

// Sets the owner that the lock records.
static void set_recorded(const struct gg_search *search, struct gg_wait *wait, gg_gva_t address)
{
	set_owner(search, wait, address, GG_OWNER_KNOWN);
	if (wait->holder && is_younger(search, wait->holder))
		wait->owner = GG_OWNER_MAYBE;
}

// Sets the last task that has taken the lock, and may have let go, as the waiting task itself must
// have.
static void set_last(const struct gg_search *search, struct gg_wait *wait, gg_gva_t address)
{
	if (address != search->task->address)
		set_owner(search, wait, address, GG_OWNER_MAYBE);
}

static struct gg_error *find_mutex_owner(struct gg_search *search, struct gg_wait *wait)
{
	uint64_t owner;
	struct gg_error *err =
		gg_search_word(search, wait->lock, &search->layout.mutex_owner, &owner);
	// A mutex that is handed over holds up nobody.
	if (!err && !(owner & MUTEX_PICKUP))
		set_recorded(search, wait, owner & ~(uint64_t)MUTEX_FLAGS);
	return err;
}

static struct gg_error *find_rwsem_owner(struct gg_search *search, struct gg_wait *wait)
{
	uint64_t owner, count;
	struct gg_error *err =
		gg_search_word(search, wait->lock, &search->layout.rwsem_owner, &owner);
	if (!err)
		err = gg_search_word(search, wait->lock, &search->layout.rwsem_count, &count);
	if (err)
		return err;
	const bool by_reader = owner & RWSEM_BY_READER, by_writer = count & RWSEM_WRITER;
	owner &= ~(uint64_t)RWSEM_FLAGS;
	if (by_writer && !by_reader)
		set_recorded(search, wait, owner);
	else if (!by_writer && by_reader && (count & INT64_MAX) >> RWSEM_READERS)
		set_last(search, wait, owner);
	return NULL;
}

static struct gg_error *find_last_holder(struct gg_search *search, struct gg_wait *wait)
{
	uint64_t owner;
	struct gg_error *err =
		gg_search_word(search, wait->lock, &search->layout.semaphore_last_holder, &owner);
	if (!err)
		set_last(search, wait, owner);
	return err;
}

static struct gg_error *find_file_locker(struct gg_search *search, struct gg_wait *wait)
{
	uint64_t blocker, pid = 0;
	struct gg_error *err =
		gg_search_word(search, wait->lock, &search->layout.file_lock_blocker, &blocker);
	if (!err && blocker)
		err = gg_search_word(search, blocker, &search->layout.file_lock_pid, &pid);
	const struct gg_task *task = pid ? gg_tasks_of_pid(search->tasks, (int32_t)pid) : NULL;
	// A process may have passed its lock on to a child.
	if (task)
		set_owner(search, wait, task->address, GG_OWNER_MAYBE);
	return err;
}

static struct gg_error *find_vfork_child(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_tasks *tasks = search->tasks;
	for (size_t i = 0; i < tasks->count; i++) {
		uint64_t done;
		if (tasks->tasks[i].ppid != search->task->tgid || tasks->tasks[i].is_kernel)
			continue;
		struct gg_error *err = gg_search_word(search, tasks->tasks[i].address,
						      &search->layout.task_vfork_done, &done);
		if (err)
			return err;
		if (done == wait->lock) {
			set_owner(search, wait, tasks->tasks[i].address, GG_OWNER_KNOWN);
			snprintf(wait->about, sizeof(wait->about), "vfork()");
			return NULL;
		}
	}
	return NULL;
}

static struct gg_error *find_rt_owner(struct gg_search *search, struct gg_wait *wait)
{
	uint64_t owner;
	struct gg_error *err = gg_search_word(search, wait->lock, &search->layout.rt_owner, &owner);
	if (!err)
		set_recorded(search, wait, owner & ~(uint64_t)RT_MUTEX_FLAGS);
	return err;
}

struct gg_error *gg_search_owner(struct gg_search *search, struct gg_wait *wait)
{
	static struct gg_error *(*const find[])(struct gg_search *, struct gg_wait *) = {
		[GG_WAIT_MUTEX] = find_mutex_owner,
		[GG_WAIT_RWSEM] = find_rwsem_owner,
		[GG_WAIT_SEMAPHORE] = find_last_holder,
		[GG_WAIT_RT_MUTEX] = find_rt_owner,
		[GG_WAIT_FILE_LOCK] = find_file_locker,
		[GG_WAIT_COMPLETION] = find_vfork_child,
		[GG_WAIT_BIO] = NULL,
	};
	return wait->lock && find[wait->kind] ? find[wait->kind](search, wait) : NULL;
}

struct gg_error *gg_search_rt_mutex(struct gg_search *search, struct gg_wait *wait)
{
	uint64_t waiter, lock = 0;
	struct gg_error *err = gg_search_word(search, search->task->address,
					      &search->layout.task_rt_waiter, &waiter);
	if (!err && waiter)
		err = gg_search_word(search, waiter, &search->layout.rt_waiter_lock, &lock);
	wait->lock = err ? 0 : lock;
	wait->found = wait->lock ? GG_FOUND_BY_TASK : GG_FOUND_NOTHING;
	return err;
}

struct gg_error *gg_search_percpu_writer(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_window *window = &search->window;
	const unsigned int word = search->kernel->typed.address_size;
	for (gg_gva_t at = window->start; at - window->start < window->size; at += word) {
		uint64_t address, writer;
		if (!gg_window_word(search, at, &address) || !gg_search_is_pointer(search, address))
			continue;
		struct gg_error *err =
			gg_search_word(search, address, &search->layout.percpu_writer, &writer);
		if (err)
			return err;
		if (writer == search->task->address) {
			wait->lock = address;
			wait->found = GG_FOUND_BY_WORD;
			return NULL;
		}
	}
	return NULL;
}
