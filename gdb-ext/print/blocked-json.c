// SPDX-License-Identifier: GPL-3.0-or-later
//
// A blocked task as JSON, an object on a line.
#include "base/json.h"
#include "blocked.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const kinds[] = {
	[GG_WAIT_MUTEX] = "mutex",
	[GG_WAIT_RWSEM] = "rwsem",
	[GG_WAIT_SEMAPHORE] = "semaphore",
	[GG_WAIT_RT_MUTEX] = "rt_mutex",
	[GG_WAIT_PERCPU_RWSEM] = "percpu_rwsem",
	[GG_WAIT_FILE_LOCK] = "file_lock",
	[GG_WAIT_COMPLETION] = "completion",
	[GG_WAIT_PAGE] = "page",
	[GG_WAIT_BUFFER] = "buffer",
	[GG_WAIT_BIT] = "bit",
	[GG_WAIT_BIO] = "bio",
};

static void append_address(struct gg_buffer *text, const char *key, gg_gva_t address)
{
	if (address)
		gg_json_address(text, key, address);
	else
		gg_json_null(text, key);
}

// Appends the symbol that ADDRESS is in, its offset and its module, as the object KEY.
static struct gg_error *append_symbol(struct gg_buffer *text, const char *key,
				      const struct gg_answerers *kernel, gg_gva_t address)
{
	struct gg_symbol symbol = { 0 };
	struct gg_error *err = address ? gg_symbols_at(kernel->symbols, address, &symbol) : NULL;
	if (err || !symbol.name) {
		gg_json_null(text, key);
		return gg_error_unless_final(err);
	}
	gg_json_open_object(text, key);
	gg_json_string(text, "name", symbol.name);
	gg_json_uint(text, "offset", address - symbol.address);
	gg_json_string(text, "module", symbol.module);
	gg_json_close_object(text);
	return NULL;
}

static void append_task(struct gg_buffer *text, const struct gg_task *task)
{
	gg_json_format(text, "pid", "%" PRId32, task->pid);
	gg_json_format(text, "tgid", "%" PRId32, task->tgid);
	gg_json_string(text, "comm", task->comm);
	gg_json_string(text, "state", (const char[]){ task->state, 0 });
	gg_json_address(text, "task", task->address);
}

static void append_owner(struct gg_buffer *text, const struct gg_wait *wait)
{
	if (!wait->owner) {
		gg_json_null(text, "owner");
		return;
	}
	gg_json_open_object(text, "owner");
	if (wait->holder)
		append_task(text, wait->holder);
	else
		append_address(text, "task", wait->owner_address);
	gg_json_bool(text, "certain", wait->owner == GG_OWNER_KNOWN);
	gg_json_bool(text, "gone", wait->owner == GG_OWNER_GONE);
	gg_json_close_object(text);
}

// Appends the PIDs of the members of the task's deadlock, itself first.
static void append_deadlock(struct gg_buffer *text, const struct gg_waits *waits,
			    const struct gg_task *task)
{
	const struct gg_task *member = task;
	if (!gg_wait_of(waits, task)->deadlock) {
		gg_json_null(text, "deadlock");
		return;
	}
	gg_json_open_array(text, "deadlock");
	do {
		gg_json_format(text, NULL, "%" PRId32, member->pid);
		member = gg_wait_certain(waits, member);
	} while (member != task);
	gg_json_close_array(text);
}

struct gg_error *gg_append_blocked_json(struct gg_buffer *text,
					const struct gg_guest_blocked *blocked,
					const struct gg_task *task)
{
	static const char *const modes[] = { NULL, "read", "write" };
	static const char *const ways[] = { NULL, "waiter", "task", "stack" };
	const struct gg_answerers *kernel = blocked->stacks.kernel;
	const struct gg_wait *wait = gg_wait_of(&blocked->waits, task);
	uint64_t age;
	gg_json_open_object(text, NULL);
	append_task(text, task);
	if (gg_guest_blocked_age(blocked, task, &age))
		gg_json_uint(text, "asleep_ns", age);
	else
		gg_json_null(text, "asleep_ns");
	gg_json_string(text, "kind", wait->kind > GG_WAIT_PLAIN ? kinds[wait->kind] : NULL);
	append_address(text, "lock", wait->lock);
	struct gg_error *err = append_symbol(text, "symbol", kernel, wait->lock);
	gg_json_string(text, "mode", modes[wait->mode]);
	gg_json_string(text, "about", wait->about[0] ? wait->about : NULL);
	if (wait->mmap_of)
		gg_json_format(text, "mmap_of", "%" PRId32, wait->mmap_of->tgid);
	else
		gg_json_null(text, "mmap_of");
	gg_json_string(text, "found", ways[wait->found]);
	append_owner(text, wait);
	append_address(text, "place", wait->place);
	if (!err)
		err = append_symbol(text, "function", kernel, wait->place);
	gg_json_bool(text, "guess", wait->is_guess);
	append_deadlock(text, &blocked->waits, task);
	gg_json_uint(text, "behind", wait->behind);
	gg_json_close_object(text);
	gg_json_end_line(text);
	return err;
}
