// SPDX-License-Identifier: GPL-3.0-or-later
//
// The stacks of the guest's kernel.
#ifndef GDB_GUEST_STACKS_H
#define GDB_GUEST_STACKS_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>

#pragma GCC visibility push(default)

// The stacks to write: those of the CPUs, unless a member chooses others.
struct gg_stacks_options {
	const char *cpus;   // of these CPUs: "N", "N-M" or a list of these with commas; or NULL
	const char *pids;   // of the tasks with these PIDs: "N" or a list with commas; or NULL
	const char *states; // of the tasks in these states, letters of ps; or NULL
	bool all;           // those of all tasks
	bool group;         // equal stacks together
	bool raw;           // the words of each frame too
	bool json;          // an object on a line for each stack, or group of stacks
};

// Writes stacks of GUEST's kernel. GG_INVALID for options that contradict each other,
// GG_NOT_FOUND for a PID or CPU that is not there.
//
// The JSON objects have the task's "pid", "tgid", "comm", "state", "cpu", "task" (address), "since_ns", null
// without a task ("no_task" is the reason), or of a group "count" and "tasks"; "on_cpu" (QEMU's number);
// "start" (sleep, registers, crash, memory) and "why" the CPU's registers are not used; "end" (user, end,
// broken, gone), "broken" (the reason), "user_pc", "user_sp"; and "frames", each with "pc", "sp", "symbol",
// "offset", "size", "module", "exact", "guess", "words" (of -raw) and "entry": null, or "kind" (irq, nmi,
// exception, syscall, other), "name", "number", "user", "registers", "pc", "sp".
struct gg_error *gg_print_stacks(struct gg_guest *guest, const struct gg_stacks_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
