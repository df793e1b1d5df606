// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk through the stacks of Linux on AArch64, by frame records (Linux
// arch/arm64/kernel/stacktrace.c, v6.1 to v7.2): x29 leads to a record of the caller's x29 and the return
// address. An entry into the kernel saves struct pt_regs with a record of its own, stackframe: its
// return address is the interrupted code's pc, or since v6.14 0 with a mark behind it.
//
// In:  the kernel's symbols, types and memory; registers.
// Out: the caller's registers.
// Trusts nothing it reads: linux/stack/stack.c bounds the steps.
#include "arm64.h"
#include "arch/instruction.h"
#include "entry.h"
#include "linux/stack/code-frame.h"
#include "linux/stack/code.h"
#include "linux/stack/start.h"
#include "linux/stack/syscall.h"
#include "linux/symbols/symbols.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD = 8,
	RECORD = 16,
	STACK_SIZE = 16 << 10, // THREAD_SIZE, but with pages of 64 KiB
	META_PT_REGS = 2,      // FRAME_META_TYPE_PT_REGS
};

struct walk {
	// task_struct.thread of a task that is on no CPU.
	struct gg_member context_fp, context_sp, context_pc;
	// struct pt_regs
	struct gg_member regs, general, sp, pc, pstate, stackframe, syscall_number;
	bool has_meta;
	uint64_t stack_size;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct walk, context_fp, "task_struct", "thread.cpu_context.fp"),
	GG_LAYOUT_ROW(struct walk, context_sp, "task_struct", "thread.cpu_context.sp"),
	GG_LAYOUT_ROW(struct walk, context_pc, "task_struct", "thread.cpu_context.pc"),
	GG_LAYOUT_ROW(struct walk, regs, "pt_regs", ""),
	GG_LAYOUT_ROW(struct walk, general, "pt_regs", "regs"),
	GG_LAYOUT_ROW(struct walk, sp, "pt_regs", "sp"),
	GG_LAYOUT_ROW(struct walk, pc, "pt_regs", "pc"),
	GG_LAYOUT_ROW(struct walk, pstate, "pt_regs", "pstate"),
	GG_LAYOUT_ROW(struct walk, stackframe, "pt_regs", "stackframe"),
	GG_LAYOUT_ROW_OPTIONAL(struct walk, syscall_number, "pt_regs", "syscallno"),
};

// ---- Open ----

// Derives THREAD_SIZE from the symbols around init_stack (include/asm-generic/vmlinux.lds.h:
// INIT_TASK_DATA).
static uint64_t find_stack_size(const struct gg_answerers *kernel)
{
	gg_gva_t start, end;
	struct gg_error *err = gg_host_symbol(&kernel->typed, "init_stack", &start);
	if (!err)
		err = gg_host_symbol(&kernel->typed, "__end_init_stack", &end);
	const bool found = !err;
	gg_error_destroy(err);
	const uint64_t size = found ? end - start : 0;
	return size >= GG_STACK_PAGE && size <= 4 * GG_STACK_AHEAD && !(size & (size - 1))
		       ? size
		       : STACK_SIZE;
}

static struct gg_error *open_walk(const struct gg_answerers *kernel, void **ret)
{
	struct gg_member meta;
	void *data;
	struct gg_error *err = gg_stack_open(kernel, rows, sizeof(rows) / sizeof(*rows),
					     sizeof(struct walk), NULL, &data);
	if (err)
		return err;
	struct walk *walk = data;
	err = kernel->typed.ops->member(kernel->typed.data, "frame_record_meta", "type", &meta);
	walk->has_meta = !err;
	err = gg_error_unless_final(err);
	walk->stack_size = find_stack_size(kernel);
	*ret = walk;
	return err;
}

static uint64_t stack_size(const void *data)
{
	const struct walk *walk = data;
	return walk->stack_size;
}

// ---- Starts ----

static void set_place(struct gg_unwind *unwind, gg_gva_t pc, gg_gva_t sp, gg_gva_t fp)
{
	gg_stack_place(unwind, pc, sp);
	gg_register_set(&unwind->registers, ARM64_FP, fp);
}

// Removes the signature of a return address (FEAT_PAuth). The kernel's code is in the upper 2^48 bytes.
static gg_gva_t without_signature(gg_gva_t address)
{
	enum { HALVES = 55 };
	const gg_gva_t upper = UINT64_C(0xffff000000000000);
	return address >> HALVES & 1 ? address | upper : address;
}

static struct gg_error *start_sleeping(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	const struct gg_host *host = &unwind->kernel->typed;
	uint64_t pc, sp, fp;
	struct gg_error *err = gg_host_read_member(host, unwind->task, &walk->context_pc, &pc);
	if (!err)
		err = gg_host_read_member(host, unwind->task, &walk->context_sp, &sp);
	if (!err)
		err = gg_host_read_member(host, unwind->task, &walk->context_fp, &fp);
	if (!err)
		err = gg_stack_begin(unwind, sp, walk->stack_size);
	if (!err)
		set_place(unwind, pc, sp, fp);
	return err;
}

static void start_registers(struct gg_unwind *unwind, const struct gg_registers *registers)
{
	for (unsigned int id = 0; id < ARM64_REGISTERS; id++)
		gg_register_copy(&unwind->registers, id, registers);
	unwind->pc = gg_register(registers, ARM64_PC);
	unwind->sp = gg_register(registers, ARM64_SP);
	unwind->entry.is_user = gg_register_has_known(registers, ARM64_PSTATE)
					? !arm64_exception_level(registers)
					: unwind->pc < arm64_linux.kernel_area;
}

// Tests the call before PC: BL, BLR and its forms with a signature.
static bool is_behind_call(const struct gg_unwind *unwind, gg_gva_t pc)
{
	uint8_t code[4];
	struct gg_error *err =
		gg_host_read(&unwind->kernel->typed, pc - sizeof(code), code, sizeof(code));
	const bool failed = err;
	gg_error_destroy(err);
	const uint32_t word = gg_code_word(code);
	return !failed && ((word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000 ||
			   (word & 0xfefff800) == 0xd63f0800);
}

// The word at ADDRESS is a return address if the word below it is a frame pointer above it.
static bool start_return(struct gg_unwind *unwind, gg_gva_t address, gg_gva_t pc)
{
	uint64_t fp;
	pc = without_signature(pc);
	if (pc < arm64_linux.kernel_area || pc % 4 || !is_behind_call(unwind, pc))
		return false;
	struct gg_error *err = gg_stack_word(&unwind->memory, address - WORD, &fp);
	const bool failed = err;
	gg_error_destroy(err);
	if (failed || fp <= address || fp - unwind->stack > stack_size(unwind->data))
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

// Goes back through the entry that saved struct pt_regs at ADDRESS. A kernel thread's first frame has
// registers of 0.
static struct gg_error *restore(struct gg_unwind *unwind, gg_gva_t address)
{
	enum { EL = 3 << ARM64_PSTATE_EL_SHIFT };
	const struct walk *walk = unwind->data;
	const gg_gva_t x29 = address + walk->general.offset + WORD * (ARM64_FP - ARM64_X0);
	uint64_t pc, sp, fp, lr, pstate;
	struct gg_error *err = load(unwind, address, &walk->pc, &pc);
	if (!err)
		err = load(unwind, address, &walk->sp, &sp);
	if (!err)
		err = load(unwind, address, &walk->pstate, &pstate);
	if (!err)
		err = gg_stack_word(&unwind->memory, x29, &fp);
	if (!err)
		err = gg_stack_word(&unwind->memory, x29 + WORD, &lr);
	if (err)
		return gg_error_context(err, "the saved registers at 0x%" PRIx64, address);
	if (!pc) {
		unwind->has_ended = true;
		return NULL;
	}
	set_place(unwind, pc, sp, fp);
	gg_register_set(&unwind->registers, ARM64_LR, lr);
	gg_stack_enter(unwind, address, address + walk->regs.size, !(pstate & EL));
	return NULL;
}

static bool step_by_lr(struct gg_unwind *unwind, gg_gva_t saved)
{
	const gg_gva_t lr = without_signature(gg_register(&unwind->registers, ARM64_LR));
	return lr >= arm64_linux.kernel_area && gg_stack_step_by_link(unwind, ARM64_LR, lr, saved);
}

// Tests whether the code at PC is an exception's entry, whose record is that of struct pt_regs.
static bool is_entry_code(const struct gg_unwind *unwind)
{
	static const char *const prefixes[] = { "el1h_64_", "el1t_64_",  "el1_irq",
						"el1_sync", "el1_error", "el1_fiq" };
	struct gg_symbol symbol;
	struct gg_error *err =
		gg_symbols_at(unwind->kernel->symbols, unwind->pc - !unwind->is_exact, &symbol);
	const bool failed = err;
	gg_error_destroy(err);
	// The handlers of these entries are C: el1h_64_irq_handler.
	if (failed || strstr(symbol.name, "_handler"))
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(symbol.name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static struct gg_error *step(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	const gg_gva_t fp = gg_register(&unwind->registers, ARM64_FP);
	const gg_gva_t regs = fp - walk->stackframe.offset;
	const gg_gva_t first = unwind->stack + walk->stack_size - walk->regs.size;
	const struct arm64_saved saved = {
		.size = walk->regs.size,
		.fp = walk->general.offset + WORD * (ARM64_FP - ARM64_X0),
		.sp = walk->sp.offset,
	};
	struct gg_stack_caller returns;
	uint64_t caller, pc, mark = 0;
	bool has_left;
	struct gg_error *err = arm64_leave_entry(unwind, &saved, &has_left);
	if (err || has_left || arm64_leave_trampoline(unwind, &saved, first + saved.size))
		return err;
	err = gg_stack_find_caller(unwind, ARM64_LR, ARM64_FP, &returns);
	if (err)
		return err;
	returns.pc = without_signature(returns.pc);
	if (gg_stack_return(unwind, ARM64_LR, &returns)) {
		gg_register_set(&unwind->registers, ARM64_FP, returns.fp);
		return NULL;
	}
	if (unwind->stack && regs == first)
		return restore(unwind, regs);
	if (fp < unwind->sp || fp % WORD)
		return gg_error_create(GG_BAD_DATA,
				       "the frame pointer 0x%" PRIx64
				       " is not above the stack pointer 0x%" PRIx64,
				       fp, unwind->sp);
	err = gg_stack_word(&unwind->memory, fp, &caller);
	if (!err)
		err = gg_stack_word(&unwind->memory, fp + WORD, &pc);
	if (!err && walk->has_meta && !caller && !pc)
		err = gg_stack_word(&unwind->memory, fp + RECORD, &mark);
	if (err)
		return err;
	pc = without_signature(pc);
	if (mark || (!walk->has_meta && is_entry_code(unwind)))
		return restore(unwind, regs);
	if (step_by_lr(unwind, pc))
		return NULL;
	if (pc < arm64_linux.kernel_area)
		return gg_error_create(GG_BAD_DATA,
				       "the return address 0x%" PRIx64 " is not the kernel's", pc);
	gg_register_forget(&unwind->registers, ARM64_LR, UINT64_MAX);
	set_place(unwind, pc, fp + RECORD, caller);
	unwind->is_exact = false;
	return NULL;
}

// ---- Names ----

// Linux arch/arm64/kernel/entry.S, and before v5.13 its other names. NAME is of the asm code, or of the C
// code that it calls.
static void name_entry(struct gg_unwind *unwind, const char *name)
{
	enum { NO_CALL = UINT32_MAX };
	const struct walk *walk = unwind->data;
	struct gg_stack_entry *entry = &unwind->entry;
	const struct gg_member number = { walk->syscall_number.offset, 4 };
	uint64_t call = NO_CALL;
	if (strstr(name, "irq") || strstr(name, "fiq")) {
		entry->kind = GG_ENTRY_IRQ;
	} else if (strstr(name, "sync") || strstr(name, "error")) {
		entry->kind = GG_ENTRY_EXCEPTION;
		snprintf(entry->name, sizeof(entry->name), "%s",
			 strstr(name, "error") ? "SError" : "");
	}
	if (!entry->is_user || !entry->registers || entry->kind == GG_ENTRY_IRQ ||
	    !walk->syscall_number.size)
		return;
	gg_error_destroy(
		gg_host_read_member(&unwind->kernel->typed, entry->registers, &number, &call));
	if (call > INT32_MAX)
		return;
	entry->kind = GG_ENTRY_SYSCALL;
	gg_syscall_set(unwind, "sys_call_table", call, (int64_t)call);
}

const struct gg_stack_ops arm64_stack = {
	.open = open_walk,
	.close = free,
	.stack_size = stack_size,
	.start_sleeping = start_sleeping,
	.start_registers = start_registers,
	.start_return = start_return,
	.step = step,
	.name_entry = name_entry,
};
