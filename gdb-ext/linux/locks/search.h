// SPDX-License-Identifier: GPL-3.0-or-later
//
// The search for what one task waits for: shared by the files of this folder.
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

// The part of a task's stack from where it was switched out to the function that waits.
struct gg_window {
	gg_gva_t start;
	size_t size;
	gg_gva_t
		frame; // the start of the function's frame; what it has on the stack is at or behind it
	uint8_t bytes[GG_WINDOW];
};

struct gg_search {
	const struct gg_answerers *kernel;
	const struct gg_tasks *tasks;
	struct gg_unwinder *unwinder;
	struct gg_locks_layout layout;
	struct gg_queued *queued; // of each task
	gg_gva_t *ring;           // the queue that is looked at
	size_t ring_count;
	gg_gva_t text_start, text_end; // the scheduler's functions; 0 if not known
	// From the clock of the tasks' start to the scheduler's clock, or less.
	int64_t offset;
	bool has_offset;
	// The task.
	const struct gg_task *task;
	struct gg_window window;
	bool is_bio; // its stack has a function that waits for a bio
};

// Reads the word at ADDRESS from the window.
bool gg_window_word(const struct gg_search *search, gg_gva_t address, uint64_t *ret);

// Finds the next place, from *AT on, at which the window has WORD. Returns false where there is none.
bool gg_window_find(const struct gg_search *search, uint64_t word, gg_gva_t *at);

// Tests whether WORD may be a pointer to a struct of the kernel that is not on the task's stack.
bool gg_search_is_pointer(const struct gg_search *search, uint64_t word);

// Reads a word of the kernel; 0 where it cannot be read. MEMBER may be one that the kernel lacks.
struct gg_error *gg_search_word(const struct gg_search *search, gg_gva_t address,
				const struct gg_member *member, uint64_t *ret);

// Finds the lock in whose queue the task is (queue.c).
struct gg_error *gg_search_queue(struct gg_search *search, const struct gg_queue_layout *layout,
				 struct gg_wait *wait);

// Finds the owner of the wait's lock (owner.c).
struct gg_error *gg_search_owner(struct gg_search *search, struct gg_wait *wait);

// Finds the lock of a task that waits for a rt_mutex, or to write where others read (owner.c).
struct gg_error *gg_search_rt_mutex(struct gg_search *search, struct gg_wait *wait);
struct gg_error *gg_search_percpu_writer(struct gg_search *search, struct gg_wait *wait);

// Find the page, the bit and the bio (io.c).
struct gg_error *gg_search_page(struct gg_search *search, struct gg_wait *wait);
struct gg_error *gg_search_bit(struct gg_search *search, struct gg_wait *wait);
struct gg_error *gg_search_bio(struct gg_search *search, struct gg_wait *wait);

#endif
