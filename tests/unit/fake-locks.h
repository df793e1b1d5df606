// SPDX-License-Identifier: GPL-3.0-or-later
//
// A Linux kernel with tasks that wait for locks, in memory of 64 KiB: for queues, owners and stacks that
// no real guest gives. The members' names are those of Linux v6.1, and without heads of v7.2; their
// places are made up, and so is the architecture: a task's stack starts with a table of its frames.
//
//     task 1, 2   each holds the mutex that the other waits for
//     task 3      waits for the mutex of task 1
//     task 4      sleeps, and holds the rwsem for writing
//     task 5, 6   wait for the rwsem, to read and to write
//     task 7      waits for a page
#ifndef FAKE_LOCKS_H
#define FAKE_LOCKS_H

#include "host/bytes.h"
#include "linux/locks/locks.h"

#define FAKE_LOCKS_BASE UINT64_C(0xffff888000000000)

enum {
	FAKE_LOCKS_SIZE = 64 << 10,
	FAKE_LOCKS_TASKS = 8, // the first is idle
	// Offsets in the memory.
	FAKE_LOCKERS = 0, // FAKE_LOCKER_SIZE bytes a task_struct
	FAKE_LOCKER_SIZE = 0x100,
	FAKE_MUTEX_1 = 0x1000, // task 1's
	FAKE_MUTEX_2 = 0x1100, // task 2's
	FAKE_RWSEM = 0x1200,
	FAKE_FOLIO = 0x1300,
	FAKE_STACKS = 0x2000, // FAKE_STACK_SIZE bytes each
	FAKE_STACK_SIZE = 0x1000,
	// Offsets in a task_struct.
	FAKE_BLOCKER = 0,
	FAKE_BLOCKED_ON = 8,
	FAKE_EXEC_START = 16,
	// In a mutex or a rwsem.
	FAKE_COUNT = 0,
	FAKE_OWNER = 8,
	FAKE_QUEUE = 24, // the head, or the first waiter's address
	// In a stack: the frames, a pair of words each (pc, sp), up to a pc of 0.
	FAKE_FRAMES = 0,
	FAKE_SP = 0x800,     // of the scheduler's frame
	FAKE_WAITER = 0x880, // in the next frame
	FAKE_CALLER = 0x900, // the frame behind
};

struct fake_locks {
	struct gg_bytes_host *bytes;
	uint8_t *memory;
	struct gg_answerers answerers;
	struct gg_tasks tasks;
	struct gg_unwinder *unwinder;
};

// Makes the kernel, whose queues have heads or, as since Linux 7.1, none.
void fake_locks_init(struct fake_locks *locks, bool has_heads);
void fake_locks_deinit(struct fake_locks *locks);

// Returns the address of what is at OFFSET in the memory.
static inline gg_gva_t fake_locks_at(unsigned int offset)
{
	return FAKE_LOCKS_BASE + offset;
}

// Returns the offset in the memory of the task_struct of task I, or of what its stack has at OFFSET.
static inline unsigned int fake_locker(unsigned int i)
{
	return FAKE_LOCKERS + i * FAKE_LOCKER_SIZE;
}

static inline unsigned int fake_stack(unsigned int i, unsigned int offset)
{
	return FAKE_STACKS + i * FAKE_STACK_SIZE + offset;
}

void fake_locks_put(struct fake_locks *locks, unsigned int offset, uint64_t word);

// Adds the tasks, as they are then; called once, before the waits are read.
void fake_locks_add_tasks(struct fake_locks *locks);

#endif
