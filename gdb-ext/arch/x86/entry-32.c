// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU in Linux's entries on x86 of 32 bits (Linux arch/x86/entry/entry_32.S, v4.14 to v6.1). An entry saves registers, moves
// them to another stack and completes them in many steps, on ways that depend on the interrupted code. So the instructions that
// the CPU is about to execute are executed on a copy, up to the handler's call, which has struct pt_regs, or up to the return.
// A double fault switches to another task by hardware, which saves the registers in the first task's state segment
// (arch/x86/kernel/doublefault_32.c, v5.5 to v6.1; Intel SDM volume 3, figure 8-2).
//
// In:  a CPU's registers, the entry's instructions, its stacks.
// Out: the interrupted code's registers.
// Trusts nothing it reads: run-32.c bounds the instructions, and saved registers must look like some.
#include "entry-32.h"
#include "base/cleanup.h"
#include "linux/stack/start.h"
#include "linux/symbols/symbols.h"
#include "run-32.h"
#include "unwind.h"
#include "x86.h"

#include <stdlib.h>
#include <string.h>

enum {
	WORD = X86_WORD_32,
	CPL = 3,
	FLAG_ONE = 1 << 1, // of EFLAGS: always set
	VM86 = 1 << 17,
	// Set in pt_regs.cs of an interrupted kernel since v5.4; before, the kernel saved neither esp nor ss
	// there (Linux commit 3c88c692c287).
	CS_FROM_KERNEL = 1 << 29,
};

bool x86_is_user_32(uint64_t cs, uint64_t flags)
{
	return cs & CPL || flags & VM86;
}

// Tests whether WORDS have a selector of 16 bits and flags that there are. The highest bits of the word of cs are marks.
static bool is_saved(const uint64_t words[X86_PT_WORDS_32])
{
	enum { NO_SELECTOR = 0xfff0000, NO_FLAGS = ~0x3fffff };
	return words[X86_PT_FLAGS_32] & FLAG_ONE &&
	       !(words[X86_PT_FLAGS_32] & (uint32_t)NO_FLAGS) &&
	       !(words[X86_PT_CS_32] & NO_SELECTOR) && words[X86_PT_CS_32] & UINT16_MAX;
}

bool x86_is_program_32(const uint64_t words[X86_PT_WORDS_32])
{
	return is_saved(words) && x86_is_user_32(words[X86_PT_CS_32], words[X86_PT_FLAGS_32]) &&
	       words[X86_PT_SS_32] <= UINT16_MAX;
}

void x86_restore_32(struct gg_unwind *unwind, gg_gva_t address,
		    const uint64_t words[X86_PT_WORDS_32])
{
	static const unsigned int ids[] = {
		[X86_PT_BX_32] = X86_RBX, [X86_PT_CX_32] = X86_RCX, [X86_PT_DX_32] = X86_RDX,
		[X86_PT_SI_32] = X86_RSI, [X86_PT_DI_32] = X86_RDI, [X86_PT_BP_32] = X86_RBP,
		[X86_PT_AX_32] = X86_RAX
	};
	const bool is_user = x86_is_user_32(words[X86_PT_CS_32], words[X86_PT_FLAGS_32]);
	const bool has_sp = !address || is_user || words[X86_PT_CS_32] & CS_FROM_KERNEL;
	const gg_gva_t size = (has_sp ? X86_PT_WORDS_32 : X86_PT_SP_32) * WORD;
	const gg_gva_t end = address ? address + size : 0;
	for (unsigned int i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		gg_register_set(&unwind->registers, ids[i], words[i]);
	gg_register_set(&unwind->registers, X86_RFLAGS, words[X86_PT_FLAGS_32]);
	gg_stack_place(unwind, words[X86_PT_IP_32], has_sp ? words[X86_PT_SP_32] : end);
	gg_stack_enter(unwind, address, end, is_user);
}

// ---- Double faults ----

// Goes back to the code whose registers the switch to the double fault's task saved in the CPU's cpu_tss_rw.
static struct gg_error *leave_double_fault(struct gg_unwind *unwind)
{
	// The places in struct x86_hw_tss, which hardware gives, of the words of struct pt_regs.
	static const struct {
		uint8_t word, place;
	} saved[] = {
		{ X86_PT_BX_32, 52 }, { X86_PT_CX_32, 44 }, { X86_PT_DX_32, 48 },
		{ X86_PT_SI_32, 64 }, { X86_PT_DI_32, 68 }, { X86_PT_BP_32, 60 },
		{ X86_PT_AX_32, 40 }, { X86_PT_IP_32, 32 }, { X86_PT_CS_32, 76 },
		{ X86_PT_SP_32, 56 }, { X86_PT_SS_32, 80 }, { X86_PT_FLAGS_32, 36 },
	};
	const unsigned int base = X86_FS + X86_BASE;
	uint64_t words[X86_PT_WORDS_32] = { 0 };
	gg_gva_t tss = 0;
	if (!gg_register_known(&unwind->registers, base))
		return gg_error_create(GG_NOT_FOUND,
				       "the base of fs, by which the state segment of the code "
				       "before the double fault is found, is not known");
	struct gg_error *err = gg_host_symbol(&unwind->kernel->typed, "cpu_tss_rw", &tss);
	tss = (uint32_t)(tss + gg_register(&unwind->registers, base));
	for (size_t i = 0; !err && i < sizeof(saved) / sizeof(*saved); i++)
		err = gg_stack_word(&unwind->memory, tss + saved[i].place, &words[saved[i].word]);
	if (err)
		return gg_error_context(err, "the state segment of the code before a double fault");
	words[X86_PT_CS_32] &= UINT16_MAX;
	if (!is_saved(words))
		return gg_error_create(GG_BAD_DATA,
				       "the state segment of the code before a double fault has "
				       "no registers");
	x86_restore_32(unwind, 0, words);
	return NULL;
}

// ---- Entries ----

// Tests whether SYMBOL is an entry's, or a part of one that leaves the kernel.
static bool is_entry(const struct gg_unwind *unwind, const char *name, gg_gva_t *start,
		     gg_gva_t *end)
{
	// Code that is in the same section.
	static const char *const others[] = { "ret_from_fork", "ret_from_kernel_thread",
					      "schedule_tail", "__switch_to",
					      "_paravirt",     "paravirt",
					      "rewind_stack",  NULL };
	const struct gg_host *typed = &unwind->kernel->typed;
	struct gg_error *err = gg_host_symbol(typed, "__entry_text_start", start);
	if (!err)
		err = gg_host_symbol(typed, "__entry_text_end", end);
	const bool failed = err;
	gg_error_destroy(err);
	for (const char *const *other = others; *other; other++)
		if (!strncmp(name, *other, strlen(*other)))
			return false;
	return !failed && unwind->pc >= *start && unwind->pc < *end;
}

static struct gg_error *lost(const char *name)
{
	return gg_error_create(GG_NOT_FOUND,
			       "the code that %s, an entry into the kernel, interrupts does not "
			       "follow from its instructions",
			       name);
}

// Reads struct pt_regs at ADDRESS as RUN leaves it. No registers are saved across a stack's end.
static bool read_saved(struct x86_run *run, gg_gva_t address, uint64_t words[X86_PT_WORDS_32])
{
	enum { ALIGNMENT = 8192 }; // of a task's stack, THREAD_SIZE
	struct gg_error *err = NULL;
	if (address / ALIGNMENT != (address + (X86_PT_FLAGS_32 + 1) * WORD - 1) / ALIGNMENT)
		return false;
	for (unsigned int i = 0; !err && i <= X86_PT_FLAGS_32; i++)
		if (i <= X86_PT_AX_32 || i >= X86_PT_IP_32)
			err = x86_run_word(run, address + i * WORD, &words[i]);
	const bool has_sp = !err && (x86_is_user_32(words[X86_PT_CS_32], words[X86_PT_FLAGS_32]) ||
				     words[X86_PT_CS_32] & CS_FROM_KERNEL);
	words[X86_PT_SP_32] = (uint32_t)address + X86_PT_SP_32 * WORD;
	words[X86_PT_SS_32] = 0;
	for (unsigned int i = X86_PT_SP_32; has_sp && !err && i < X86_PT_WORDS_32; i++)
		err = x86_run_word(run, address + i * WORD, &words[i]);
	const bool failed = err;
	gg_error_destroy(err);
	gg_error_destroy(x86_run_word(run, address + X86_PT_GS_32 * WORD, &words[X86_PT_GS_32]));
	return !failed && is_saved(words);
}

// Reads what iret returns to.
static bool read_returned(struct x86_run *run, uint64_t words[X86_PT_WORDS_32])
{
	enum { COUNT = X86_PT_FLAGS_32 - X86_PT_IP_32 + 1, ESP = 4 };
	const gg_gva_t sp = run->registers[ESP].bits;
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < COUNT; i++)
		err = x86_run_word(run, sp + i * WORD, &words[X86_PT_IP_32 + i]);
	words[X86_PT_SP_32] = (uint32_t)(sp + COUNT * WORD);
	if (!err && x86_is_user_32(words[X86_PT_CS_32], words[X86_PT_FLAGS_32]))
		err = x86_run_word(run, sp + COUNT * WORD, &words[X86_PT_SP_32]);
	const bool failed = err;
	gg_error_destroy(err);
	return !failed && is_saved(words);
}

// Finds the registers of the interrupted code where RUN has ended.
static bool find_words(struct x86_run *run, uint64_t words[X86_PT_WORDS_32])
{
	// The numbers of the words in the order of the instructions' numbers of registers; esp has none.
	enum { EAX, ECX, EDX, ESP = 4 };
	static const uint8_t numbers[X86_RUN_REGISTERS] = {
		X86_PT_AX_32, X86_PT_CX_32, X86_PT_DX_32, X86_PT_BX_32,
		X86_PT_SS_32, X86_PT_BP_32, X86_PT_SI_32, X86_PT_DI_32,
	};
	const struct x86_value *registers = run->registers;
	const bool has_sp = registers[ESP].is_known;
	if (run->end == X86_RUN_CALL && has_sp && !read_saved(run, registers[ESP].bits, words))
		// An NMI's handler gets the place, and has another stack.
		return registers[EAX].is_known && read_saved(run, registers[EAX].bits, words);
	if (run->end == X86_RUN_CALL)
		return has_sp;
	// The base of fs tells which stack an entry from a program is on: all registers are saved then.
	if (run->end == X86_RUN_BRANCH)
		return has_sp && read_saved(run, registers[ESP].bits, words);
	for (unsigned int i = 0; i < X86_RUN_REGISTERS; i++)
		if (!registers[i].is_known)
			return false;
		else
			words[numbers[i]] = registers[i].bits;
	if (run->end == X86_RUN_IRET)
		return read_returned(run, words);
	words[X86_PT_IP_32] = registers[EDX].bits;
	words[X86_PT_SP_32] = registers[ECX].bits;
	words[X86_PT_CS_32] = CPL;
	words[X86_PT_FLAGS_32] = run->flags.bits;
	return run->end == X86_RUN_SYSEXIT;
}

struct gg_error *x86_leave_entry_32(struct gg_unwind *unwind, const struct gg_symbol *symbol,
				    bool *ret)
{
	const char *name = symbol->name;
	uint64_t words[X86_PT_WORDS_32] = { 0 };
	gg_gva_t start = 0, end = 0;
	struct gg_error *err;
	*ret = false;
	if (!strcmp(name, "asm_exc_double_fault") || !strcmp(name, "double_fault")) {
		err = leave_double_fault(unwind);
		*ret = !err;
		return err;
	}
	if (!unwind->is_exact || !is_entry(unwind, name, &start, &end))
		return NULL;
	_cleanup_free_ struct x86_run *run = malloc(sizeof(*run));
	if (!run)
		return gg_enomem;
	err = x86_run_open(unwind, run);
	if (!err)
		err = x86_run(run, start, end);
	x86_run_close(run);
	if (err)
		return err;
	if (!find_words(run, words))
		return lost(name);
	if (!words[X86_PT_IP_32] && words[X86_PT_CS_32] & CPL)
		return gg_error_create(GG_NOT_FOUND,
				       "the CPU does not keep the pc of the program that %s comes "
				       "from, and the kernel has not set it yet",
				       name);
	// The handler names the entry, as if it were called already.
	if (!strcmp(name, "handle_exception") && words[X86_PT_GS_32])
		unwind->callee = words[X86_PT_GS_32] + 1;
	x86_restore_32(unwind, 0, words);
	*ret = true;
	return NULL;
}
