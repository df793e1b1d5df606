// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk through the stacks of Linux on x86-64: by ORC (Linux arch/x86/kernel/unwind_orc.c), and by
// the frame pointer for code without ORC, which is a guess (arch/x86/kernel/unwind_frame.c).
//
// In:  the kernel's symbols, types and memory; registers.
// Out: the caller's registers.
// Trusts nothing it reads: a register that is not known is never used, and linux/stack/stack.c bounds
// the steps.
#include "unwind.h"
#include "linux/stack/start.h"
#include "x86.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	STACK_SIZE = 16 << 10, // THREAD_SIZE
	CPL = 3,
	EACH_BIT = 0xffff, // of a segment's selector: FRED has more in the word
};

struct x86_walk {
	struct x86_orc *orc; // NULL for a kernel without ORC
	struct x86_returns returns;
	uint64_t stack_size;
	gg_gva_t new_task, new_task_asm; // a new task's first code, 0 without
	// struct inactive_task_frame is at task_struct.thread.sp.
	struct gg_member thread_sp, saved_bp, saved_bx, saved_r12, saved_r13, saved_r14, saved_r15;
	struct gg_member saved_ret;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct x86_walk, thread_sp, "task_struct", "thread.sp"),
	GG_LAYOUT_ROW(struct x86_walk, saved_bp, "inactive_task_frame", "bp"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_walk, saved_bx, "inactive_task_frame", "bx"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_walk, saved_r12, "inactive_task_frame", "r12"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_walk, saved_r13, "inactive_task_frame", "r13"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_walk, saved_r14, "inactive_task_frame", "r14"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_walk, saved_r15, "inactive_task_frame", "r15"),
	GG_LAYOUT_ROW(struct x86_walk, saved_ret, "inactive_task_frame", "ret_addr"),
};

// The registers in the order of struct pt_regs, which the kernel's ABI fixes.
static const unsigned int pt_regs[X86_PT_WORDS] = {
	X86_R15,    X86_R8 + 6,      X86_R8 + 5, X86_R8 + 4, X86_RBP,    X86_RBX, X86_R8 + 3,
	X86_R8 + 2, X86_R8 + 1,      X86_R8,     X86_RAX,    X86_RCX,    X86_RDX, X86_RSI,
	X86_RDI,    X86_NO_REGISTER, X86_RIP,    X86_CS,     X86_RFLAGS, X86_RSP, X86_SS,
};

// ---- Open ----

static gg_gva_t optional_symbol(const struct gg_host *host, const char *name)
{
	gg_gva_t address = 0;
	gg_error_destroy(gg_host_symbol(host, name, &address));
	return address;
}

// Derives THREAD_SIZE from the symbols around init_stack (include/asm-generic/vmlinux.lds.h:
// INIT_TASK_DATA).
static uint64_t find_stack_size(const struct gg_host *host)
{
	const gg_gva_t start = optional_symbol(host, "init_stack");
	gg_gva_t end = optional_symbol(host, "__end_init_stack");
	if (!end)
		end = optional_symbol(host, "__end_init_task");
	const uint64_t size = end - start;
	return start && size >= GG_STACK_PAGE && size <= GG_STACK_AHEAD && !(size & (size - 1))
		       ? size
		       : STACK_SIZE;
}

static void close_walk(void *data)
{
	struct x86_walk *walk = data;
	x86_orc_destroy(walk->orc);
	free(walk);
}

static struct gg_error *open_walk(const struct gg_answerers *kernel, void **ret)
{
	struct x86_walk *walk = calloc(1, sizeof(*walk));
	if (!walk)
		return gg_enomem;
	struct gg_error *err =
		gg_layout_resolve(&kernel->typed, rows, sizeof(rows) / sizeof(*rows), walk);
	if (!err)
		err = gg_error_unless_final(x86_orc_create(kernel, &walk->orc));
	if (!err)
		err = x86_returns_init(&walk->returns, kernel);
	walk->stack_size = find_stack_size(&kernel->typed);
	walk->new_task = optional_symbol(&kernel->typed, "ret_from_fork");
	walk->new_task_asm = optional_symbol(&kernel->typed, "ret_from_fork_asm");
	if (err)
		close_walk(walk);
	else
		*ret = walk;
	return err;
}

static uint64_t stack_size(const void *data)
{
	const struct x86_walk *walk = data;
	return walk->stack_size;
}

// ---- Starts ----

// Sets the register ID to the word MEMBER of the frame at ADDRESS; a MEMBER of size 0 is not there.
static struct gg_error *load(struct gg_unwind *unwind, gg_gva_t address,
			     const struct gg_member *member, unsigned int id)
{
	uint64_t value;
	if (!member->size)
		return NULL;
	struct gg_error *err = gg_stack_word(&unwind->memory, address + member->offset, &value);
	if (!err)
		gg_register_set(&unwind->registers, id, value);
	return err;
}

static struct gg_error *load_saved(struct gg_unwind *unwind, gg_gva_t frame)
{
	const struct x86_walk *walk = unwind->data;
	const struct {
		const struct gg_member *member;
		unsigned int id;
	} saved[] = {
		{ &walk->saved_bp, X86_RBP },     { &walk->saved_bx, X86_RBX },
		{ &walk->saved_r12, X86_R8 + 4 }, { &walk->saved_r13, X86_R8 + 5 },
		{ &walk->saved_r14, X86_R8 + 6 }, { &walk->saved_r15, X86_R15 },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(saved) / sizeof(*saved); i++)
		err = load(unwind, frame, saved[i].member, saved[i].id);
	return err;
}

static struct gg_error *start_sleeping(struct gg_unwind *unwind)
{
	const struct x86_walk *walk = unwind->data;
	gg_gva_t frame, pc;
	struct gg_error *err =
		gg_host_read_member(&unwind->kernel->typed, unwind->task, &walk->thread_sp, &frame);
	if (err)
		return err;
	err = gg_stack_begin(unwind, frame, walk->stack_size);
	if (!err)
		err = load_saved(unwind, frame);
	if (!err)
		err = gg_stack_word(&unwind->memory, frame + walk->saved_ret.offset, &pc);
	if (err)
		return err;
	gg_stack_place(unwind, pc, frame + walk->saved_ret.offset + X86_WORD);
	unwind->is_exact = pc == walk->new_task || pc == walk->new_task_asm;
	return NULL;
}

static void start_registers(struct gg_unwind *unwind, const struct gg_registers *registers)
{
	for (unsigned int id = 0; id < X86_REGISTERS; id++)
		gg_register_copy(&unwind->registers, id, registers);
	gg_stack_place(unwind, gg_register(registers, X86_RIP), gg_register(registers, X86_RSP));
	unwind->entry.is_user = gg_register(registers, X86_CS) & CPL;
}

static bool start_return(struct gg_unwind *unwind, gg_gva_t address, gg_gva_t pc)
{
	enum { CALL = 0xe8, CALL_SIZE = 5, INDIRECT = 0xff, LONGEST = 7 };
	const struct x86_walk *walk = unwind->data;
	struct x86_orc_entry entry;
	uint8_t code[LONGEST];
	if (!walk->orc)
		return false;
	struct gg_error *err = x86_orc_find(walk->orc, pc - 1, &entry);
	if (!err)
		err = gg_host_read(&unwind->kernel->typed, pc - LONGEST, code, LONGEST);
	const bool failed = err;
	gg_error_destroy(err);
	gg_stack_place(unwind, pc, address + X86_WORD);
	return !failed && entry.type == X86_ORC_CALL &&
	       (code[LONGEST - CALL_SIZE] == CALL || code[LONGEST - 2] == INDIRECT ||
		code[LONGEST - 3] == INDIRECT || code[LONGEST - 6] == INDIRECT);
}

// ---- A step ----

static struct gg_error *known(const struct gg_unwind *unwind, unsigned int id, uint64_t *ret)
{
	*ret = gg_register(&unwind->registers, id);
	return gg_register_known(&unwind->registers, id)
		       ? NULL
		       : gg_error_create(GG_NOT_FOUND, "the register %s is not known here",
					 unwind->registers.set->infos[id].name);
}

// Finds the caller's frame: its stack pointer before the call, or where registers were saved.
static struct gg_error *find_frame(struct gg_unwind *unwind, const struct x86_orc_entry *entry,
				   gg_gva_t *ret)
{
	static const unsigned int bases[] = {
		[X86_ORC_UNDEFINED] = X86_NO_REGISTER,
		[X86_ORC_PREV_SP] = X86_NO_REGISTER,
		[X86_ORC_AX] = X86_RAX,
		[X86_ORC_DX] = X86_RDX,
		[X86_ORC_DI] = X86_RDI,
		[X86_ORC_BP] = X86_RBP,
		[X86_ORC_SP] = X86_RSP,
		[X86_ORC_R10] = X86_R8 + 2,
		[X86_ORC_R13] = X86_R8 + 5,
		[X86_ORC_BP_INDIRECT] = X86_RBP,
		[X86_ORC_SP_INDIRECT] = X86_RSP,
		[X86_ORC_BAD] = X86_NO_REGISTER,
	};
	uint64_t base;
	if (bases[entry->sp_base] == X86_NO_REGISTER)
		return gg_error_create(GG_BAD_DATA, "the ORC entry has no known register");
	struct gg_error *err = known(unwind, bases[entry->sp_base], &base);
	if (err)
		return err;
	const uint64_t offset = (uint64_t)(int64_t)entry->sp_offset;
	*ret = base + offset;
	if (entry->sp_base == X86_ORC_BP_INDIRECT)
		return gg_stack_word(&unwind->memory, base + offset, ret);
	if (entry->sp_base != X86_ORC_SP_INDIRECT)
		return NULL;
	err = gg_stack_word(&unwind->memory, base, ret);
	*ret += offset;
	return err;
}

// Finds the caller's frame pointer, which the registers get after the step.
static struct gg_error *find_frame_pointer(struct gg_unwind *unwind,
					   const struct x86_orc_entry *entry, gg_gva_t frame,
					   struct gg_registers *ret)
{
	const uint64_t offset = (uint64_t)(int64_t)entry->bp_offset;
	uint64_t value = frame;
	struct gg_error *err = NULL;
	if (entry->bp_base == X86_ORC_UNDEFINED)
		return NULL;
	if (entry->bp_base == X86_ORC_BP)
		err = known(unwind, X86_RBP, &value);
	else if (entry->bp_base != X86_ORC_PREV_SP)
		err = gg_error_create(GG_BAD_DATA, "the ORC entry has no known register");
	if (!err)
		err = gg_stack_word(&unwind->memory, value + offset, &value);
	if (!err)
		gg_register_set(ret, X86_RBP, value);
	return err;
}

// Forgets the registers that the callee may have changed: ORC has the places of two registers alone.
static void forget_changed(struct gg_registers *registers)
{
	for (unsigned int id = 0; id < X86_RIP; id++)
		if (id != X86_RSP && id != X86_RBP)
			gg_register_forget(registers, id, UINT64_MAX);
	gg_register_forget(registers, X86_RFLAGS, UINT64_MAX);
}

// Sets the registers to the words of struct pt_regs at ADDRESS, from the word FIRST on.
static struct gg_error *restore(struct gg_unwind *unwind, gg_gva_t address, unsigned int first)
{
	uint64_t words[X86_PT_WORDS];
	for (unsigned int i = first; i < X86_PT_WORDS; i++) {
		struct gg_error *err =
			gg_stack_word(&unwind->memory, address + i * X86_WORD, &words[i]);
		if (err)
			return gg_error_context(err, "the saved registers at 0x%" PRIx64, address);
	}
	for (unsigned int i = first; i < X86_PT_WORDS; i++)
		if (pt_regs[i] != X86_NO_REGISTER)
			gg_register_set(&unwind->registers, pt_regs[i], words[i]);
	gg_stack_place(unwind, words[X86_PT_IP], words[X86_PT_SP]);
	gg_stack_enter(unwind, address, address + X86_PT_WORDS * X86_WORD,
		       words[X86_PT_CS] & EACH_BIT & CPL);
	return NULL;
}

// Returns to the caller, whose frame is FRAME.
static struct gg_error *return_from(struct gg_unwind *unwind, const struct x86_orc_entry *entry,
				    gg_gva_t frame)
{
	const struct x86_walk *walk = unwind->data;
	const gg_gva_t address = frame - X86_WORD;
	gg_gva_t pc;
	struct gg_error *err = gg_stack_word(&unwind->memory, address, &pc);
	if (!err)
		err = x86_returns_recover(&walk->returns, unwind, address, &pc);
	if (!err && pc < x86_linux_64.kernel_area)
		err = gg_error_create(GG_BAD_DATA,
				      "the return address 0x%" PRIx64 " is not the kernel's", pc);
	if (!err)
		err = find_frame_pointer(unwind, entry, frame, &unwind->registers);
	if (err)
		return err;
	forget_changed(&unwind->registers);
	gg_stack_place(unwind, pc, frame);
	unwind->is_exact = entry->is_signal;
	return NULL;
}

static struct gg_error *step_by(struct gg_unwind *unwind, const struct x86_orc_entry *entry)
{
	gg_gva_t frame;
	if (entry->type == X86_ORC_END) {
		unwind->has_ended = true;
		return NULL;
	}
	if (entry->type == X86_ORC_NONE || entry->type == X86_ORC_BAD_TYPE)
		return gg_error_create(GG_NOT_FOUND, "ORC has no way out of the code at 0x%" PRIx64,
				       unwind->pc);
	struct gg_error *err = find_frame(unwind, entry, &frame);
	if (err)
		return err;
	if (entry->type == X86_ORC_CALL)
		return return_from(unwind, entry, frame);
	if (entry->type == X86_ORC_PARTIAL)
		err = restore(unwind, frame - X86_PT_IP * X86_WORD, X86_PT_IP);
	else
		err = restore(unwind, frame, 0);
	return err ? err : find_frame_pointer(unwind, entry, frame, &unwind->registers);
}

// ---- Code without ORC ----

// A call of NULL: the return address is on top of the stack.
static const struct x86_orc_entry null_entry = { .sp_base = X86_ORC_SP,
						 .sp_offset = X86_WORD,
						 .type = X86_ORC_CALL };

// Code that keeps a frame pointer, as BPF's does.
static const struct x86_orc_entry frame_pointer_entry = {
	.sp_base = X86_ORC_BP,
	.sp_offset = 2 * X86_WORD,
	.bp_base = X86_ORC_PREV_SP,
	.bp_offset = -2 * X86_WORD,
	.type = X86_ORC_CALL,
};

// Steps by the frame pointer. A frame pointer with bit 0 set is the place of saved registers.
static struct gg_error *step_by_frame_pointer(struct gg_unwind *unwind)
{
	uint64_t bp;
	unwind->is_guess = true;
	struct gg_error *err = known(unwind, X86_RBP, &bp);
	if (err)
		return gg_error_context(err, "0x%" PRIx64 " is no code with ORC", unwind->pc);
	return bp & 1 ? restore(unwind, bp - 1, 0) : step_by(unwind, &frame_pointer_entry);
}

// Finds the entry of PC, or of the code that PC is a copy of.
static struct gg_error *find_entry(const struct gg_unwind *unwind, gg_gva_t pc,
				   struct x86_orc_entry *ret)
{
	const struct x86_walk *walk = unwind->data;
	gg_gva_t original;
	if (!walk->orc)
		return gg_error_create(GG_NOT_FOUND, "the kernel has no ORC");
	struct gg_error *err = x86_orc_find(walk->orc, pc, ret);
	if (!err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	struct gg_error *other = x86_returns_original(&walk->returns, unwind, pc, &original);
	if (other || !original) {
		gg_error_destroy(other ? err : NULL);
		return other ? other : err;
	}
	gg_error_destroy(err);
	return x86_orc_find(walk->orc, original, ret);
}

static struct gg_error *step(struct gg_unwind *unwind)
{
	struct x86_orc_entry entry;
	if (!unwind->pc && unwind->is_exact)
		return step_by(unwind, &null_entry);
	struct gg_error *err = find_entry(unwind, unwind->pc - !unwind->is_exact, &entry);
	if (!err)
		return step_by(unwind, &entry);
	if (gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	gg_error_destroy(err);
	return step_by_frame_pointer(unwind);
}

const struct gg_stack_ops x86_stack_64 = {
	.open = open_walk,
	.close = close_walk,
	.stack_size = stack_size,
	.start_sleeping = start_sleeping,
	.start_registers = start_registers,
	.start_return = start_return,
	.step = step,
	.name_entry = x86_name_entry,
};
