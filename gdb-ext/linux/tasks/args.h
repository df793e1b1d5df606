// SPDX-License-Identifier: GPL-3.0-or-later
//
// The arguments of a process, out of its own memory.
#ifndef GG_TASK_ARGS_H
#define GG_TASK_ARGS_H

#include "mm.h"

struct gg_task_args {
	char *bytes; // owned: the arguments, each with its NUL, as /proc/PID/cmdline has them
	size_t size;
	struct gg_error *missing; // the reason for which the rest is not there, owned; or NULL
};

// Reads the arguments of the process whose memory is MM. Pages that are not in memory end them, and
// are no error.
struct gg_error *gg_task_args_read(const struct gg_answerers *kernel, const struct gg_mm *mm,
				   struct gg_task_args *ret);

// ARGS may be zeros.
void gg_task_args_deinit(struct gg_task_args *args);

#endif
