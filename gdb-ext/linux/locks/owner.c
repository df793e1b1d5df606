// SPDX-License-Identifier: GPL-3.0-or-later
//
// The owners of locks.
//
//     mutex      owner: the task_struct, and flags in the lowest 3 bits (Linux commit 3ca0ff571b09, v4.10)
//     rwsem      count: bit 0, a writer holds it; from bit 8 on: the number of readers. owner: the
//                task_struct, and flags in the lowest 2 bits; with bit 0 the last reader, which may
//                have let go (commits 94a9717b3c40 and 64489e78004c, v5.3)
//     rt_mutex   owner: the task_struct, bit 0: there are waiters. A rwsem of PREEMPT_RT has an rt_mutex inside,
//                and the number of its readers while a writer waits for them (kernel/locking/rwbase_rt.c, v5.15)
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
	RT_WRITER_BIAS = 1 << 30, // in readers, once a writer has the lock
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

static struct gg_error *find_rt_owner_by(struct gg_search *search, const struct gg_member *member,
					 struct gg_wait *wait)
{
	uint64_t owner;
	struct gg_error *err = gg_search_word(search, wait->lock, member, &owner);
	if (!err)
		set_recorded(search, wait, owner & ~(uint64_t)RT_MUTEX_FLAGS);
	return err;
}

// A writer owns the rt_mutex, and waits then for the readers, who are not recorded.
static struct gg_error *find_rt_rwsem_owner(struct gg_search *search, struct gg_wait *wait)
{
	return search->is_rt ? find_rt_owner_by(search, &search->layout.rwsem_rt_owner, wait)
			     : NULL;
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
	if (search->layout.rwsem_rt_owner.size)
		return find_rt_rwsem_owner(search, wait);
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
	return find_rt_owner_by(search, &search->layout.rt_owner, wait);
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

struct gg_error *gg_search_rt_mutex(struct gg_search *search, const struct gg_member *owner,
				    struct gg_wait *wait)
{
	uint64_t waiter, lock = 0;
	struct gg_error *err = gg_search_word(search, search->task->address,
					      &search->layout.task_rt_waiter, &waiter);
	if (!err && waiter)
		err = gg_search_word(search, waiter, &search->layout.rt_waiter_lock, &lock);
	if (err || !lock)
		return err;
	wait->lock = lock - (owner->offset - search->layout.rt_owner.offset);
	wait->found = GG_FOUND_BY_TASK;
	return NULL;
}

// Sets RET to the next lock of the window, from *AT on, whose OWNER is the task, or to 0.
static struct gg_error *find_owned(struct gg_search *search, const struct gg_member *owner,
				   gg_gva_t *at, gg_gva_t *ret)
{
	const unsigned int word = search->kernel->typed.address_size;
	uint64_t address, task;
	*ret = 0;
	for (; gg_window_word(search, *at, &address); *at += word) {
		if (!gg_search_is_pointer(search, address))
			continue;
		struct gg_error *err = gg_search_word(search, address, owner, &task);
		if (err)
			return err;
		// The lowest bit is an rt_mutex's.
		if ((task & ~(uint64_t)RT_MUTEX_FLAGS) == search->task->address) {
			*ret = address;
			*at += word;
			return NULL;
		}
	}
	return NULL;
}

struct gg_error *gg_search_percpu_writer(struct gg_search *search, struct gg_wait *wait)
{
	gg_gva_t at = search->window.start;
	struct gg_error *err = find_owned(search, &search->layout.percpu_writer, &at, &wait->lock);
	if (!err && wait->lock)
		wait->found = GG_FOUND_BY_WORD;
	return err;
}

struct gg_error *gg_search_rt_writer(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_locks_layout *layout = &search->layout;
	gg_gva_t at = search->window.start, lock;
	uint64_t readers;
	struct gg_error *err = NULL;
	while (!(err = find_owned(search, &layout->rwsem_rt_owner, &at, &lock)) && lock) {
		err = gg_search_word(search, lock, &layout->rwsem_rt_readers, &readers);
		if (err)
			break;
		// The task may own other locks, too.
		if (!readers || readers >= RT_WRITER_BIAS)
			continue;
		wait->lock = lock;
		wait->found = GG_FOUND_BY_WORD;
		snprintf(wait->about, sizeof(wait->about), "held by %" PRIu64 " reader%s", readers,
			 readers == 1 ? "" : "s");
		break;
	}
	return err;
}
