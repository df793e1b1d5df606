// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk through the stacks of Linux on x86 of 32 bits, by frame pointers (Linux
// arch/x86/kernel/unwind_frame.c and arch/x86/entry/entry_32.S, v4.14 to v6.1): ebp leads to the
// caller's ebp, and the return address is behind it. An ebp without its highest bit is the place of
// struct pt_regs. A system call's entry leaves the program's ebp, and has struct pt_regs behind its frame.
//
// In:  the kernel's symbols and memory; registers. A stack needs types only where its task is on no CPU.
// Out: the caller's registers.
// Trusts nothing it reads: linux/stack/stack.c bounds the steps.
#include "entry-32.h"
#include "linux/stack/code-frame.h"
#include "linux/stack/start.h"
#include "linux/symbols/symbols.h"
#include "unwind.h"
#include "x86.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD = X86_WORD_32,
	STACK_SIZE = 8 << 10, // THREAD_SIZE, and each stack's alignment
};

#define HIGH_BIT (UINT32_C(1) << 31) // clear in the place of struct pt_regs

struct walk {
	// struct inactive_task_frame is at task_struct.thread.sp; size 0 in a kernel whose types are not known.
	struct gg_member thread_sp, saved_bx, saved_bp, saved_ret;
	gg_gva_t page_offset;     // the lowest address of the kernel's
	gg_gva_t new_task;        // a new task's first code; 0 without
	struct gg_error *no_type; // the reason for which there are no types; NULL with types
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct walk, thread_sp, "task_struct", "thread.sp"),
	GG_LAYOUT_ROW(struct walk, saved_bx, "inactive_task_frame", "bx"),
	GG_LAYOUT_ROW(struct walk, saved_bp, "inactive_task_frame", "bp"),
	GG_LAYOUT_ROW(struct walk, saved_ret, "inactive_task_frame", "ret_addr"),
};

// ---- Open ----

static void close_walk(void *data)
{
	struct walk *walk = data;
	gg_error_destroy(walk->no_type);
	free(walk);
}

static struct gg_error *open_walk(const struct gg_answerers *kernel, void **ret)
{
	gg_gva_t text = 0;
	struct walk *walk = calloc(1, sizeof(*walk));
	if (!walk)
		return gg_enomem;
	struct gg_error *err = gg_host_symbol(&kernel->typed, "_stext", &text);
	if (!err)
		walk->no_type =
			gg_layout_resolve(&kernel->typed, rows, sizeof(rows) / sizeof(*rows), walk);
	if (gg_error_is_final(walk->no_type)) {
		err = walk->no_type;
		walk->no_type = NULL;
	}
	if (err) {
		close_walk(walk);
		return err;
	}
	walk->page_offset = x86_page_offset_32(text);
	gg_error_destroy(gg_host_symbol(&kernel->typed, "ret_from_fork", &walk->new_task));
	*ret = walk;
	return NULL;
}

static uint64_t stack_size(const void *data)
{
	(void)data;
	return STACK_SIZE;
}

// ---- Starts ----

// Sets the register ID to the word at ADDRESS.
static struct gg_error *load(struct gg_unwind *unwind, gg_gva_t address, unsigned int id)
{
	uint64_t value;
	struct gg_error *err = gg_stack_word(&unwind->memory, address, &value);
	if (!err)
		gg_register_set(&unwind->registers, id, value);
	return err;
}

static struct gg_error *start_sleeping(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	gg_gva_t frame, pc;
	if (walk->no_type)
		return gg_error_create(GG_NOT_FOUND, "%s", gg_error_message(walk->no_type));
	struct gg_error *err =
		gg_host_read_member(&unwind->kernel->typed, unwind->task, &walk->thread_sp, &frame);
	if (err)
		return err;
	err = gg_stack_begin(unwind, frame, STACK_SIZE);
	if (!err)
		err = load(unwind, frame + walk->saved_bx.offset, X86_RBX);
	if (!err)
		err = load(unwind, frame + walk->saved_bp.offset, X86_RBP);
	if (!err)
		err = gg_stack_word(&unwind->memory, frame + walk->saved_ret.offset, &pc);
	if (err)
		return err;
	gg_stack_place(unwind, pc, frame + walk->saved_ret.offset + WORD);
	unwind->is_exact = pc == walk->new_task;
	return NULL;
}

static void start_registers(struct gg_unwind *unwind, const struct gg_registers *registers)
{
	for (unsigned int id = 0; id < X86_REGISTERS; id++)
		gg_register_copy(&unwind->registers, id, registers);
	gg_stack_place(unwind, gg_register(registers, X86_RIP), gg_register(registers, X86_RSP));
	unwind->entry.is_user =
		x86_is_user_32(gg_register(registers, X86_CS), gg_register(registers, X86_RFLAGS));
}

// Tests whether the code before PC is a call.
static bool is_behind_call(const struct gg_unwind *unwind, gg_gva_t pc)
{
	enum { CALL = 0xe8, CALL_SIZE = 5, INDIRECT = 0xff, LONGEST = 7 };
	uint8_t code[LONGEST];
	struct gg_error *err = gg_host_read(&unwind->kernel->typed, pc - LONGEST, code, LONGEST);
	const bool failed = err;
	gg_error_destroy(err);
	return !failed && (code[LONGEST - CALL_SIZE] == CALL || code[LONGEST - 2] == INDIRECT ||
			   code[LONGEST - 3] == INDIRECT || code[LONGEST - 6] == INDIRECT);
}

// The word at ADDRESS is a return address if the word below it leads up the stack.
static bool start_return(struct gg_unwind *unwind, gg_gva_t address, gg_gva_t pc)
{
	const struct walk *walk = unwind->data;
	uint64_t bp;
	if (pc < walk->page_offset || !is_behind_call(unwind, pc))
		return false;
	struct gg_error *err = gg_stack_word(&unwind->memory, address - WORD, &bp);
	const bool failed = err;
	gg_error_destroy(err);
	const gg_gva_t place = bp | HIGH_BIT;
	if (failed || place <= address || place - unwind->stack >= STACK_SIZE)
		return false;
	gg_stack_place(unwind, pc, address + WORD);
	gg_register_set(&unwind->registers, X86_RBP, bp);
	return true;
}

// ---- Saved registers ----

// Forgets the registers that a callee may have changed.
static void forget_changed(struct gg_registers *registers)
{
	for (unsigned int id = 0; id < X86_RIP; id++)
		if (id != X86_RSP && id != X86_RBP)
			gg_register_forget(registers, id, UINT64_MAX);
	gg_register_forget(registers, X86_RFLAGS, UINT64_MAX);
}

// Reads struct pt_regs at ADDRESS.
static struct gg_error *read_saved(struct gg_unwind *unwind, gg_gva_t address,
				   uint64_t words[X86_PT_WORDS_32])
{
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < X86_PT_WORDS_32; i++)
		err = gg_stack_word(&unwind->memory, address + i * WORD, &words[i]);
	return err ? gg_error_context(err, "the saved registers at 0x%" PRIx64, address) : NULL;
}

// Goes back through the entry that saved struct pt_regs at ADDRESS. A kernel thread's first frame has
// zeros.
static struct gg_error *restore(struct gg_unwind *unwind, gg_gva_t address)
{
	uint64_t words[X86_PT_WORDS_32];
	struct gg_error *err = read_saved(unwind, address, words);
	if (err)
		return err;
	if (!words[X86_PT_IP_32] && !words[X86_PT_CS_32])
		unwind->has_ended = true;
	else
		x86_restore_32(unwind, address, words);
	return NULL;
}

// Tests whether a program's registers are saved at ADDRESS.
static bool is_program(struct gg_unwind *unwind, gg_gva_t address)
{
	uint64_t words[X86_PT_WORDS_32];
	struct gg_error *err = read_saved(unwind, address, words);
	const bool failed = err;
	gg_error_destroy(err);
	return !failed && x86_is_program_32(words);
}

// Goes back through a system call, or ends at a kernel thread's first function; NAME is the symbol of the code. struct pt_regs is where the
// callee's frame ends, or behind the words that align the frame, below the padding of the stack's end
// (TOP_OF_KERNEL_STACK_PADDING: 16 bytes with CONFIG_VM86).
static struct gg_error *leave_kernel(struct gg_unwind *unwind, const char *name)
{
	static const unsigned int paddings[] = { 16, 8 };
	const gg_gva_t top = (unwind->sp | (STACK_SIZE - 1)) + 1;
	if (is_program(unwind, unwind->sp))
		return restore(unwind, unwind->sp);
	for (size_t i = 0; i < sizeof(paddings) / sizeof(*paddings); i++) {
		const gg_gva_t place = top - paddings[i] - X86_PT_WORDS_32 * WORD;
		if (place > unwind->sp && is_program(unwind, place))
			return restore(unwind, place);
	}
	if (!strncmp(name, "entry_", strlen("entry_")))
		return gg_error_create(GG_NOT_FOUND,
				       "no registers of a program are where %s saves them", name);
	unwind->has_ended = true;
	return NULL;
}

// ---- A step ----

// Returns to PC, where the stack pointer is SP and the frame pointer BP.
static struct gg_error *return_to(struct gg_unwind *unwind, gg_gva_t pc, gg_gva_t sp, uint64_t bp)
{
	const struct walk *walk = unwind->data;
	if (pc < walk->page_offset)
		return gg_error_create(GG_BAD_DATA,
				       "the return address 0x%" PRIx64 " is not the kernel's", pc);
	forget_changed(&unwind->registers);
	gg_register_set(&unwind->registers, X86_RBP, bp);
	gg_stack_place(unwind, pc, sp);
	unwind->is_exact = false;
	return NULL;
}

// Returns to the word at ADDRESS; the caller's frame pointer is BP.
static struct gg_error *return_by(struct gg_unwind *unwind, gg_gva_t address, uint64_t bp)
{
	uint64_t pc;
	struct gg_error *err = gg_stack_word(&unwind->memory, address, &pc);
	return err ? err : return_to(unwind, pc, address + WORD, bp);
}

static struct gg_error *step_by_frame_pointer(struct gg_unwind *unwind, uint64_t bp)
{
	uint64_t caller;
	if (!(bp & HIGH_BIT))
		return restore(unwind, bp | HIGH_BIT);
	if (unwind->is_exact && bp < unwind->sp && unwind->sp - bp < STACK_SIZE)
		return gg_error_create(GG_BAD_DATA,
				       "the frame pointer 0x%" PRIx64
				       " is below the stack pointer 0x%" PRIx64,
				       bp, unwind->sp);
	struct gg_error *err = gg_stack_word(&unwind->memory, bp, &caller);
	return err ? err : return_by(unwind, bp + WORD, caller);
}

// Steps from interrupted code, which may have no frame pointer of its own yet.
static struct gg_error *step_exact(struct gg_unwind *unwind, uint64_t bp)
{
	struct gg_code_frame frame;
	uint64_t pc = 0, caller = bp;
	struct gg_error *err = gg_stack_code_frame(unwind, &frame);
	if (err || frame.flags & GG_FRAME_BY_FP)
		return err ? err : step_by_frame_pointer(unwind, bp);
	const bool is_known = !(frame.flags & GG_FRAME_NO_SP);
	const gg_gva_t sp = unwind->sp + (uint64_t)frame.depth; // the caller's
	if (is_known)
		err = gg_stack_word(&unwind->memory, sp - WORD, &pc);
	if (!err && frame.flags & GG_FRAME_FP_SAVED)
		err = gg_stack_word(&unwind->memory, sp + (uint64_t)frame.fp, &caller);
	if (!err && is_known && is_behind_call(unwind, pc))
		return return_to(unwind, pc, sp, caller);
	err = gg_error_unless_final(err);
	unwind->is_guess = true;
	return err ? err : step_by_frame_pointer(unwind, bp);
}

static bool begins_with(const char *name, const char *const *beginnings)
{
	for (; *beginnings; beginnings++)
		if (!strncmp(name, *beginnings, strlen(*beginnings)))
			return true;
	return false;
}

static struct gg_error *step(struct gg_unwind *unwind)
{
	// The code that calls a task's first function, and has no frame. A CPU begins in startup_32.
	static const char *const firsts[] = { "entry_INT80",   "entry_SYSENTER",
					      "ret_from_fork", "ret_from_kernel_thread",
					      "startup_32",    NULL };
	static const char *const entries[] = { "asm_", "handle_exception", "entry_", NULL };
	const struct walk *walk = unwind->data;
	const uint64_t bp = gg_register(&unwind->registers, X86_RBP);
	struct gg_symbol symbol = { .name = "" };
	struct gg_error *err =
		gg_symbols_at(unwind->kernel->symbols, unwind->pc - !unwind->is_exact, &symbol);
	const bool has_symbol = !err;
	bool has_left = false;
	err = gg_error_unless_final(err);
	if (!err && has_symbol)
		err = x86_leave_entry_32(unwind, &symbol, &has_left);
	if (err || has_left)
		return err;
	// ret_from_fork does not change the stack pointer.
	if (has_symbol && begins_with(symbol.name, firsts) &&
	    (!unwind->is_exact || symbol.address == walk->new_task))
		return leave_kernel(unwind, symbol.name);
	if (!unwind->pc && unwind->is_exact)
		return return_by(unwind, unwind->sp, bp); // a call of NULL
	if (!gg_register_known(&unwind->registers, X86_RBP))
		return gg_error_create(GG_NOT_FOUND, "the register ebp is not known here");
	if (!unwind->is_exact || !has_symbol)
		return step_by_frame_pointer(unwind, bp);
	if (begins_with(symbol.name, entries))
		return gg_error_create(GG_NOT_FOUND, "%s, an entry into the kernel, has no frame",
				       symbol.name);
	return step_exact(unwind, bp);
}

// ---- Names ----

// Names the entry. handle_exception serves all exceptions and the interrupts of the local APIC: their C
// functions, which it calls, have the names.
static void name_entry(struct gg_unwind *unwind, const char *name)
{
	struct gg_symbol symbol = { .name = "" };
	char entry[GG_ENTRY_NAME + 8];
	if (strcmp(name, "handle_exception") != 0) {
		x86_name_entry(unwind, name);
		return;
	}
	struct gg_error *err = gg_symbols_at(unwind->kernel->symbols, unwind->callee - 1, &symbol);
	snprintf(entry, sizeof(entry), "asm_%s", err ? "" : symbol.name);
	gg_error_destroy(err);
	x86_name_entry(unwind, entry);
}

const struct gg_stack_ops x86_stack_32 = {
	.open = open_walk,
	.close = close_walk,
	.stack_size = stack_size,
	.start_sleeping = start_sleeping,
	.start_registers = start_registers,
	.start_return = start_return,
	.step = step,
	.name_entry = name_entry,
};
