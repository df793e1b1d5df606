// SPDX-License-Identifier: GPL-3.0-or-later
//
// The queue of a lock. A waiting task has a waiter on its stack, which links to the other tasks'
// waiters; the lock has the list's head or, since Linux 7.1, the address of the first waiter.
//
// In:  the task's stack, other tasks' waiters.
// Out: the lock.
// Trusts nothing it reads: each link must lead back, each waiter must be on the stack of its task, only
// one node of a list may be no waiter, and the number of nodes is bounded.
#include "search.h"

#include <string.h>

// Returns the task whose waiter is at ADDRESS; NULL where ADDRESS is not on the task's stack.
static struct gg_error *find_task(const struct gg_search *search,
				  const struct gg_queue_layout *layout, gg_gva_t address,
				  const struct gg_task **ret)
{
	uint64_t task;
	struct gg_error *err = gg_search_word(search, address, &layout->task, &task);
	const struct gg_task *found = err ? NULL : gg_tasks_at(search->tasks, task);
	const bool is_waiter =
		found && address - found->stack < gg_unwinder_stack_size(search->unwinder);
	*ret = is_waiter ? found : NULL;
	return err;
}

// Reads the links of the node at ADDRESS in one piece: a round trip to a gdbstub.
static struct gg_error *read_links(const struct gg_search *search, gg_gva_t address, uint64_t *next,
				   uint64_t *prev)
{
	const struct gg_host *host = &search->kernel->typed;
	const unsigned int word = host->address_size;
	uint8_t bytes[2 * sizeof(uint64_t)];
	struct gg_error *err = gg_host_read(host, address, bytes, 2 * word);
	struct gg_cursor cursor = gg_cursor(bytes, 2 * word, host->big_endian, "list_head");
	if (!err)
		err = gg_cursor_uint(&cursor, word, next);
	if (!err)
		err = gg_cursor_uint(&cursor, word, prev);
	return err;
}

// Collects the nodes of the list that START is in. *HEAD becomes the node that is no waiter; 0 without.
// *RET: the list is sound.
static struct gg_error *collect(struct gg_search *search, const struct gg_queue_layout *layout,
				gg_gva_t start, gg_gva_t *head, bool *ret)
{
	gg_gva_t address = start, before = 0, next, prev, last = 0;
	*head = 0;
	*ret = false;
	search->ring_count = 0;
	do {
		struct gg_ring_node node = { .address = address };
		struct gg_error *err = read_links(search, address, &next, &prev);
		if (!err)
			err = find_task(search, layout, address - layout->list.offset, &node.task);
		if (err)
			return gg_error_unless_final(err);
		if ((before && prev != before) || search->ring_count == GG_RING ||
		    (!node.task && *head))
			return NULL;
		if (!before)
			last = prev;
		if (!node.task)
			*head = address;
		search->ring[search->ring_count++] = node;
		before = address;
		address = next;
	} while (address != start);
	*ret = last == before;
	return NULL;
}

// Tests whether the first waiter of the lock at ADDRESS is one of the collected nodes.
static struct gg_error *has_first(const struct gg_search *search,
				  const struct gg_queue_layout *layout, gg_gva_t address, bool *ret)
{
	uint64_t first;
	struct gg_error *err = gg_search_word(search, address, &layout->first, &first);
	*ret = false;
	for (size_t i = 0; !err && first && i < search->ring_count; i++)
		*ret |= search->ring[i].address == first + layout->list.offset;
	return err;
}

// Tests the lock whose address is in MEMBER of the task_struct, with flags in its lowest bits.
static struct gg_error *try_member(const struct gg_search *search,
				   const struct gg_queue_layout *layout,
				   const struct gg_member *member, struct gg_wait *wait)
{
	uint64_t address;
	bool is_lock = false;
	struct gg_error *err = gg_search_word(search, search->task->address, member, &address);
	address &= ~UINT64_C(3);
	if (!err && address)
		err = has_first(search, layout, address, &is_lock);
	if (is_lock) {
		wait->lock = address;
		wait->found = GG_FOUND_BY_TASK;
	}
	return err;
}

// Finds the lock whose first waiter is one of the collected nodes.
static struct gg_error *find_lock(struct gg_search *search, const struct gg_queue_layout *layout,
				  struct gg_wait *wait)
{
	const unsigned int word = search->kernel->typed.address_size;
	const struct gg_window *window = &search->window;
	struct gg_error *err = try_member(search, layout, &search->layout.task_blocker, wait);
	if (!err && !wait->lock)
		err = try_member(search, layout, &search->layout.task_blocked_on, wait);
	for (gg_gva_t at = window->start; !err && !wait->lock && at - window->start < window->size;
	     at += word) {
		uint64_t address;
		bool is_lock = false;
		if (!gg_window_word(search, at, &address) || !gg_search_is_pointer(search, address))
			continue;
		err = has_first(search, layout, address, &is_lock);
		if (is_lock) {
			wait->lock = address;
			wait->found = GG_FOUND_BY_WORD;
		}
	}
	return err;
}

// Keeps the lock for the other tasks in its queue.
static void remember(struct gg_search *search, const struct gg_wait *wait)
{
	for (size_t i = 0; i < search->ring_count; i++) {
		const struct gg_ring_node *node = &search->ring[i];
		if (node->task)
			search->queued[node->task - search->tasks->tasks] =
				(struct gg_queued){ node->address, wait->lock, wait->found };
	}
}

// Finds the lock by the task's NODE in its queue.
static struct gg_error *try_node(struct gg_search *search, const struct gg_queue_layout *layout,
				 gg_gva_t node, struct gg_wait *wait)
{
	const struct gg_queued *queued = &search->queued[search->task - search->tasks->tasks];
	gg_gva_t head;
	bool is_sound;
	if (queued->node == node) {
		wait->lock = queued->lock;
		wait->found = queued->found;
		return NULL;
	}
	struct gg_error *err = collect(search, layout, node, &head, &is_sound);
	if (err || !is_sound)
		return err;
	if (layout->first.size && !head)
		err = find_lock(search, layout, wait);
	if (layout->head.size && head) {
		wait->lock = head - layout->head.offset;
		wait->found = GG_FOUND_BY_WAITER;
	}
	if (!err && wait->lock)
		remember(search, wait);
	return err;
}

struct gg_error *gg_search_queue(struct gg_search *search, const struct gg_queue_layout *layout,
				 struct gg_wait *wait)
{
	gg_gva_t at = search->window.frame + layout->task.offset;
	if (!layout->task.size || !layout->list.size)
		return NULL;
	for (; gg_window_find(search, search->task->address, &at);
	     at += search->kernel->typed.address_size) {
		const gg_gva_t waiter = at - layout->task.offset;
		struct gg_error *err = try_node(search, layout, waiter + layout->list.offset, wait);
		if (err || wait->lock)
			return err;
	}
	return NULL;
}
