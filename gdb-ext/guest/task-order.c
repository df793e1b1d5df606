// SPDX-License-Identifier: GPL-3.0-or-later
//
// The order of the tasks that guest-ps shows.
//
// In:  rows.
// Out: rows, sorted; in the tree of parents each with its place.
// Trusts nothing it reads: parents that lead to themselves are roots.
#include "tasks.h"
#include "base/cleanup.h"

#include <string.h>

enum { NONE = UINT32_MAX };

static int compare_pids(const void *a, const void *b)
{
	const struct gg_task *x = ((const struct gg_task_row *)a)->task;
	const struct gg_task *y = ((const struct gg_task_row *)b)->task;
	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	if (gg_task_is_process(x) != gg_task_is_process(y))
		return gg_task_is_process(x) ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static int compare_memory(const void *a, const void *b)
{
	const struct gg_task_row *x = a, *y = b;
	const uint64_t rss_x = x->has_mm ? x->mm.rss : 0, rss_y = y->has_mm ? y->mm.rss : 0;
	if (rss_x != rss_y)
		return rss_x > rss_y ? -1 : 1;
	return compare_pids(a, b);
}

// ---- The tree ----

// The links between rows, by their indices.
struct links {
	uint32_t parent, first_child, next_sibling;
	bool is_placed;
};

// Finds the row of the process TGID among rows sorted by PID; NONE where it is no row.
static uint32_t find_process(const struct gg_task_list *list, int32_t tgid)
{
	size_t low = 0, high = list->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (list->rows[middle].task->tgid < tgid)
			low = middle + 1;
		else
			high = middle;
	}
	const struct gg_task *task = low < list->count ? list->rows[low].task : NULL;
	return task && task->tgid == tgid && gg_task_is_process(task) ? (uint32_t)low : NONE;
}

// Links each row to its parent's; a thread's parent is its process. The children of a row are linked
// by PID.
static void link_rows(const struct gg_task_list *list, struct links *links)
{
	for (uint32_t i = 0; i < list->count; i++)
		links[i] = (struct links){ NONE, NONE, NONE, false };
	for (uint32_t i = (uint32_t)list->count; i-- > 0;) {
		const struct gg_task *task = list->rows[i].task;
		const int32_t above = gg_task_is_process(task) ? task->ppid : task->tgid;
		const uint32_t parent = task->is_idle || !above ? NONE : find_process(list, above);
		if (parent == NONE || parent == i)
			continue;
		links[i].parent = parent;
		links[i].next_sibling = links[parent].first_child;
		links[parent].first_child = i;
	}
}

// Gives the row its depth below its parent's. Deeper than GG_TREE_DEPTH all rows stand alike.
static void place_row(struct gg_task_list *list, const struct links *links, uint32_t index)
{
	struct gg_task_row *row = &list->rows[index];
	if (links[index].parent == NONE)
		return;
	const struct gg_task_row *parent = &list->rows[links[index].parent];
	row->depth = parent->depth < GG_TREE_DEPTH ? parent->depth + 1 : GG_TREE_DEPTH;
	row->siblings = parent->siblings & ~(UINT64_C(1) << row->depth);
	if (links[index].next_sibling != NONE)
		row->siblings |= UINT64_C(1) << row->depth;
}

// Appends the row ROOT and its descendants to SORTED, which has *COUNT rows.
static void add_subtree(struct gg_task_list *list, struct links *links, uint32_t root,
			struct gg_task_row *sorted, size_t *count)
{
	uint32_t at = root;
	links[root].parent = NONE;
	while (at != NONE) {
		if (!links[at].is_placed) {
			links[at].is_placed = true;
			place_row(list, links, at);
			sorted[(*count)++] = list->rows[at];
		}
		const uint32_t child = links[at].first_child;
		if (child != NONE) {
			links[at].first_child = links[child].next_sibling;
			at = links[child].is_placed ? at : child;
		} else {
			at = links[at].parent;
		}
	}
}

static struct gg_error *sort_by_parent(struct gg_task_list *list)
{
	_cleanup_free_ struct links *links = calloc(list->count + 1, sizeof(*links));
	_cleanup_free_ struct gg_task_row *sorted = calloc(list->count + 1, sizeof(*sorted));
	size_t count = 0;
	if (!links || !sorted)
		return gg_enomem;
	link_rows(list, links);
	for (uint32_t i = 0; i < list->count; i++)
		if (links[i].parent == NONE)
			add_subtree(list, links, i, sorted, &count);
	// The rest are in circles of parents.
	for (uint32_t i = 0; i < list->count; i++)
		if (!links[i].is_placed)
			add_subtree(list, links, i, sorted, &count);
	free(list->rows);
	list->rows = no_cleanup_ptr(sorted);
	return NULL;
}

struct gg_error *gg_task_list_sort(struct gg_task_list *list, enum gg_task_order order)
{
	qsort(list->rows, list->count, sizeof(*list->rows),
	      order == GG_BY_MEMORY ? compare_memory : compare_pids);
	return order == GG_BY_PARENT ? sort_by_parent(list) : NULL;
}
