// SPDX-License-Identifier: GPL-3.0-or-later
//
// A profile of a guest that runs: what its CPUs execute, by samples.
#ifndef GDB_GUEST_PROFILE_H
#define GDB_GUEST_PROFILE_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma GCC visibility push(default)

struct gg_profile_options {
	// The debugger's name of its gdbstub, and the number that the gdbstub gives the thread which the
	// debugger has selected.
	const char *address;
	unsigned int thread;

	// Without ADDRESS: the process PID, which stands still, and the way to let it run, as
	// gg_front_end.run; NULL for a target that cannot run.
	pid_t pid;
	struct gg_error *(*run)(void *data, unsigned int milliseconds, char **ret);
	void *run_data;

	const char *cpus;     // "N", "N-M" or a list with commas; NULL for all
	unsigned int hz;      // samples a second of each CPU, at least 1
	unsigned int seconds; // at least 1
	bool stacks;          // the kernel's stacks too
	bool stop;          // a process stands still for each sample, as a guest at a gdbstub does
	unsigned int top;   // rows of the table
	const char *folded; // path of a file with folded stacks, or NULL
	const char *flame;  // path of a flame graph, an SVG, or NULL
	const char *perf;   // path of a file as "perf script" prints it, or NULL
	bool force;         // replace files that exist
	bool json;
	bool live; // the table is shown each second, on a terminal
};

// Lets the guest at a gdbstub, or of a process, run, takes samples, and stops it again; then writes a table to
// WRITER, and the files. Ctrl-C ends the samples, and is no error.
//
// The JSON objects are a row each ("samples", "share" of the CPUs' time, "pid", "comm", "mode" kernel or user,
// "symbol" and "module", null for a program), then an object with "samples", "idle", "cpus", "rounds",
// "seconds", "hz", "asked_hz", "stopped" (the share of the time for which the guest stood still),
// "delay_ns" (the median time from asking for a sample to the guest's stop; null of a process), "limited", "ended" (null, or why the guest stopped by
// itself) and "interrupted".
struct gg_error *gg_print_profile(struct gg_guest *guest, const struct gg_profile_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
