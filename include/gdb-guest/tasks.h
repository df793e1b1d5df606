// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tasks of the guest's kernel.
#ifndef GDB_GUEST_TASKS_H
#define GDB_GUEST_TASKS_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>

#pragma GCC visibility push(default)

struct gg_tasks_options {
	const char *states; // letters of ps: only tasks in these states; NULL for all
	const char *pids;   // "N" or a list with commas: only these tasks; NULL for all
	bool kernel_only;   // only tasks of the kernel's own
	bool user_only;     // only processes
	bool threads;       // a row for each thread
	bool tree;          // by parent, as a tree
	bool memory;        // by resident memory, the largest first, with more of it
	bool args;          // the arguments in place of the name
	bool paths;         // the program's file and the working directory too
	bool json;          // an object on a line for each task
};

// Writes the list of the tasks of GUEST's kernel, by PID; nothing where no task meets OPTIONS.
// GG_INVALID for wrong OPTIONS, GG_NOT_FOUND for a PID that no task has.
//
// The JSON objects have "pid" (a thread's own), "tgid" (the process), "ppid", "comm", "state" (ps's
// letter), "cpu" (where it is or was last), "running" (it is on a CPU), "kernel" (a kernel thread or a
// CPU's idle task); "rss", "vsz" and "swap" in bytes; "time_ns" on CPUs, of a process all threads';
// "since_ns", the time since it was last put on a CPU; "start_ns" from boot to its start; the addresses
// "task", "mm" and "stack" (the lowest); with ARGS "args", an array, whose last element is null where the
// rest is not in memory; with ARGS or PATHS "exe" and "cwd". A value that is not known is null.
struct gg_error *gg_print_tasks(struct gg_guest *guest, const struct gg_tasks_options *options,
				const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
