// SPDX-License-Identifier: GPL-3.0-or-later
//
// The calls of functions in a guest that runs.
#ifndef GG_TRACE_H
#define GG_TRACE_H

#include "trace-types.h"

#include <gdb-guest/trace.h>

void gg_trace_deinit(struct gg_trace *trace);

struct gg_trace_request {
	const struct gg_trace_options *options;
	// Called with each call and return. The guest runs, and its memory must not be read; with stacks the
	// guest stands still. An error ends the trace.
	struct gg_error *(*event)(void *data, const struct gg_trace_event *event);
	void *data;
};

// Lets GUEST, at a gdbstub and stopped, run, and traces the functions; GUEST is stopped at the end, also after
// an error. The caller calls gg_trace_deinit(), also after an error.
struct gg_error *gg_guest_trace(struct gg_guest *guest, const struct gg_trace_request *request,
				const struct gg_notices *notices, struct gg_trace *ret);

#endif
