// SPDX-License-Identifier: GPL-3.0-or-later
//
// The waits of tasks. The functions on a task's stack give the kind of the lock, and the frame that has
// the task's entry in the lock's queue.
//
// In:  the tasks, their stacks, the kernel's members and memory.
// Out: waits.
// Trusts nothing it reads: a function's name alone makes no lock known, and the lock must bear out
// what is on the stack.
#include "search.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <string.h>

enum {
	INNER_FRAMES = 12, // of a stack: the scheduler's and the locks' are among them
	WAITER_FRAMES = 3, // from the function that waits: the waiter may be its caller's
	BIO_FRAMES = 5,
};

struct function {
	const char *name; // without the compiler's suffix (.constprop.0)
	enum gg_wait_kind kind;
	enum gg_wait_mode mode;
};

// The functions that have a waiter on their stack, or whose callers have it, v5.4 to v7.2.
static const struct function functions[] = {
	{ "__mutex_lock", GG_WAIT_MUTEX, 0 },
	{ "__ww_mutex_lock", GG_WAIT_MUTEX, 0 },
	{ "__mutex_lock_common", GG_WAIT_MUTEX, 0 },
	{ "__mutex_lock_slowpath", GG_WAIT_MUTEX, 0 },
	{ "__mutex_lock_killable_slowpath", GG_WAIT_MUTEX, 0 },
	{ "__mutex_lock_interruptible_slowpath", GG_WAIT_MUTEX, 0 },
	{ "rwsem_down_read_slowpath", GG_WAIT_RWSEM, GG_WAIT_TO_READ },
	{ "rwsem_down_write_slowpath", GG_WAIT_RWSEM, GG_WAIT_TO_WRITE },
	{ "__down", GG_WAIT_SEMAPHORE, 0 },
	{ "__down_interruptible", GG_WAIT_SEMAPHORE, 0 },
	{ "__down_killable", GG_WAIT_SEMAPHORE, 0 },
	{ "__down_timeout", GG_WAIT_SEMAPHORE, 0 },
	{ "__down_common", GG_WAIT_SEMAPHORE, 0 },
	{ "___down_common", GG_WAIT_SEMAPHORE, 0 },
	{ "rt_mutex_slowlock", GG_WAIT_RT_MUTEX, 0 },
	{ "__rt_mutex_slowlock", GG_WAIT_RT_MUTEX, 0 },
	{ "__rt_mutex_slowlock_locked", GG_WAIT_RT_MUTEX, 0 },
	{ "rt_mutex_slowlock_block", GG_WAIT_RT_MUTEX, 0 },
	{ "rt_mutex_wait_proxy_lock", GG_WAIT_RT_MUTEX, 0 },
	{ "rtlock_slowlock_locked", GG_WAIT_RT_MUTEX, 0 },
	{ "schedule_rtlock", GG_WAIT_RT_MUTEX, 0 },
	// A rwsem has an rt_mutex inside with PREEMPT_RT (kernel/locking/rwbase_rt.c, since v5.15).
	{ "rwbase_read_lock", GG_WAIT_RWSEM, GG_WAIT_TO_READ },
	{ "__rwbase_read_lock", GG_WAIT_RWSEM, GG_WAIT_TO_READ },
	{ "rwbase_write_lock", GG_WAIT_RWSEM, GG_WAIT_TO_WRITE },
	{ "percpu_rwsem_wait", GG_WAIT_PERCPU_RWSEM, 0 },
	{ "__percpu_down_read", GG_WAIT_PERCPU_RWSEM, GG_WAIT_TO_READ },
	{ "percpu_down_write", GG_WAIT_PERCPU_RWSEM, GG_WAIT_TO_WRITE },
	{ "flock_lock_inode_wait", GG_WAIT_FILE_LOCK, 0 },
	{ "posix_lock_inode_wait", GG_WAIT_FILE_LOCK, 0 },
	{ "locks_lock_inode_wait", GG_WAIT_FILE_LOCK, 0 },
	{ "fcntl_setlk", GG_WAIT_FILE_LOCK, 0 },
	{ "__wait_for_common", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_common", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion_io", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion_io_timeout", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion_interruptible", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion_interruptible_timeout", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion_killable", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion_killable_timeout", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion_state", GG_WAIT_COMPLETION, 0 },
	{ "wait_for_completion_timeout", GG_WAIT_COMPLETION, 0 },
	{ "folio_wait_bit_common", GG_WAIT_PAGE, 0 },
	{ "wait_on_page_bit_common", GG_WAIT_PAGE, 0 },
	{ "bit_wait_io", GG_WAIT_BUFFER, 0 },
	{ "out_of_line_wait_on_bit", GG_WAIT_BIT, 0 },
	{ "out_of_line_wait_on_bit_lock", GG_WAIT_BIT, 0 },
	{ "out_of_line_wait_on_bit_timeout", GG_WAIT_BIT, 0 },
};

// The functions that wait for a bio by a completion.
static const struct function bio_functions[] = {
	{ "submit_bio_wait", GG_WAIT_BIO, 0 },
	{ "bio_await", GG_WAIT_BIO, 0 },
};

// A function of the scheduler outside of its text.
static const char rt_schedule[] = "rt_mutex_schedule";

static const struct function *find_function(const struct function *list, size_t count,
					    const char *name)
{
	const size_t length = strcspn(name, ".");
	for (size_t i = 0; i < count; i++)
		if (!strncmp(list[i].name, name, length) && !list[i].name[length])
			return &list[i];
	return NULL;
}

// ---- The window ----

bool gg_window_word(const struct gg_search *search, gg_gva_t address, uint64_t *ret)
{
	const struct gg_window *window = &search->window;
	struct gg_cursor cursor =
		gg_cursor(window->bytes, window->size, search->kernel->typed.big_endian, "stack");
	struct gg_error *err = gg_cursor_seek(&cursor, address - window->start);
	if (!err)
		err = gg_cursor_uint(&cursor, search->kernel->typed.address_size, ret);
	gg_error_destroy(err);
	return !err;
}

bool gg_window_find(const struct gg_search *search, uint64_t word, gg_gva_t *at)
{
	const unsigned int size = search->kernel->typed.address_size;
	uint64_t found;
	for (; gg_window_word(search, *at, &found); *at += size)
		if (found == word)
			return true;
	return false;
}

bool gg_search_is_pointer(const struct gg_search *search, uint64_t word)
{
	const unsigned int size = search->kernel->typed.address_size;
	return word >> (8 * size - 1) && word % size == 0 &&
	       word - search->task->stack >= gg_unwinder_stack_size(search->unwinder);
}

struct gg_error *gg_search_word(const struct gg_search *search, gg_gva_t address,
				const struct gg_member *member, uint64_t *ret)
{
	struct gg_error *err = NULL;
	*ret = 0;
	if (member->size)
		err = gg_host_read_member(&search->kernel->typed, address, member, ret);
	if (err)
		*ret = 0;
	return gg_error_unless_final(err);
}

// ---- One task ----

// The function that waits, and its frame.
struct waiting {
	const struct function *function;
	size_t frame;
};

// Tests whether the function is the scheduler's or a lock's.
static bool is_scheduler(const struct gg_search *search, gg_gva_t pc, const char *name)
{
	return pc - search->text_start < search->text_end - search->text_start ||
	       find_function(functions, sizeof(functions) / sizeof(*functions), name) ||
	       find_function(bio_functions, sizeof(bio_functions) / sizeof(*bio_functions), name) ||
	       !strcmp(name, rt_schedule);
}

// Tests whether the function waits for an rt_mutex that may be inside another lock: those of spinlocks and
// rwlocks are not looked for.
static bool is_sleeping_lock(const struct function *function)
{
	return function->kind == GG_WAIT_RT_MUTEX && !strstr(function->name, "rtlock");
}

// Adds the function of frame I to WAITING and WAIT.
static void add_function(struct gg_search *search, const char *name, size_t i,
			 struct waiting *waiting, struct gg_wait *wait)
{
	const struct function *function =
		find_function(functions, sizeof(functions) / sizeof(*functions), name);
	search->is_bio |=
		find_function(bio_functions, sizeof(bio_functions) / sizeof(*bio_functions),
			      name) != NULL;
	if (!function)
		return;
	// The caller of percpu_rwsem_wait() has the mode, that of bit_wait_io() the waiter.
	if (!waiting->function || waiting->function->kind == GG_WAIT_BUFFER) {
		wait->kind = waiting->function ? GG_WAIT_BUFFER : function->kind;
		*waiting = (struct waiting){ function, i };
	} else if (is_sleeping_lock(waiting->function) && function->kind == GG_WAIT_RWSEM) {
		wait->kind = function->kind;
	}
	if (function->kind == wait->kind && function->mode)
		wait->mode = function->mode;
}

// Finds the function that waits, and the place of the call.
static struct gg_error *find_waiting(struct gg_search *search, const struct gg_stack *stack,
				     struct waiting *waiting, struct gg_wait *wait)
{
	*waiting = (struct waiting){ 0 };
	search->is_bio = false;
	for (size_t i = 0; i < stack->count && i < INNER_FRAMES; i++) {
		const struct gg_frame *frame = &stack->frames[i];
		struct gg_symbol symbol = { .name = "" };
		struct gg_error *err = gg_symbols_at(search->kernel->symbols,
						     frame->pc - !frame->is_exact, &symbol);
		err = gg_error_unless_final(err);
		if (err)
			return err;
		const struct function *before = waiting->function;
		add_function(search, symbol.name, i, waiting, wait);
		if (!wait->place && !is_scheduler(search, frame->pc, symbol.name)) {
			wait->place = frame->pc;
			wait->is_guess = frame->is_guess;
		}
		if (wait->place && before && i > waiting->frame + BIO_FRAMES)
			break;
	}
	return NULL;
}

static struct gg_error *read_window(struct gg_search *search, const struct gg_stack *stack,
				    size_t frame)
{
	struct gg_window *window = &search->window;
	const gg_gva_t stack_end = search->task->stack + gg_unwinder_stack_size(search->unwinder);
	size_t last = frame + (search->is_bio ? BIO_FRAMES : WAITER_FRAMES);
	if (last >= stack->count)
		last = stack->count - 1;
	gg_gva_t end = stack->frames[last].end ? stack->frames[last].end : stack->frames[last].sp;
	window->start = stack->frames[0].sp - GG_WINDOW_BELOW;
	window->frame = stack->frames[frame].sp;
	window->size = 0;
	if (window->start < search->task->stack || window->start >= stack_end)
		return NULL;
	if (end > stack_end || end < window->start)
		end = stack_end;
	const uint64_t size = end - window->start < GG_WINDOW ? end - window->start : GG_WINDOW;
	struct gg_error *err =
		gg_host_read(&search->kernel->typed, window->start, window->bytes, size);
	window->size = err ? 0 : size;
	return gg_error_unless_final(err);
}

// Finds an rt_mutex, or the rwsem around the rt_mutex where the kernel's types tell its place.
static struct gg_error *find_rt_lock(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_locks_layout *layout = &search->layout;
	if (wait->kind == GG_WAIT_RWSEM && layout->rwsem_rt_owner.size)
		return gg_search_rt_mutex(search, &layout->rwsem_rt_owner, wait);
	wait->kind = GG_WAIT_RT_MUTEX;
	wait->mode = 0;
	return gg_search_rt_mutex(search, &layout->rt_owner, wait);
}

static struct gg_error *find_lock(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_locks_layout *layout = &search->layout;
	const struct gg_queue_layout *const queues[] = {
		[GG_WAIT_MUTEX] = &layout->mutex,
		[GG_WAIT_RWSEM] = &layout->rwsem,
		[GG_WAIT_SEMAPHORE] = &layout->semaphore,
		[GG_WAIT_PERCPU_RWSEM] = &layout->percpu,
		[GG_WAIT_FILE_LOCK] = &layout->file_lock,
		[GG_WAIT_COMPLETION] = &layout->completion,
		[GG_WAIT_BIO] = NULL,
	};
	struct gg_error *err = NULL;
	if (search->is_rt)
		err = find_rt_lock(search, wait);
	else if (queues[wait->kind])
		err = gg_search_queue(search, queues[wait->kind], wait);
	else if (wait->kind == GG_WAIT_PAGE)
		err = gg_search_page(search, wait);
	else
		err = gg_search_bit(search, wait);
	if (!err && !wait->lock && wait->kind == GG_WAIT_PERCPU_RWSEM)
		err = gg_search_percpu_writer(search, wait);
	if (!err && !wait->lock && wait->kind == GG_WAIT_RWSEM)
		err = gg_search_rt_writer(search, wait);
	if (!err && wait->kind == GG_WAIT_COMPLETION && search->is_bio)
		err = gg_search_bio(search, wait);
	return err ? err : gg_search_owner(search, wait);
}

// Finds the task whose memory the rwsem guards.
static void find_mmap(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_member *member = &search->layout.mm_lock;
	// Many tasks may wait for the same lock.
	if (search->last_rwsem == wait->lock) {
		wait->mmap_of = search->last_mmap;
		return;
	}
	for (size_t i = 0; member->size && i < search->tasks->count && !wait->mmap_of; i++)
		if (search->tasks->tasks[i].mm &&
		    search->tasks->tasks[i].mm + member->offset == wait->lock)
			wait->mmap_of = &search->tasks->tasks[i];
	search->last_rwsem = wait->lock;
	search->last_mmap = wait->mmap_of;
}

static struct gg_error *inspect(struct gg_search *search, const struct gg_task *task,
				struct gg_wait *wait)
{
	struct gg_stack stack;
	struct waiting waiting;
	search->task = task;
	struct gg_error *err = gg_stack_of_sleeping(search->unwinder, task, &stack);
	if (!err)
		err = find_waiting(search, &stack, &waiting, wait);
	if (!err && stack.count && !wait->kind)
		wait->kind = GG_WAIT_PLAIN;
	if (!err && waiting.function) {
		search->is_rt = waiting.function->kind == GG_WAIT_RT_MUTEX;
		err = read_window(search, &stack, waiting.frame);
		if (!err)
			err = find_lock(search, wait);
	}
	if (!err && wait->kind == GG_WAIT_RWSEM && wait->lock)
		find_mmap(search, wait);
	gg_stack_deinit(&stack);
	return gg_error_unless_final(err);
}

// ---- All tasks ----

struct gg_wait *gg_wait_of(const struct gg_waits *waits, const struct gg_task *task)
{
	return &waits->waits[task - waits->tasks->tasks];
}

void gg_waits_deinit(struct gg_waits *waits)
{
	free(waits->waits);
	*waits = (struct gg_waits){ 0 };
}

bool gg_wait_is_lock(const struct gg_wait *wait)
{
	return wait->kind >= GG_WAIT_MUTEX && wait->kind <= GG_WAIT_FILE_LOCK;
}

static bool is_asked_for(const struct gg_task *task, const char *states)
{
	return !task->on_cpu && !task->is_idle && task->state && strchr(states, task->state);
}

// Estimates the offset by the task that ran soonest after its start.
static void find_offset(struct gg_search *search)
{
	for (size_t i = 0; i < search->tasks->count; i++) {
		const struct gg_task *task = &search->tasks->tasks[i];
		const int64_t offset = (int64_t)(task->last_arrival - task->start);
		if (!task->start || !task->last_arrival)
			continue;
		if (!search->has_offset || offset < search->offset)
			search->offset = offset;
		search->has_offset = true;
	}
}

static struct gg_error *prepare(struct gg_search *search)
{
	const struct gg_host *host = &search->kernel->typed;
	struct gg_error *err = gg_locks_layout_read(search->kernel, &search->layout);
	if (err)
		return err;
	find_offset(search);
	search->queued = calloc(search->tasks->count + 1, sizeof(*search->queued));
	search->ring = calloc(GG_RING, sizeof(*search->ring));
	if (!search->queued || !search->ring)
		return gg_enomem;
	err = gg_host_symbol(host, "__sched_text_start", &search->text_start);
	if (!err)
		err = gg_host_symbol(host, "__sched_text_end", &search->text_end);
	if (err)
		search->text_start = search->text_end = 0;
	return gg_error_unless_final(err);
}

struct gg_error *gg_waits_read(const struct gg_answerers *kernel, struct gg_unwinder *unwinder,
			       const struct gg_tasks *tasks, const char *states,
			       struct gg_waits *ret)
{
	_cleanup_free_ struct gg_search *search = calloc(1, sizeof(*search));
	*ret = (struct gg_waits){ .tasks = tasks };
	ret->waits = calloc(tasks->count + 1, sizeof(*ret->waits));
	if (!search || !ret->waits)
		return gg_enomem;
	search->kernel = kernel;
	search->tasks = tasks;
	search->unwinder = unwinder;
	struct gg_error *err = prepare(search);
	for (size_t i = 0; !err && i < tasks->count; i++) {
		err = gg_interrupt_check();
		if (!err && is_asked_for(&tasks->tasks[i], states))
			err = inspect(search, &tasks->tasks[i], &ret->waits[i]);
	}
	if (!err)
		err = gg_waits_follow(ret);
	free(search->queued);
	free(search->ring);
	return err;
}
