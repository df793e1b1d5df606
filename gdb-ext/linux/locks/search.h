// SPDX-License-Identifier: GPL-3.0-or-later
//
// The search for the lock that one task waits for: shared by the files of this folder.
#ifndef GG_LOCKS_SEARCH_H
#define GG_LOCKS_SEARCH_H

#include "layout.h"

enum {
	GG_RING = 1 << 14, // nodes of a queue, at most
	GG_WINDOW = 4096,
	GG_WINDOW_BELOW = 64, // the registers that the switch to another task saved
};

// A task's place in the queue of a lock, found with another task's.
struct gg_queued {
	gg_gva_t node, lock;
	enum gg_wait_found found;
};

// A node of the queue under examination.
struct gg_ring_node {
	gg_gva_t address;
	const struct gg_task *task; // the waiting task; NULL for the list's head
};

// The part of a task's stack from where it was switched out to the function that waits.
struct gg_window {
	gg_gva_t start;
	size_t size;
	gg_gva_t frame; // the start of the frame of the function that waits
	uint8_t bytes[GG_WINDOW];
};

struct gg_search {
	const struct gg_answerers *kernel;
	const struct gg_tasks *tasks;
	struct gg_unwinder *unwinder;
	struct gg_locks_layout layout;
	struct gg_queued *queued; // of each task
	struct gg_ring_node *ring;
	size_t ring_count;
	gg_gva_t text_start, text_end; // the scheduler's functions; 0 if not known
	// From the clock of the tasks' start to the scheduler's clock: the greatest lower bound known.
	int64_t offset;
	bool has_offset;
	gg_gva_t last_rwsem; // the last rwsem, and the task whose mmap_lock it is
	const struct gg_task *last_mmap;
	// The task.
	const struct gg_task *task;
	struct gg_window window;
	bool is_bio; // a function that waits for a bio is on its stack
	bool is_rt; // the function that waits does so for an rt_mutex, which may be inside another lock
};

// Reads the word at ADDRESS from the window.
bool gg_window_word(const struct gg_search *search, gg_gva_t address, uint64_t *ret);

// Moves *AT on to the next place of WORD in the window. Returns false without such a place.
bool gg_window_find(const struct gg_search *search, uint64_t word, gg_gva_t *at);

// Tests whether WORD may be a pointer to a struct of the kernel that is not on the task's stack.
bool gg_search_is_pointer(const struct gg_search *search, uint64_t word);

// Reads MEMBER of the struct at ADDRESS; 0 if the kernel lacks MEMBER or it cannot be read.
struct gg_error *gg_search_word(const struct gg_search *search, gg_gva_t address,
				const struct gg_member *member, uint64_t *ret);

// Finds the lock by the task's waiter in the lock's queue (queue.c).
struct gg_error *gg_search_queue(struct gg_search *search, const struct gg_queue_layout *layout,
				 struct gg_wait *wait);

// Finds the owner of the wait's lock (owner.c).
struct gg_error *gg_search_owner(struct gg_search *search, struct gg_wait *wait);

// Finds the rt_mutex, or the lock around the rt_mutex, which has the rt_mutex's OWNER (owner.c).
struct gg_error *gg_search_rt_mutex(struct gg_search *search, const struct gg_member *owner,
				    struct gg_wait *wait);

// Find the percpu_rwsem, and the rwsem of PREEMPT_RT, that a writer waits to be free of readers (owner.c).
struct gg_error *gg_search_percpu_writer(struct gg_search *search, struct gg_wait *wait);
struct gg_error *gg_search_rt_writer(struct gg_search *search, struct gg_wait *wait);

// Find the page, the bit and the bio (io.c).
struct gg_error *gg_search_page(struct gg_search *search, struct gg_wait *wait);
struct gg_error *gg_search_bit(struct gg_search *search, struct gg_wait *wait);
struct gg_error *gg_search_bio(struct gg_search *search, struct gg_wait *wait);

#endif
