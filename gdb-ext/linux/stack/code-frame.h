// SPDX-License-Identifier: GPL-3.0-or-later
//
// A function's frame in the middle of its code: a compiler makes the frame some instructions behind the function's start, and a
// function may return before it has one.
#ifndef GG_CODE_FRAME_H
#define GG_CODE_FRAME_H

#include "stack-ops.h"
#include "vmlinux/code-rules.h"

// Finds the frame before the instruction at the walk's pc, by the architecture's rules for a made vmlinux; GG_FRAME_NO_SP where
// the frame does not follow from the instructions.
struct gg_error *gg_stack_code_frame(const struct gg_unwind *unwind, struct gg_code_frame *ret);

// The place that interrupted code returns to.
struct gg_stack_caller {
	bool is_found;
	gg_gva_t pc, sp;
	uint64_t fp; // 0 where the walk has no frame pointer
};

// Finds the caller of interrupted code that has not made its frame yet, or has taken it apart. LINK and FP are the registers of
// the return address and of the frame pointer. Nothing is found for code whose frame is in the chain of frames.
struct gg_error *gg_stack_find_caller(struct gg_unwind *unwind, unsigned int link, unsigned int fp,
				      struct gg_stack_caller *ret);

// Returns to CALLER; its frame pointer is left to the architecture. Returns false, and does nothing, where nothing was found,
// and for a pc that is not behind code of the kernel's.
bool gg_stack_return(struct gg_unwind *unwind, unsigned int link,
		     const struct gg_stack_caller *caller);

#endif
