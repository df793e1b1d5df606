// SPDX-License-Identifier: GPL-3.0-or-later
//
// The calls of the kernel's functions while a guest runs.
#ifndef GDB_GUEST_TRACE_H
#define GDB_GUEST_TRACE_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct gg_trace_options {
	// The debugger's name of its gdbstub, and the number that the gdbstub gives the thread which the
	// debugger has selected.
	const char *address;
	unsigned int thread;
	bool let_run; // the guest runs on if the debugger dies meanwhile

	const char *functions; // "FUNCTION", "MODULE:FUNCTION", "0xADDRESS", or a list with commas
	const char *condition; // or NULL
	uint64_t count;        // calls; 0 for any number
	unsigned int seconds;  // at least 1
	unsigned int limit;    // stops of the guest in a second, at least 1
	bool arguments, results, stacks;
	bool summary; // no line for each call
	bool json;
};

// Lets the guest at a gdbstub run, and writes a line to WRITER for each call of the functions; stops the guest
// again, without breakpoints in it, and writes a summary. Ctrl-C ends the trace, and is no error.
//
// The JSON objects are a call each ("event" call or return, "call" its number, "time" in seconds that the guest has run since the
// start, "cpu", "pid" of the thread, "comm", "function", "module"; of a call "arguments", a list with "name", "type",
// "value" and "text", and "stack", a list with "address", "symbol" and "module"; of a return "took", in seconds, "type",
// "value", "text" and "error", an errno's name), then an object for each function with "function", "module",
// "address" and "calls", then an object with "calls", "matched" (with a condition, else the same), "seconds", "rate",
// "stops", "stopped" (the share of the time for which the guest stood still), "stop_ns" (the mean time that a stop takes before a packet says so), "pending" (calls that have not returned), "ended" (null, or the
// reason for which the guest stopped by itself), "limited" (there were too many calls) and "interrupted".
struct gg_error *gg_print_trace(struct gg_guest *guest, const struct gg_trace_options *options,
				const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
