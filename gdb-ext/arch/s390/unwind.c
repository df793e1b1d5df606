// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk through the stacks of Linux on s390x, by back chains (Linux arch/s390/kernel/unwind_bc.c, v5.2
// to v7.2): a frame, struct stack_frame, leads to the caller's, in which the callee has saved r14, the
// return address. A frame without a back chain has struct pt_regs behind it.
//
// In:  the kernel's symbols, types and memory; registers. A CPU's stack needs no types.
// Out: the caller's registers.
// Trusts nothing it reads: linux/stack/stack.c bounds the steps.
#include "entry.h"
#include "linux/stack/code-frame.h"
#include "linux/stack/code.h"
#include "linux/stack/start.h"
#include "linux/stack/syscall.h"
#include "linux/symbols/symbols.h"
#include "s390.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD = 8,
	STACK_SIZE = 16 << 10, // THREAD_SIZE
	SAVED_R14 = 8,         // in stack_frame.gprs, which begins with r6
};

struct walk {
	struct gg_member ksp;
	// struct stack_frame
	struct gg_member frame, back_chain, saved;
	// struct pt_regs
	struct gg_member regs, mask, address, general, call;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct walk, ksp, "task_struct", "thread.ksp"),
	GG_LAYOUT_ROW(struct walk, frame, "stack_frame", ""),
	GG_LAYOUT_ROW(struct walk, back_chain, "stack_frame", "back_chain"),
	GG_LAYOUT_ROW(struct walk, saved, "stack_frame", "gprs"),
	GG_LAYOUT_ROW(struct walk, regs, "pt_regs", ""),
	GG_LAYOUT_ROW(struct walk, mask, "pt_regs", "psw.mask"),
	GG_LAYOUT_ROW(struct walk, address, "pt_regs", "psw.addr"),
	GG_LAYOUT_ROW(struct walk, general, "pt_regs", "gprs"),
	GG_LAYOUT_ROW_OPTIONAL(struct walk, call, "pt_regs", "int_code"),
};

// The layout in a kernel whose types are not known, and so no tasks: the frame of -mpacked-stack, and the
// words of struct pt_regs that all versions have (Linux arch/s390/include/asm/stacktrace.h, ptrace.h).
static const struct walk without_types = {
	.frame = { 0, 160 },
	.back_chain = { 152, WORD },
	.saved = { 72, 10 * WORD },
	.regs = { 0, 160 },
	.mask = { 8, WORD },
	.address = { 16, WORD },
	.general = { 24, 16 * WORD },
	.call = { 160, 4 },
};

static struct gg_error *open_walk(const struct gg_answerers *kernel, void **ret)
{
	return gg_stack_open(kernel, rows, sizeof(rows) / sizeof(*rows), sizeof(struct walk),
			     &without_types, ret);
}

static uint64_t stack_size(const void *data)
{
	(void)data;
	return STACK_SIZE;
}

// ---- Starts ----

// Reads the return address that a callee of the frame at SP has saved there.
static struct gg_error *read_saved(struct gg_unwind *unwind, gg_gva_t sp, uint64_t *ret)
{
	const struct walk *walk = unwind->data;
	return gg_stack_word(&unwind->memory, sp + walk->saved.offset + SAVED_R14 * WORD, ret);
}

static struct gg_error *start_sleeping(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	uint64_t sp, pc;
	struct gg_error *err =
		gg_host_read_member(&unwind->kernel->typed, unwind->task, &walk->ksp, &sp);
	if (!err)
		err = gg_stack_begin(unwind, sp, STACK_SIZE);
	if (!err)
		err = read_saved(unwind, sp, &pc);
	if (!err)
		gg_stack_place(unwind, pc, sp);
	return err;
}

static void start_registers(struct gg_unwind *unwind, const struct gg_registers *registers)
{
	for (unsigned int id = 0; id < S390_REGISTERS; id++)
		gg_register_copy(&unwind->registers, id, registers);
	unwind->pc = gg_register(registers, S390_ADDRESS);
	unwind->sp = gg_register(registers, S390_R15);
	unwind->entry.is_user = gg_register(registers, S390_MASK) & S390_PSW_PROBLEM;
}

// A word of the stack does not tell a frame: it has no mark.
static bool start_return(struct gg_unwind *unwind, gg_gva_t address, gg_gva_t pc)
{
	(void)unwind;
	(void)address;
	(void)pc;
	return false;
}

// ---- A step ----

// Goes back through the entry that saved struct pt_regs at ADDRESS. A kernel thread's first frame has
// registers of the kernel's.
static struct gg_error *restore(struct gg_unwind *unwind, gg_gva_t address)
{
	const struct walk *walk = unwind->data;
	const gg_gva_t general = address + walk->general.offset;
	const gg_gva_t first = unwind->stack + STACK_SIZE - walk->regs.size;
	uint64_t mask, pc, r14, sp;
	struct gg_error *err = gg_stack_word(&unwind->memory, address + walk->mask.offset, &mask);
	if (!err)
		err = gg_stack_word(&unwind->memory, address + walk->address.offset, &pc);
	if (!err)
		err = gg_stack_word(&unwind->memory, general + 14 * WORD, &r14);
	if (!err)
		err = gg_stack_word(&unwind->memory, general + 15 * WORD, &sp);
	if (!err)
		err = s390_read_uncopied(unwind, &mask, &pc);
	if (err)
		return gg_error_context(err, "the saved registers at 0x%" PRIx64, address);
	const bool is_user = mask & S390_PSW_PROBLEM;
	// A kernel thread begins with registers that have no stack pointer (arch/s390/kernel/process.c, copy_thread()).
	if (!is_user && (!pc || !sp || (unwind->stack && address - first < walk->regs.size))) {
		unwind->has_ended = true;
		return NULL;
	}
	gg_stack_place(unwind, pc, sp);
	gg_register_set(&unwind->registers, S390_R14, r14);
	gg_stack_enter(unwind, address, address + walk->regs.size, is_user);
	return NULL;
}

static bool step_by_r14(struct gg_unwind *unwind, uint64_t saved)
{
	const uint64_t r14 = gg_register(&unwind->registers, S390_R14);
	return unwind->is_exact && r14 && gg_stack_is_code(unwind, r14 - 1) &&
	       gg_stack_step_by_link(unwind, S390_R14, r14, saved);
}

static struct gg_error *step(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	const gg_gva_t sp = gg_register(&unwind->registers, S390_R15);
	struct gg_stack_caller returns;
	uint64_t caller, pc = 0;
	bool has_left;
	struct gg_error *err = s390_leave_entry(unwind, &has_left);
	if (err || has_left)
		return err;
	err = gg_stack_find_caller(unwind, S390_R14, S390_R0 + 11, &returns);
	if (err)
		return err;
	if (gg_stack_return(unwind, S390_R14, &returns))
		return NULL;
	err = gg_stack_word(&unwind->memory, sp + walk->back_chain.offset, &caller);
	if (!err && caller)
		err = read_saved(unwind, caller, &pc);
	if (err)
		return err;
	if (step_by_r14(unwind, pc))
		return NULL;
	if (!caller)
		return restore(unwind, sp + walk->frame.size);
	if (!gg_stack_is_code(unwind, pc - 1))
		return gg_error_create(GG_BAD_DATA,
				       "the return address 0x%" PRIx64 " is not the kernel's", pc);
	gg_register_forget(&unwind->registers, S390_R14, UINT64_MAX);
	gg_stack_place(unwind, pc, caller);
	unwind->is_exact = false;
	return NULL;
}

// ---- Names ----

// The interruption code of a system call has its number in the lower half.
static void name_entry(struct gg_unwind *unwind, const char *name)
{
	enum { NUMBER = 0xffff };
	const struct walk *walk = unwind->data;
	struct gg_stack_entry *entry = &unwind->entry;
	uint64_t code = 0;
	if (strstr(name, "ext_int") || strstr(name, "io_int")) {
		entry->kind = GG_ENTRY_IRQ;
		snprintf(entry->name, sizeof(entry->name), "%s",
			 strstr(name, "io_int") ? "I/O" : "external");
	} else if (strstr(name, "mcck")) {
		entry->kind = GG_ENTRY_NMI;
	} else if (strstr(name, "pgm_check")) {
		entry->kind = GG_ENTRY_EXCEPTION;
	} else if (strstr(name, "system_call")) {
		entry->kind = GG_ENTRY_SYSCALL;
		const struct gg_member number = { walk->call.offset, 4 };
		struct gg_error *err =
			walk->call.size && entry->registers
				? gg_host_read_member(&unwind->kernel->typed, entry->registers,
						      &number, &code)
				: NULL;
		if (!err && code)
			gg_syscall_set(unwind, "sys_call_table", code & NUMBER,
				       (int64_t)(code & NUMBER));
		gg_error_destroy(err);
	}
}

const struct gg_stack_ops s390_stack = {
	.open = open_walk,
	.close = free,
	.stack_size = stack_size,
	.start_sleeping = start_sleeping,
	.start_registers = start_registers,
	.start_return = start_return,
	.step = step,
	.name_entry = name_entry,
};
