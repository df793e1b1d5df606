// SPDX-License-Identifier: GPL-3.0-or-later
//
// Breakpoints of our own at a gdbstub, beside the debugger's.
#ifndef GG_STUB_BREAKPOINTS_H
#define GG_STUB_BREAKPOINTS_H

#include "stub-run.h"

struct gg_stub_breakpoint {
	gg_gva_t address;
	size_t uses; // without a use the breakpoint is not in the guest
	// The guest's memory has the instruction of a breakpoint in the place of the code's first byte, or may have.
	bool is_software;
};

struct gg_stub_breakpoints {
	struct gg_stub_breakpoint *list;
	size_t count;
};

// Adds a use of the breakpoint at ADDRESS, of the CPUs' hardware as long as the hardware has room. The guest must
// stand still. RET is the breakpoint's index.
struct gg_error *gg_stub_breakpoint_add(struct gg_stub_run *run, struct gg_stub_breakpoints *points,
					gg_gva_t address, size_t *ret);

// Takes a use away; the last use takes the breakpoint out of the guest, which must stand still.
struct gg_error *gg_stub_breakpoint_drop(struct gg_stub_run *run,
					 struct gg_stub_breakpoints *points, size_t index);

// Finds the breakpoint at ADDRESS that is in the guest. Returns false if there is none.
bool gg_stub_breakpoint_find(const struct gg_stub_breakpoints *points, gg_gva_t address,
			     size_t *ret);

// Executes the instruction at the breakpoint INDEX, which THREAD stands at, while all other threads stand still; PC
// is the gdbstub's number of the program counter. A packet that puts the breakpoint in again is added; its OK is the next reply.
struct gg_error *gg_stub_step_over(struct gg_stub_run *run,
				   const struct gg_stub_breakpoints *points, size_t index,
				   unsigned int thread, unsigned int pc);

// Takes all breakpoints out of the guest, which must stand still. POINTS is zeros afterwards, also after an error.
struct gg_error *gg_stub_breakpoints_end(struct gg_stub_run *run,
					 struct gg_stub_breakpoints *points);

#endif
