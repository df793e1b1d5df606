// SPDX-License-Identifier: GPL-3.0-or-later
//
// The stacks of a guest's kernel: the calls that a task or a CPU is in, and the ways by which the
// kernel was entered (interrupts, exceptions, system calls).
#ifndef GG_STACK_H
#define GG_STACK_H

#include "frame.h"
#include "linux/answerers/answerers.h"
#include "linux/tasks/tasks.h"

enum {
	GG_STACK_FRAMES = 256, // of one stack, at most
	GG_STACK_WHY = 256,
};

enum gg_stack_end {
	GG_STACK_AT_USER, // the kernel was entered from a program
	GG_STACK_AT_END,  // the first function of a kernel thread, or of an idle task
	GG_STACK_BROKEN,  // no further frame is found for sure: WHY
	GG_STACK_GONE,    // a dead task has no stack any more
};

struct gg_stack {
	struct gg_frame *frames; // the innermost first
	size_t count;
	size_t sound; // of a broken stack: frames before the break, if guesses were found behind it
	enum gg_stack_end end;
	char why[GG_STACK_WHY];    // a stack is broken; else ""
	gg_gva_t user_pc, user_sp; // of a program, with GG_STACK_AT_USER
};

struct gg_unwinder;

// Prepares to walk the stacks of KERNEL, which must outlive RET. GG_UNSUPPORTED for an architecture
// whose stacks are not walked yet, GG_NOT_FOUND where the kernel's types are not known.
struct gg_error *gg_unwinder_create(const struct gg_answerers *kernel, struct gg_unwinder **ret);

// Destroys UNWINDER, which may be NULL.
void gg_unwinder_destroy(struct gg_unwinder *unwinder);

// Returns the bytes of a task's stack.
uint64_t gg_unwinder_stack_size(const struct gg_unwinder *unwinder);

// The three walks. A stack that breaks is no error. The caller calls gg_stack_deinit(), also after
// an error.

// Walks the stack of TASK, which is on no CPU, from where it was switched out.
struct gg_error *gg_stack_of_sleeping(struct gg_unwinder *unwinder, const struct gg_task *task,
				      struct gg_stack *ret);

// Walks the stack of a CPU from its REGISTERS; TASK is the CPU's current task, or NULL.
struct gg_error *gg_stack_of_registers(struct gg_unwinder *unwinder,
				       const struct gg_registers *registers,
				       const struct gg_task *task, struct gg_stack *ret);

// Gives the walk of the next stack SIZE bytes at ADDRESS, which the caller has read: at most GG_STACK_AHEAD of them
// count.
void gg_unwinder_give(struct gg_unwinder *unwinder, gg_gva_t address, const void *bytes,
		      size_t size);

// Searches the stack of TASK, whose registers are not known, for the lowest return address from which a
// walk reaches the stack's end. All frames are guesses.
struct gg_error *gg_stack_of_memory(struct gg_unwinder *unwinder, const struct gg_task *task,
				    struct gg_stack *ret);

// STACK may be zeros.
void gg_stack_deinit(struct gg_stack *stack);

#endif
