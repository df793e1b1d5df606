// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk through a stack: the architecture steps from frame to frame (stack-ops.h).
//
// In:  the kernel's symbols, members and memory; a task, a CPU's registers, or neither.
// Out: frames.
// Trusts nothing it reads: each step must leave the frame towards the stack's end, the number of
// frames and entries is bounded.
#include "stack.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "stack-ops.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ENTRIES = 16 }; // of one stack: an NMI in an interrupt in an exception and so on

struct gg_unwinder {
	const struct gg_stack_ops *ops;
	struct gg_unwind unwind;
	const void *given; // bytes for the next walk (borrowed), or NULL
	gg_gva_t given_at;
	size_t given_size;
};

struct gg_error *gg_unwinder_create(const struct gg_answerers *kernel, struct gg_unwinder **ret)
{
	const struct gg_stack_ops *ops = kernel->arch->stack;
	if (!ops)
		return gg_arch_not_yet(kernel->arch, "stacks");
	struct gg_unwinder *unwinder = calloc(1, sizeof(*unwinder));
	if (!unwinder)
		return gg_enomem;
	unwinder->ops = ops;
	unwinder->unwind.kernel = kernel;
	struct gg_error *err = ops->open(kernel, &unwinder->unwind.data);
	if (err)
		free(unwinder);
	else
		*ret = unwinder;
	return err;
}

void gg_unwinder_destroy(struct gg_unwinder *unwinder)
{
	if (unwinder)
		unwinder->ops->close(unwinder->unwind.data);
	free(unwinder);
}

uint64_t gg_unwinder_stack_size(const struct gg_unwinder *unwinder)
{
	return unwinder->ops->stack_size(unwinder->unwind.data);
}

void gg_stack_deinit(struct gg_stack *stack)
{
	free(stack->frames);
	*stack = (struct gg_stack){ 0 };
}

void gg_unwinder_give(struct gg_unwinder *unwinder, gg_gva_t address, const void *bytes,
		      size_t size)
{
	unwinder->given = bytes;
	unwinder->given_at = address;
	unwinder->given_size = size < GG_STACK_AHEAD ? size : GG_STACK_AHEAD;
}

// Moves what was given to the walk's memory.
static void take_given(struct gg_unwinder *unwinder)
{
	struct gg_stack_memory *memory = &unwinder->unwind.memory;
	if (!unwinder->given)
		return;
	memcpy(memory->ahead, unwinder->given, unwinder->given_size);
	memory->start = unwinder->given_at;
	memory->held = unwinder->given_size;
	unwinder->given = NULL;
}

// ---- Steps ----

static bool is_in_task_stack(const struct gg_unwinder *unwinder, gg_gva_t address)
{
	const struct gg_unwind *unwind = &unwinder->unwind;
	return unwind->stack && address - unwind->stack <= gg_unwinder_stack_size(unwinder);
}

// Tests whether the walk has left SP towards the stack's end, or for another stack.
static bool has_advanced(const struct gg_unwinder *unwinder, gg_gva_t sp)
{
	const gg_gva_t now = unwinder->unwind.sp;
	if (now > sp)
		return true;
	const bool was_in = is_in_task_stack(unwinder, sp), is_in = is_in_task_stack(unwinder, now);
	return was_in || is_in ? was_in != is_in : sp - now >= GG_STACK_PAGE;
}

// Names the entry into the code of FRAME, which the last step has found.
static struct gg_error *name_entry(struct gg_unwinder *unwinder, const struct gg_frame *frame)
{
	struct gg_unwind *unwind = &unwinder->unwind;
	struct gg_symbol symbol = { .name = "" };
	struct gg_error *err =
		gg_symbols_at(unwind->kernel->symbols, frame->pc - !frame->is_exact, &symbol);
	err = gg_error_unless_final(err);
	if (!err)
		unwinder->ops->name_entry(unwind, symbol.name);
	return err;
}

// Completes FRAME, from which the last step went.
static struct gg_error *complete(struct gg_unwinder *unwinder, struct gg_frame *frame)
{
	struct gg_unwind *unwind = &unwinder->unwind;
	if (unwind->entry.kind) {
		struct gg_error *err = name_entry(unwinder, frame);
		unwind->entry.pc = unwind->pc;
		unwind->entry.sp = unwind->sp;
		frame->entry = unwind->entry;
		frame->end = unwind->entry.registers_end;
		return err;
	}
	if (!unwind->has_no_frame && !has_advanced(unwinder, frame->sp))
		return gg_error_create(GG_BAD_DATA,
				       "the caller's stack pointer 0x%" PRIx64
				       " is not above 0x%" PRIx64,
				       unwind->sp, frame->sp);
	const bool is_same =
		is_in_task_stack(unwinder, unwind->sp) == is_in_task_stack(unwinder, frame->sp);
	if (is_same && unwind->sp - frame->sp <= GG_STACK_AHEAD)
		frame->end = unwind->sp;
	return NULL;
}

// Goes on from FRAME to the next frame.
static struct gg_error *step(struct gg_unwinder *unwinder, struct gg_frame *frame)
{
	struct gg_unwind *unwind = &unwinder->unwind;
	unwind->entry = (struct gg_stack_entry){ .number = -1 };
	unwind->has_no_frame = false;
	struct gg_error *err = unwinder->ops->step(unwind);
	return err || unwind->has_ended ? err : complete(unwinder, frame);
}

static struct gg_error *add_frame(const struct gg_unwind *unwind, struct gg_stack *stack)
{
	struct gg_error *err =
		stack->count < GG_STACK_FRAMES
			? NULL
			: gg_error_create(GG_BAD_DATA, "the stack has more than %d frames",
					  GG_STACK_FRAMES);
	if (!err)
		err = gg_vector_grow(&stack->frames, stack->count, sizeof(*stack->frames));
	if (!err)
		stack->frames[stack->count++] = (struct gg_frame){ .pc = unwind->pc,
								   .sp = unwind->sp,
								   .is_exact = unwind->is_exact,
								   .is_guess = unwind->is_guess };
	return err;
}

// Walks to the stack's end. An error is the reason for the break.
static struct gg_error *walk(struct gg_unwinder *unwinder, struct gg_stack *stack)
{
	struct gg_unwind *unwind = &unwinder->unwind;
	struct gg_error *err = NULL;
	unsigned int entries = 0;
	while (!err) {
		err = gg_interrupt_check();
		if (!err)
			err = add_frame(unwind, stack);
		struct gg_frame *frame = err ? NULL : &stack->frames[stack->count - 1];
		unwind->callee = stack->count > 1 ? stack->frames[stack->count - 2].pc : 0;
		if (!err)
			err = step(unwinder, frame);
		if (err)
			return err;
		if (unwind->has_ended)
			break;
		if (unwind->entry.is_user) {
			stack->end = GG_STACK_AT_USER;
			stack->user_pc = unwind->pc;
			stack->user_sp = unwind->sp;
			return NULL;
		}
		entries += unwind->entry.kind != GG_NO_ENTRY;
		if (entries > MAX_ENTRIES)
			err = gg_error_create(GG_BAD_DATA,
					      "the kernel was entered more than %d times",
					      MAX_ENTRIES);
	}
	stack->end = GG_STACK_AT_END;
	return err;
}

// Moves ERR to STACK as the reason for the break, unless ERR is final.
static struct gg_error *break_stack(struct gg_stack *stack, struct gg_error *err)
{
	if (!err || gg_error_is_final(err))
		return err;
	stack->end = GG_STACK_BROKEN;
	snprintf(stack->why, sizeof(stack->why), "%s", gg_error_message(err));
	gg_error_destroy(err);
	return NULL;
}

// ---- Starts ----

static void start(struct gg_unwinder *unwinder, const struct gg_task *task, struct gg_stack *stack)
{
	struct gg_unwind *unwind = &unwinder->unwind;
	*stack = (struct gg_stack){ 0 };
	gg_stack_memory_init(&unwind->memory, &unwind->kernel->typed);
	take_given(unwinder);
	gg_registers_init(&unwind->registers, unwind->kernel->arch->registers,
			  unwind->kernel->arch->word);
	unwind->task = task ? task->address : 0;
	unwind->stack = task ? task->stack : 0;
	unwind->is_exact = unwind->is_guess = unwind->has_ended = false;
	unwind->entry = (struct gg_stack_entry){ .number = -1 };
}

struct gg_error *gg_stack_of_sleeping(struct gg_unwinder *unwinder, const struct gg_task *task,
				      struct gg_stack *ret)
{
	start(unwinder, task, ret);
	if (!task->stack) {
		ret->end = GG_STACK_GONE;
		return NULL;
	}
	struct gg_error *err = unwinder->ops->start_sleeping(&unwinder->unwind);
	if (!err)
		err = walk(unwinder, ret);
	return break_stack(ret, err);
}

// ---- A stack without registers ----

// Tests whether STACK ends at the task's first frames, or at the program's registers, which are the first
// words of the task's stack. A walk from a stale word ends elsewhere.
static bool ends_at_top(const struct gg_unwinder *unwinder, const struct gg_stack *stack)
{
	enum { FIRST_FRAMES = 512, PADDING = 32 };
	const struct gg_frame *last = &stack->frames[stack->count - 1];
	const gg_gva_t top = unwinder->unwind.stack + gg_unwinder_stack_size(unwinder);
	return stack->end == GG_STACK_AT_USER ? top - last->entry.registers_end <= PADDING
					      : top - last->sp <= FIRST_FRAMES;
}

// Walks from the word at ADDRESS of the stack. RET is empty if the word is no return address, or the
// walk does not reach the stack's end.
static struct gg_error *try_word(struct gg_unwinder *unwinder, gg_gva_t address,
				 struct gg_stack *ret)
{
	struct gg_unwind *unwind = &unwinder->unwind;
	uint64_t word;
	*ret = (struct gg_stack){ 0 };
	struct gg_error *err = gg_stack_word(&unwind->memory, address, &word);
	if (err)
		return gg_error_unless_final(err);
	gg_registers_init(&unwind->registers, unwind->kernel->arch->registers,
			  unwind->kernel->arch->word);
	unwind->has_ended = false;
	unwind->is_exact = false;
	if (!unwinder->ops->start_return(unwind, address, word))
		return NULL;
	unwind->is_guess = true;
	err = walk(unwinder, ret);
	if (!err && ends_at_top(unwinder, ret))
		return NULL;
	gg_stack_deinit(ret);
	return gg_error_unless_final(err);
}

// Tries each word from START to END; RET is empty if no word leads to the stack's end.
static struct gg_error *search(struct gg_unwinder *unwinder, gg_gva_t start, gg_gva_t end,
			       struct gg_stack *ret)
{
	const unsigned int word = unwinder->unwind.kernel->arch->word;
	struct gg_error *err = NULL;
	for (gg_gva_t at = start; !err && at < end; at += word) {
		err = try_word(unwinder, at, ret);
		if (ret->count)
			break;
	}
	return err;
}

struct gg_error *gg_stack_of_memory(struct gg_unwinder *unwinder, const struct gg_task *task,
				    struct gg_stack *ret)
{
	const gg_gva_t end = task->stack + gg_unwinder_stack_size(unwinder);
	start(unwinder, task, ret);
	struct gg_error *err = gg_stack_memory_ahead(&unwinder->unwind.memory, task->stack, end);
	if (!err)
		err = search(unwinder, task->stack, end, ret);
	if (err || ret->count)
		return err;
	return break_stack(ret,
			   gg_error_create(GG_NOT_FOUND,
					   "no word of the stack is a return address from which "
					   "the stack's end can be reached"));
}

// ---- From registers ----

// Searches for the frames behind the last frame of STACK, which is broken off.
static struct gg_error *go_on(struct gg_unwinder *unwinder, struct gg_stack *stack)
{
	enum { WORDS = 128 };
	struct gg_stack found = { 0 };
	const unsigned int word = unwinder->unwind.kernel->arch->word;
	if (!unwinder->unwind.stack || !stack->count)
		return NULL;
	const gg_gva_t sp = stack->frames[stack->count - 1].sp / word * word;
	struct gg_error *err = search(unwinder, sp, sp + WORDS * word, &found);
	if (err || !found.count || stack->count + found.count > GG_STACK_FRAMES) {
		gg_stack_deinit(&found);
		return err;
	}
	struct gg_frame *frames =
		reallocarray(stack->frames, stack->count + found.count, sizeof(*frames));
	if (frames) {
		memcpy(frames + stack->count, found.frames, found.count * sizeof(*frames));
		stack->frames = frames;
		stack->sound = stack->count;
		stack->count += found.count;
	}
	gg_stack_deinit(&found);
	return frames ? NULL : gg_enomem;
}

struct gg_error *gg_stack_of_registers(struct gg_unwinder *unwinder,
				       const struct gg_registers *registers,
				       const struct gg_task *task, struct gg_stack *ret)
{
	struct gg_unwind *unwind = &unwinder->unwind;
	start(unwinder, task, ret);
	unwinder->ops->start_registers(unwind, registers);
	if (unwind->entry.is_user) {
		ret->end = GG_STACK_AT_USER;
		ret->user_pc = unwind->pc;
		ret->user_sp = unwind->sp;
		return NULL;
	}
	unwind->is_exact = true;
	struct gg_error *err = break_stack(ret, walk(unwinder, ret));
	return err || ret->end != GG_STACK_BROKEN ? err : go_on(unwinder, ret);
}
