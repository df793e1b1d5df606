// SPDX-License-Identifier: GPL-3.0-or-later
//
// The names of kernel threads as /proc/PID/comm has them: longer than a task_struct's comm.
#ifndef GG_KTHREAD_H
#define GG_KTHREAD_H

#include "host/record.h"
#include "tasks.h"

enum { GG_KTHREAD_NAME = 64 };

struct gg_kthread_layout {
	struct gg_member desc, current_work, pool, task; // of a worker
};

// A reader of many.
struct gg_kthread_reader {
	const struct gg_host *host;
	struct gg_kthread_layout layout;
	struct gg_record worker;
	size_t data, name; // words of struct kthread, of a worker and a full name; 0: not met yet
};

// Resolves the members; a kernel without them has short names. KERNEL must outlive RET.
struct gg_error *gg_kthread_reader_init(struct gg_kthread_reader *ret,
					const struct gg_answerers *kernel);

// READER may be zeros.
void gg_kthread_reader_deinit(struct gg_kthread_reader *reader);

// Reads the name of TASK, any at all: "kworker/0:1-events"; where nothing longer is known, the name
// that TASK has.
struct gg_error *gg_kthread_name(struct gg_kthread_reader *reader, const struct gg_task *task,
				 char ret[GG_KTHREAD_NAME]);

#endif
