// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tasks of a guest's kernel that wait: for which lock, page or disk, and for which task, to the
// end of the chain.
#ifndef GG_LOCKS_H
#define GG_LOCKS_H

#include "linux/stack/stack.h"

enum { GG_WAIT_ABOUT = 96 };

enum gg_wait_kind {
	GG_NO_WAIT,    // the task does not sleep, or its stack is not known
	GG_WAIT_PLAIN, // for nothing that is known
	GG_WAIT_MUTEX,
	GG_WAIT_RWSEM,
	GG_WAIT_SEMAPHORE,
	GG_WAIT_RT_MUTEX,
	GG_WAIT_PERCPU_RWSEM,
	GG_WAIT_FILE_LOCK, // of flock() or fcntl()
	GG_WAIT_COMPLETION,
	GG_WAIT_PAGE, // LOCK is its struct folio
	GG_WAIT_BUFFER,
	GG_WAIT_BIT, // LOCK is the word of the bit
	GG_WAIT_BIO,
};

// The evidence for a lock.
enum gg_wait_found {
	GG_FOUND_NOTHING,
	GG_FOUND_BY_WAITER, // the task's entry in the lock's queue, on its stack
	GG_FOUND_BY_TASK,   // a member of its task_struct, borne out by the lock
	GG_FOUND_BY_WORD,   // a word of its stack, borne out by the lock
};

enum gg_wait_mode { GG_WAIT_ANY_MODE, GG_WAIT_TO_READ, GG_WAIT_TO_WRITE };

enum gg_lock_owner {
	GG_OWNER_UNKNOWN, // the lock does not record its owner, or has none
	GG_OWNER_KNOWN,
	// The last recorded of several owners, which may have let go; or a task that was started after the
	// wait.
	GG_OWNER_MAYBE,
	GG_OWNER_GONE, // the recorded owner is no task any more
};

// A task's wait.
struct gg_wait {
	enum gg_wait_kind kind;
	enum gg_wait_mode mode;
	gg_gva_t lock; // 0 if not known
	enum gg_wait_found found;
	char about[GG_WAIT_ABOUT];     // more about LOCK: a disk, a file; or ""
	const struct gg_task *mmap_of; // LOCK is the mmap_lock of this task's memory; else NULL
	enum gg_lock_owner owner;
	gg_gva_t owner_address;       // the owner's struct task_struct; 0 if not known
	const struct gg_task *holder; // the owner; NULL if not known
	gg_gva_t
		place; // the return address of the call into the scheduler or a lock; 0 if not known
	bool is_guess; // PLACE may be wrong: the stack is not known for sure
	// The chain.
	size_t deadlock; // the number, from 1, of the circle that the task is in; 0 without
	size_t behind;   // the number of tasks that wait for this task, directly or through others
	// The list of the tasks whose HOLDER is this task, by index + 1; 0 ends the list.
	size_t first_behind, next_behind;
};

struct gg_waits {
	const struct gg_tasks *tasks; // borrowed
	struct gg_wait *waits;        // of each task
	size_t deadlocks;
};

// Finds the waits of TASKS, which must outlive RET, on their stacks: of the tasks whose state is one of
// the letters STATES. An unknown wait is GG_WAIT_PLAIN or GG_NO_WAIT.
struct gg_error *gg_waits_read(const struct gg_answerers *kernel, struct gg_unwinder *unwinder,
			       const struct gg_tasks *tasks, const char *states,
			       struct gg_waits *ret);

// WAITS may be zeros.
void gg_waits_deinit(struct gg_waits *waits);

// Returns the wait of TASK, one of WAITS' tasks.
struct gg_wait *gg_wait_of(const struct gg_waits *waits, const struct gg_task *task);

// Returns the task that TASK certainly waits for; NULL without.
const struct gg_task *gg_wait_certain(const struct gg_waits *waits, const struct gg_task *task);

// Finds the circles, and counts the tasks behind each task (chains.c).
struct gg_error *gg_waits_follow(struct gg_waits *waits);

// Tests whether the wait is for a lock, which another task holds.
bool gg_wait_is_lock(const struct gg_wait *wait);

#endif
