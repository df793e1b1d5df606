// SPDX-License-Identifier: GPL-3.0-or-later
//
// A process that tidies up at a gdbstub when the debugger dies while breakpoints of our own are in the guest: QEMU
// would keep both the breakpoints and a guest that stands still at one.
#ifndef GG_STUB_GUARD_H
#define GG_STUB_GUARD_H

#include "stub-run.h"

struct gg_stub_guard {
	int alive; // closed by the kernel when this process dies; -1 without a guard
};

// Starts the guard of RUN's connection. THREADS are the gdbstub's COUNT numbers of the CPUs. When this process dies, the
// guard takes the breakpoints out of the guest, and with LET_RUN lets the guest run, else stops it.
struct gg_error *gg_stub_guard_start(struct gg_stub_guard *guard, struct gg_stub_run *run,
				     const unsigned int *threads, size_t count, bool let_run);

// Ends the guard, which then leaves the guest alone.
void gg_stub_guard_end(struct gg_stub_guard *guard);

#endif
