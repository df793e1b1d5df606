// SPDX-License-Identifier: GPL-3.0-or-later
//
// A stack as text and as JSON.
#ifndef GG_STACK_TEXT_H
#define GG_STACK_TEXT_H

#include "base/buffer.h"
#include "guest/inner-stack.h"
#include "guest/stacks.h"

// A stack to print: of one task or CPU, or of a group of tasks with equal stacks.
struct gg_shown_stack {
	struct gg_guest_stack stack;       // of one of the tasks
	const struct gg_task **tasks;      // owned; NULL where the stack is not of a group
	size_t count;                      // of TASKS
	const struct gg_answerers *kernel; // whose symbols are in the text
	uint64_t clock;                    // the scheduler's, in ns; 0 if not known
	bool raw;                          // with the words of each frame
	// The stack of the nested guest that the stack's CPU executes (borrowed); NULL without a nested guest.
	const struct gg_inner_stack *inner;
};

// Appends SHOWN to TEXT. An error is final.
struct gg_error *gg_append_stack_text(struct gg_buffer *text, const struct gg_shown_stack *shown);
struct gg_error *gg_append_stack_json(struct gg_buffer *text, const struct gg_shown_stack *shown);

// Finds the function of FRAME. A return address may be behind the function's last instruction, a call.
// RET's name is NULL without a symbol.
struct gg_error *gg_frame_symbol(const struct gg_answerers *kernel, const struct gg_frame *frame,
				 struct gg_symbol *ret);

// Finds the nanoseconds since the task of SHOWN was last put on a CPU. Returns false where they are not
// known.
bool gg_shown_age(const struct gg_shown_stack *shown, uint64_t *ret);

// Returns the word for the kind of an entry: "IRQ".
const char *gg_entry_kind_name(enum gg_entry_kind kind);

#endif
