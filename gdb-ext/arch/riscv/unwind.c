// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk through the stacks of Linux on RISC-V, by frame pointers (Linux
// arch/riscv/kernel/stacktrace.c, v6.1 to v7.2): s0 is the first address behind a function's frame,
// whose last two words are the caller's s0 and the return address.
//
// In:  the kernel's symbols, types and memory; registers.
// Out: the caller's registers.
// Trusts nothing it reads: linux/stack/stack.c bounds the steps.
#include "arch/instruction.h"
#include "entry.h"
#include "linux/stack/code-frame.h"
#include "linux/stack/code.h"
#include "linux/stack/start.h"
#include "linux/stack/syscall.h"
#include "linux/symbols/symbols.h"
#include "riscv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD = 8,
	STACK_SIZE = 16 << 10, // THREAD_SIZE
	SAVED_COUNT = 12,      // s0 to s11
	STATUS_SPP = 1 << 8,   // the interrupted code was the kernel's
	CAUSE_ECALL = 8,       // from a program
};

struct walk {
	// task_struct.thread of a task that is on no CPU.
	struct gg_member thread_ra, thread_sp, thread_s;
	// struct pt_regs
	struct gg_member regs, epc, ra, sp, tp, s0, a7, status, cause;
	gg_gva_t exception_return,
		exception_return_end; // the code behind a call by an exception's entry
	gg_gva_t handle_exception, handle_exception_end;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct walk, thread_ra, "task_struct", "thread.ra"),
	GG_LAYOUT_ROW(struct walk, thread_sp, "task_struct", "thread.sp"),
	GG_LAYOUT_ROW(struct walk, thread_s, "task_struct", "thread.s"),
	GG_LAYOUT_ROW(struct walk, regs, "pt_regs", ""),
	GG_LAYOUT_ROW(struct walk, epc, "pt_regs", "epc"),
	GG_LAYOUT_ROW(struct walk, ra, "pt_regs", "ra"),
	GG_LAYOUT_ROW(struct walk, sp, "pt_regs", "sp"),
	GG_LAYOUT_ROW(struct walk, tp, "pt_regs", "tp"),
	GG_LAYOUT_ROW(struct walk, s0, "pt_regs", "s0"),
	GG_LAYOUT_ROW(struct walk, a7, "pt_regs", "a7"),
	GG_LAYOUT_ROW(struct walk, status, "pt_regs", "status"),
	GG_LAYOUT_ROW(struct walk, cause, "pt_regs", "cause"),
};

// ---- Open ----

// Finds a function; 0 and 0 without.
static void find_function(const struct gg_answerers *kernel, const char *name, gg_gva_t *start,
			  gg_gva_t *end)
{
	struct gg_symbol symbol;
	struct gg_error *err = gg_symbols_find(kernel->symbols, name, &symbol);
	*start = err ? 0 : symbol.address;
	*end = err ? 0 : symbol.address + symbol.size;
	gg_error_destroy(err);
}

static struct gg_error *open_walk(const struct gg_answerers *kernel, void **ret)
{
	void *data;
	struct gg_error *err = gg_stack_open(kernel, rows, sizeof(rows) / sizeof(*rows),
					     sizeof(struct walk), NULL, &data);
	if (err)
		return err;
	struct walk *walk = data;
	if (walk->thread_s.size < SAVED_COUNT * WORD) {
		err = gg_error_create(GG_BAD_DATA, "task_struct.thread.s has %" PRIu64 " bytes",
				      walk->thread_s.size);
		free(walk);
		return err;
	}
	find_function(kernel, "ret_from_exception", &walk->exception_return,
		      &walk->exception_return_end);
	find_function(kernel, "handle_exception", &walk->handle_exception,
		      &walk->handle_exception_end);
	*ret = walk;
	return NULL;
}

static uint64_t stack_size(const void *data)
{
	(void)data;
	return STACK_SIZE;
}

// ---- Starts ----

static void set_place(struct gg_unwind *unwind, gg_gva_t pc, gg_gva_t sp, gg_gva_t fp)
{
	gg_stack_place(unwind, pc, sp);
	gg_register_set(&unwind->registers, RISCV_S0, fp);
}

static struct gg_error *start_sleeping(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	const struct gg_host *host = &unwind->kernel->typed;
	const struct gg_member s0 = { walk->thread_s.offset, WORD };
	uint64_t pc, sp, fp;
	struct gg_error *err = gg_host_read_member(host, unwind->task, &walk->thread_ra, &pc);
	if (!err)
		err = gg_host_read_member(host, unwind->task, &walk->thread_sp, &sp);
	if (!err)
		err = gg_host_read_member(host, unwind->task, &s0, &fp);
	if (!err)
		err = gg_stack_begin(unwind, sp, STACK_SIZE);
	if (!err)
		set_place(unwind, pc, sp, fp);
	return err;
}

static void start_registers(struct gg_unwind *unwind, const struct gg_registers *registers)
{
	for (unsigned int id = 0; id < RISCV_REGISTERS; id++)
		gg_register_copy(&unwind->registers, id, registers);
	unwind->pc = gg_register(registers, RISCV_PC);
	unwind->sp = gg_register(registers, RISCV_SP);
	unwind->entry.is_user = gg_register_known(registers, RISCV_PRIV)
					? gg_register(registers, RISCV_PRIV) == RISCV_USER
					: unwind->pc < riscv_linux.kernel_area;
}

// Tests the call before PC: JAL and JALR with ra, or their compressed forms (C.JALR).
static bool is_behind_call(const struct gg_unwind *unwind, gg_gva_t pc)
{
	enum { LONG = 4, SHORT = 2, OPCODE = 0x7f, RD_SHIFT = 7, JAL = 0x6f, JALR = 0x67 };
	uint8_t code[LONG];
	struct gg_error *err = gg_host_read(&unwind->kernel->typed, pc - LONG, code, LONG);
	const bool failed = err;
	gg_error_destroy(err);
	if (failed)
		return false;
	const uint32_t whole = gg_code_word(code), half = whole >> 16;
	const bool is_ra = (whole >> RD_SHIFT & 0x1f) == 1;
	return (is_ra && ((whole & OPCODE) == JAL || (whole & OPCODE) == JALR)) ||
	       ((half & 0xf07f) == 0x9002 && half >> RD_SHIFT & 0x1f);
}

// The word at ADDRESS is a return address if the word below it is a frame pointer above it.
static bool start_return(struct gg_unwind *unwind, gg_gva_t address, gg_gva_t pc)
{
	uint64_t fp;
	if (pc < riscv_linux.kernel_area || pc & 1 || !is_behind_call(unwind, pc))
		return false;
	struct gg_error *err = gg_stack_word(&unwind->memory, address - WORD, &fp);
	const bool failed = err;
	gg_error_destroy(err);
	if (failed || fp <= address || fp - unwind->stack > STACK_SIZE)
		return false;
	set_place(unwind, pc, address + WORD, fp);
	return true;
}

// ---- A step ----

static struct gg_error *load(struct gg_unwind *unwind, gg_gva_t address,
			     const struct gg_member *member, uint64_t *ret)
{
	return gg_stack_word(&unwind->memory, address + member->offset, ret);
}

// Goes back through the entry that saved struct pt_regs at ADDRESS.
static struct gg_error *restore(struct gg_unwind *unwind, gg_gva_t address)
{
	const struct walk *walk = unwind->data;
	uint64_t pc, sp, fp, ra, status;
	struct gg_error *err = load(unwind, address, &walk->epc, &pc);
	if (!err)
		err = load(unwind, address, &walk->sp, &sp);
	if (!err)
		err = load(unwind, address, &walk->s0, &fp);
	if (!err)
		err = load(unwind, address, &walk->ra, &ra);
	if (!err)
		err = load(unwind, address, &walk->status, &status);
	if (err)
		return gg_error_context(err, "the saved registers at 0x%" PRIx64, address);
	set_place(unwind, pc, sp, fp);
	gg_register_set(&unwind->registers, RISCV_RA, ra);
	gg_stack_enter(unwind, address, address + walk->regs.size, !(status & STATUS_SPP));
	return NULL;
}

static bool step_by_ra(struct gg_unwind *unwind, uint64_t saved)
{
	const uint64_t ra = gg_register(&unwind->registers, RISCV_RA);
	return ra >= riscv_linux.kernel_area && gg_stack_step_by_link(unwind, RISCV_RA, ra, saved);
}

// Tests whether the frame is the first of its stack, at whose end there is room for struct pt_regs.
static bool is_first(const struct gg_unwind *unwind)
{
	enum { ALIGNMENT = 16 };
	const struct walk *walk = unwind->data;
	const uint64_t room = (walk->regs.size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	return unwind->stack && unwind->stack + STACK_SIZE - unwind->sp <= room;
}

static bool is_in(gg_gva_t pc, gg_gva_t start, gg_gva_t end)
{
	return pc - start < end - start;
}

static struct gg_error *step(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	const gg_gva_t fp = gg_register(&unwind->registers, RISCV_S0);
	struct gg_stack_caller returns;
	uint64_t pc, caller;
	bool has_left;
	struct gg_error *err = riscv_leave_entry(unwind, walk->s0.offset, &has_left);
	if (err || has_left)
		return err;
	if (is_in(unwind->pc, walk->exception_return, walk->exception_return_end) ||
	    is_in(unwind->pc, walk->handle_exception, walk->handle_exception_end))
		return restore(unwind, unwind->sp);
	err = gg_stack_find_caller(unwind, RISCV_RA, RISCV_S0, &returns);
	if (err)
		return err;
	if (gg_stack_return(unwind, RISCV_RA, &returns)) {
		gg_register_set(&unwind->registers, RISCV_S0, returns.fp);
		return NULL;
	}
	if (is_first(unwind)) {
		unwind->has_ended = true;
		return NULL;
	}
	if (fp < unwind->sp || fp % WORD)
		return gg_error_create(GG_BAD_DATA,
				       "the frame pointer 0x%" PRIx64
				       " is not above the stack pointer 0x%" PRIx64,
				       fp, unwind->sp);
	err = gg_stack_word(&unwind->memory, fp - WORD, &pc);
	if (!err)
		err = gg_stack_word(&unwind->memory, fp - 2 * WORD, &caller);
	if (err)
		return err;
	if (step_by_ra(unwind, pc))
		return NULL;
	// A function that calls none may have saved s0 alone.
	if (unwind->is_exact && gg_register_known(&unwind->registers, RISCV_RA) &&
	    pc - unwind->sp < STACK_SIZE) {
		caller = pc;
		pc = gg_register(&unwind->registers, RISCV_RA);
	}
	if (pc < riscv_linux.kernel_area)
		return gg_error_create(GG_BAD_DATA,
				       "the return address 0x%" PRIx64 " is not the kernel's", pc);
	gg_register_forget(&unwind->registers, RISCV_RA, UINT64_MAX);
	set_place(unwind, pc, fp, caller);
	unwind->is_exact = false;
	return NULL;
}

// ---- Names ----

// The supervisor's interrupts (The RISC-V Instruction Set Manual, volume II, chapter on scause).
static const char *interrupt_name(uint64_t number)
{
	switch (number) {
	case 1:
		return "software";
	case 5:
		return "timer";
	case 9:
		return "external";
	}
	return "";
}

static const char *exception_name(uint64_t number)
{
	static const char *const names[] = {
		"instruction address misaligned",
		"instruction access fault",
		"illegal instruction",
		"breakpoint",
		"load address misaligned",
		"load access fault",
		"store address misaligned",
		"store access fault",
		"",
		"",
		"",
		"",
		"instruction page fault",
		"load page fault",
		"",
		"store page fault",
	};
	return number < sizeof(names) / sizeof(*names) ? names[number] : "";
}

// Reads the register ID or, where the entry has saved registers, their MEMBER.
static struct gg_error *read_either(struct gg_unwind *unwind, unsigned int id,
				    const struct gg_member *member, uint64_t *ret)
{
	if (unwind->entry.registers)
		return load(unwind, unwind->entry.registers, member, ret);
	*ret = gg_register(&unwind->registers, id);
	return NULL;
}

static void name_syscall(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	uint64_t number;
	unwind->entry.kind = GG_ENTRY_SYSCALL;
	struct gg_error *err = read_either(unwind, RISCV_A7, &walk->a7, &number);
	if (!err && number <= INT32_MAX)
		gg_syscall_set(unwind, "sys_call_table", number, (int64_t)number);
	gg_error_destroy(err);
}

static void name_entry(struct gg_unwind *unwind, const char *name)
{
	const struct walk *walk = unwind->data;
	struct gg_stack_entry *entry = &unwind->entry;
	uint64_t cause;
	(void)name;
	struct gg_error *err = read_either(unwind, RISCV_SCAUSE, &walk->cause, &cause);
	const bool failed = err;
	gg_error_destroy(err);
	if (failed)
		return;
	const uint64_t number = cause & ~(UINT64_C(1) << 63);
	if (cause >> 63) {
		entry->kind = GG_ENTRY_IRQ;
		snprintf(entry->name, sizeof(entry->name), "%s", interrupt_name(number));
	} else if (number == CAUSE_ECALL) {
		name_syscall(unwind);
	} else {
		entry->kind = GG_ENTRY_EXCEPTION;
		snprintf(entry->name, sizeof(entry->name), "%s", exception_name(number));
	}
}

const struct gg_stack_ops riscv_stack = {
	.open = open_walk,
	.close = free,
	.stack_size = stack_size,
	.start_sleeping = start_sleeping,
	.start_registers = start_registers,
	.start_return = start_return,
	.step = step,
	.name_entry = name_entry,
};
