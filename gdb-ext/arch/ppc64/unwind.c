// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk through the stacks of Linux on POWER, by back chains (Linux arch/powerpc/kernel/stacktrace.c,
// process.c: show_stack, v6.1 to v7.2): a frame's first word leads to the caller's frame, whose third
// word has the return address. The frame of an interrupt has a mark, and struct pt_regs behind it.
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
#include "ppc64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD = 8,
	SAVED_LR = 16, // of a frame
};

// STACK_FRAME_REGS_MARKER, as text: since v6.2 "REGS", before "regshere".
#define MARK     UINT64_C(0x53474552)
#define OLD_MARK UINT64_C(0x7265677368657265)

struct walk {
	struct gg_member ksp;
	struct gg_member stack; // of THREAD_SIZE bytes
	// struct pt_regs
	struct gg_member regs, gpr, nip, msr, link, trap;
	gg_gva_t entries_end; // of the code of entries and exits; 0 without
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct walk, ksp, "task_struct", "thread.ksp"),
	GG_LAYOUT_ROW(struct walk, stack, "thread_union", "stack"),
	GG_LAYOUT_ROW(struct walk, regs, "pt_regs", ""),
	GG_LAYOUT_ROW(struct walk, gpr, "pt_regs", "gpr"),
	GG_LAYOUT_ROW(struct walk, nip, "pt_regs", "nip"),
	GG_LAYOUT_ROW(struct walk, msr, "pt_regs", "msr"),
	GG_LAYOUT_ROW(struct walk, link, "pt_regs", "link"),
	GG_LAYOUT_ROW(struct walk, trap, "pt_regs", "trap"),
};

// The layout in a kernel whose types are not known, and so no tasks: struct pt_regs as programs have it
// (Linux arch/powerpc/include/uapi/asm/ptrace.h).
static const struct walk without_types = {
	.stack = { 0, 16 << 10 },
	.regs = { 0, 44 * WORD },
	.gpr = { 0, 32 * WORD },
	.nip = { 32 * WORD, WORD },
	.msr = { 33 * WORD, WORD },
	.link = { 36 * WORD, WORD },
	.trap = { 40 * WORD, WORD },
};

static struct gg_error *open_walk(const struct gg_answerers *kernel, void **ret)
{
	struct gg_error *err = gg_stack_open(kernel, rows, sizeof(rows) / sizeof(*rows),
					     sizeof(struct walk), &without_types, ret);
	if (err)
		return err;
	struct walk *walk = *ret;
	gg_error_destroy(gg_host_symbol(&kernel->typed, "__end_soft_masked", &walk->entries_end));
	return NULL;
}

static uint64_t stack_size(const void *data)
{
	const struct walk *walk = data;
	return walk->stack.size;
}

// ---- Starts ----

// The frame at ksp is of the switch itself, and its caller's has the return address.
static struct gg_error *start_sleeping(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	uint64_t sp, caller, pc;
	struct gg_error *err =
		gg_host_read_member(&unwind->kernel->typed, unwind->task, &walk->ksp, &sp);
	if (!err)
		err = gg_stack_begin(unwind, sp, walk->stack.size);
	if (!err)
		err = gg_stack_word(&unwind->memory, sp, &caller);
	if (!err)
		err = gg_stack_word(&unwind->memory, caller + SAVED_LR, &pc);
	if (!err)
		gg_stack_place(unwind, pc, caller);
	return err;
}

static void start_registers(struct gg_unwind *unwind, const struct gg_registers *registers)
{
	for (unsigned int id = 0; id < PPC64_REGISTERS; id++)
		gg_register_copy(&unwind->registers, id, registers);
	unwind->pc = gg_register(registers, PPC64_NIP);
	unwind->sp = gg_register(registers, PPC64_R1);
	unwind->entry.is_user = gg_register(registers, PPC64_MSR) & PPC64_MSR_PR;
}

// The word at ADDRESS is a return address if it stands in a frame whose back chain leads up.
static bool start_return(struct gg_unwind *unwind, gg_gva_t address, gg_gva_t pc)
{
	const struct walk *walk = unwind->data;
	uint64_t caller;
	if (pc < ppc64_linux.kernel_area || pc % 4)
		return false;
	struct gg_error *err = gg_stack_word(&unwind->memory, address - SAVED_LR, &caller);
	const bool failed = err;
	gg_error_destroy(err);
	if (failed || caller <= address || caller - unwind->stack > walk->stack.size)
		return false;
	gg_stack_place(unwind, pc, address - SAVED_LR);
	return true;
}

// ---- A step ----

// Goes back through the entry that saved struct pt_regs at ADDRESS.
static struct gg_error *restore(struct gg_unwind *unwind, gg_gva_t address)
{
	const struct walk *walk = unwind->data;
	uint64_t msr, pc, lr, sp;
	struct gg_error *err = gg_stack_word(&unwind->memory, address + walk->msr.offset, &msr);
	if (!err)
		err = gg_stack_word(&unwind->memory, address + walk->nip.offset, &pc);
	if (!err)
		err = gg_stack_word(&unwind->memory, address + walk->link.offset, &lr);
	if (!err)
		err = gg_stack_word(&unwind->memory, address + walk->gpr.offset + WORD, &sp);
	if (err)
		return gg_error_context(err, "the saved registers at 0x%" PRIx64, address);
	gg_stack_place(unwind, pc, sp);
	gg_register_set(&unwind->registers, PPC64_LR, lr);
	gg_stack_enter(unwind, address, address + walk->regs.size, msr & PPC64_MSR_PR);
	return NULL;
}

// Finds the registers that the frame at SP has, where it has the mark: behind the smallest frame of the
// ELF ABI, version 2, since v6.2, and of version 1 before. The frame may be smaller, and the mark the caller's.
static struct gg_error *find_saved(struct gg_unwind *unwind, gg_gva_t sp, gg_gva_t *ret)
{
	static const struct {
		unsigned int mark, registers;
	} places[] = { { 32, 48 }, { 96, 112 } };
	uint64_t caller = 0;
	struct gg_error *err = gg_error_unless_final(gg_stack_word(&unwind->memory, sp, &caller));
	*ret = 0;
	for (size_t i = 0; !err && !*ret && i < sizeof(places) / sizeof(*places); i++) {
		uint64_t word;
		const bool is_callers = caller > sp && caller - sp <= places[i].mark;
		err = gg_stack_word(&unwind->memory, sp + places[i].mark, &word);
		if (!err && (word == MARK || word == OLD_MARK) && !is_callers)
			*ret = sp + places[i].registers;
		err = gg_error_unless_final(err);
	}
	return err;
}

static bool step_by_lr(struct gg_unwind *unwind, uint64_t saved)
{
	const uint64_t lr = gg_register(&unwind->registers, PPC64_LR);
	return unwind->is_exact && lr && gg_stack_is_code(unwind, lr - 1) &&
	       gg_stack_step_by_link(unwind, PPC64_LR, lr, saved);
}

// Goes from the last frame of a stack for interrupts, which has but the chain to the stack before, to the frame there of the
// function that has switched, if it has one (Linux arch/powerpc/kernel/irq.c, call_do_irq() and call_do_softirq(), v6.1 to v7.2).
static struct gg_error *leave_stack(struct gg_unwind *unwind)
{
	enum { MOST = 112 }; // bytes of such a frame, later 32
	const uint64_t size = stack_size(unwind->data);
	const gg_gva_t sp = unwind->sp;
	struct gg_code_frame frame;
	uint64_t before = 0;
	if (!size || size - sp % size > MOST)
		return NULL;
	struct gg_error *err = gg_stack_word(&unwind->memory, sp, &before);
	if (err || !before || before / size == sp / size)
		return err;
	err = gg_stack_code_frame(unwind, &frame);
	if (!err && (frame.flags & (GG_FRAME_CHAINED | GG_FRAME_SWITCHED)) != GG_FRAME_SWITCHED)
		gg_stack_place(unwind, unwind->pc, before);
	return err;
}

static struct gg_error *step(struct gg_unwind *unwind)
{
	const struct walk *walk = unwind->data;
	const gg_gva_t sp = gg_register(&unwind->registers, PPC64_R1);
	struct gg_stack_caller returns = { .is_found = false };
	uint64_t caller, pc = 0;
	gg_gva_t saved = 0;
	enum ppc64_entry entry;
	struct gg_error *err = ppc64_leave_entry(unwind, walk->entries_end, &entry);
	if (err || entry == PPC64_ENTRY_LEFT)
		return err;
	if (!unwind->is_exact || entry == PPC64_ENTRY_SAVED)
		err = find_saved(unwind, sp, &saved);
	if (!err && saved)
		return restore(unwind, saved);
	if (!err)
		err = gg_stack_find_caller(unwind, PPC64_LR, PPC64_R0 + 31, &returns);
	if (!err && gg_stack_return(unwind, PPC64_LR, &returns))
		return leave_stack(unwind);
	if (!err)
		err = gg_stack_word(&unwind->memory, sp, &caller);
	if (!err && caller)
		err = gg_stack_word(&unwind->memory, caller + SAVED_LR, &pc);
	if (err)
		return err;
	if (step_by_lr(unwind, pc))
		return leave_stack(unwind);
	if (!caller || !pc) {
		unwind->has_ended = true;
		return NULL;
	}
	if (!gg_stack_is_code(unwind, pc - 1))
		return gg_error_create(GG_BAD_DATA,
				       "the return address 0x%" PRIx64 " is not the kernel's", pc);
	gg_register_forget(&unwind->registers, PPC64_LR, UINT64_MAX);
	gg_stack_place(unwind, pc, caller);
	unwind->is_exact = false;
	return leave_stack(unwind);
}

// ---- Names ----

// The vectors of interrupts (Power ISA, version 3.0B, book III, Interrupt Definitions).
static const struct {
	unsigned int trap;
	enum gg_entry_kind kind;
	const char *name;
	const char *code; // the beginning of the names of Linux's code, before "_common"
} traps[] = {
	{ 0x100, GG_ENTRY_NMI, "system reset", "system_reset" },
	{ 0x200, GG_ENTRY_EXCEPTION, "machine check", "machine_check" },
	{ 0x300, GG_ENTRY_EXCEPTION, "data storage", "data_access" },
	{ 0x380, GG_ENTRY_EXCEPTION, "data segment", "data_access_slb" },
	{ 0x400, GG_ENTRY_EXCEPTION, "instruction storage", "instruction_access" },
	{ 0x480, GG_ENTRY_EXCEPTION, "instruction segment", "instruction_access_slb" },
	{ 0x500, GG_ENTRY_IRQ, "external", "hardware_interrupt" },
	{ 0x600, GG_ENTRY_EXCEPTION, "alignment", "alignment" },
	{ 0x700, GG_ENTRY_EXCEPTION, "program", "program_check" },
	{ 0x900, GG_ENTRY_IRQ, "decrementer", "decrementer" },
	{ 0xa00, GG_ENTRY_IRQ, "doorbell", "doorbell_super" },
	{ 0xc00, GG_ENTRY_SYSCALL, "", "system_call" },
	{ 0xe80, GG_ENTRY_IRQ, "doorbell", "h_doorbell" },
	{ 0xea0, GG_ENTRY_IRQ, "external", "h_virt_irq" },
	{ 0x3000, GG_ENTRY_SYSCALL, "", "system_call_vectored" },
};

// Returns the vector that the entry NAME is at, or is a part of; 0 for another name. The vectors from 0x4000 on are those with
// address translation.
static uint64_t trap_of(const char *name)
{
	enum { VECTOR = 0xfff, SCV = 0x3000 };
	const char *number = strstr(name, "_0x"), *part = strstr(name, "_common");
	for (size_t i = 0; part && i < sizeof(traps) / sizeof(*traps); i++)
		if (strlen(traps[i].code) == (size_t)(part - name) &&
		    !strncmp(name, traps[i].code, (size_t)(part - name)))
			return traps[i].trap;
	const uint64_t vector = number ? strtoull(number + 1, NULL, 16) : 0;
	return vector == SCV ? vector : vector & VECTOR;
}

static void name_entry(struct gg_unwind *unwind, const char *name)
{
	enum { FLAGS = 0xf };
	const struct walk *walk = unwind->data;
	struct gg_stack_entry *entry = &unwind->entry;
	uint64_t trap = 0, number = 0;
	struct gg_error *err = NULL;
	if (entry->registers)
		err = gg_stack_word(&unwind->memory, entry->registers + walk->trap.offset, &trap);
	else
		trap = trap_of(ppc64_entry_name(name));
	for (size_t i = 0; !err && i < sizeof(traps) / sizeof(*traps); i++) {
		if ((trap & ~(uint64_t)FLAGS) != traps[i].trap)
			continue;
		entry->kind = traps[i].kind;
		snprintf(entry->name, sizeof(entry->name), "%s", traps[i].name);
		if (entry->kind == GG_ENTRY_SYSCALL && entry->registers)
			err = gg_stack_word(&unwind->memory, entry->registers + walk->gpr.offset,
					    &number);
		if (!err && entry->kind == GG_ENTRY_SYSCALL && entry->registers &&
		    number <= INT32_MAX)
			gg_syscall_set(unwind, "sys_call_table", number, (int64_t)number);
	}
	gg_error_destroy(err);
}

const struct gg_stack_ops ppc64_stack = {
	.open = open_walk,
	.close = free,
	.stack_size = stack_size,
	.start_sleeping = start_sleeping,
	.start_registers = start_registers,
	.start_return = start_return,
	.step = step,
	.name_entry = name_entry,
};
