// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged stacks, queues, locks and owners. The first byte of the input chooses whether queues have
// heads; the rest is a list of changes to a sound kernel, (offset u16, width u8, value u64),
// little-endian. With bit 7 of the width the value is an address in the kernel's memory.
#include "fuzz.h"

#include "../unit/fake-locks.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11, POINTER = 0x80 };

static void change(const struct fake_locks *locks, const uint8_t *data)
{
	const size_t width = data[2] & POINTER ? 8 : (size_t)1 << data[2] % 4;
	const size_t offset = (size_t)(data[0] | data[1] << 8);
	uint64_t value;
	memcpy(&value, data + 3, sizeof(value));
	if (data[2] & POINTER)
		value = FAKE_LOCKS_BASE + (value & 0xffff);
	if (offset + width <= FAKE_LOCKS_SIZE)
		memcpy(locks->memory + offset, &value, width);
}

// Each wait is one that may be; the circles are certain, and each task is in one list at most.
static void check(const struct gg_waits *waits)
{
	const size_t count = waits->tasks->count;
	size_t listed = 0;
	for (size_t i = 0; i < count; i++) {
		const struct gg_wait *wait = &waits->waits[i];
		const struct gg_task *task = &waits->tasks->tasks[i];
		if (wait->behind >= count || wait->deadlock > waits->deadlocks ||
		    (wait->found != GG_FOUND_NOTHING) != !!wait->lock ||
		    strlen(wait->about) >= sizeof(wait->about) ||
		    (wait->owner == GG_OWNER_KNOWN && !wait->holder))
			abort();
		if (wait->deadlock &&
		    gg_wait_of(waits, gg_wait_certain(waits, task))->deadlock != wait->deadlock)
			abort();
		for (size_t next = wait->first_behind; next;
		     next = waits->waits[next - 1].next_behind)
			if (++listed > count || waits->waits[next - 1].holder != task)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_locks locks;
	struct gg_waits waits;
	fake_locks_init(&locks, !size || data[0] & 1);
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE)
		change(&locks, data + at);
	fake_locks_add_tasks(&locks);
	struct gg_error *err =
		gg_waits_read(&locks.answerers, locks.unwinder, &locks.tasks, "DSI", &waits);
	if (!err)
		check(&waits);
	gg_waits_deinit(&waits);
	gg_error_destroy(err);
	fake_locks_deinit(&locks);
	return 0;
}
