// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU in Linux's entry from an interrupt on POWER before all registers are saved, or behind the point where the frame's mark is
// removed or r1 is loaded again (Linux arch/powerpc/kernel/exceptions-64s.S, interrupt_64.S, v6.1 to v7.2): SRR0 and SRR1 are the
// interrupted code's, or LR for a program's scv (Power ISA, version 3.0B, book III, Interrupt Processing). The entry
// copies the interrupted r1 to r10, takes a frame, and writes r10 to the frame's first word.
//
// In:  a CPU's registers, the entry's instructions.
// Out: the interrupted code's registers.
// Trusts nothing it reads: instructions are looked at once, in their order.
#include "entry.h"
#include "arch/instruction.h"
#include "linux/stack/start.h"

#include <string.h>

enum { WORD = 4, R10 = PPC64_R0 + 10 };

const char *ppc64_entry_name(const char *symbol)
{
	static const struct {
		const char *mark, *entry;
	} marks[] = {
		{ "end_first_256B", "exc_real_0x100_system_reset" },
		{ "end_real_trampolines", "exc_virt_0x3000_system_call_vectored" },
		{ "end_virt_vectors", "tramp_virt_0x3000_system_call_vectored" },
		{ "start_text", "system_reset_common" },
	};
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (!strcmp(symbol, marks[i].mark))
			return marks[i].entry;
	return symbol;
}

static bool has_ending(const char *name, const char *ending)
{
	const size_t length = strlen(name), part = strlen(ending);
	return length >= part && !strcmp(name + length - part, ending);
}

// Tests whether NAME is an entry whose interrupt sets SRR0, or LR.
static bool is_entry(const char *name)
{
	static const char *const endings[] = { "_common", "_common_virt", "_common_real", NULL };
	static const char *const others[] = { "_h_",    "hdecrementer",
					      "hmi_",   "emulation_assist",
					      "denorm", NULL };
	bool found = !strncmp(name, "exc_", 4) || !strncmp(name, "tramp_", 6) ||
		     !strcmp(name, "masked_interrupt");
	for (size_t i = 0; endings[i]; i++)
		found |= has_ending(name, endings[i]);
	for (size_t i = 0; others[i]; i++)
		found &= !strstr(name, others[i]);
	return found && strncmp(name, "h_", 2) != 0;
}

// Work that the instructions before the CPU's have done.
struct progress {
	bool has_called, has_new_sp, has_copy, has_chain;
	// Work on the way back, up to the next instruction that returns.
	bool has_srr0, has_loaded_lr, has_loaded_sp;
	unsigned int mark; // the place in the frame of the mark that is removed; 0 without
};

static void note_exit(uint32_t word, struct progress *progress)
{
	enum {
		RFID = 0x4c000024,
		RFSCV = 0x4c0000a4,
		MTLR = 0x7c0803a6,
		MTSRR0 = 0x7c1a03a6,
		LD_R1_R1 = 0xe8210000,
		STD_R0_R1 = 0xf8010000,
		PLACE = 0xfffc,
	};
	const uint32_t without_register = word & ~(0x1fU << 21);
	if (word == RFID || word == RFSCV) {
		progress->has_srr0 = progress->has_loaded_lr = progress->has_loaded_sp = false;
		progress->mark = 0;
	}
	progress->has_srr0 |= without_register == MTSRR0;
	progress->has_loaded_lr |= without_register == MTLR;
	progress->has_loaded_sp |= (word & ~(uint32_t)PLACE) == LD_R1_R1;
	if ((word & ~(uint32_t)PLACE) == STD_R0_R1 && progress->has_loaded_lr)
		progress->mark = word & PLACE;
}

static struct progress find_progress(const struct gg_entry_code *code)
{
	enum { MR_R10_R1 = 0x7c2a0b78, STD_R10_R1 = 0xf9410000 };
	struct progress progress = { .has_called = false };
	for (size_t at = 0; at < code->size; at += WORD) {
		const uint32_t word = gg_code_word_at(code->bytes, code->size, at);
		const unsigned int operation = word >> 26, rt = word >> 21 & 0x1f;
		note_exit(word, &progress);
		progress.has_called |= operation == 18 && word & 1;
		progress.has_copy |= word == MR_R10_R1;
		progress.has_chain |= word == STD_R10_R1 && progress.has_new_sp;
		// ADDI, LD.
		progress.has_new_sp |= (operation == 14 || operation == 58) && rt == 1;
	}
	return progress;
}

// Finds the interrupted r1.
static struct gg_error *find_sp(struct gg_unwind *unwind, const struct gg_entry_code *code,
				const struct progress *progress, gg_gva_t *ret)
{
	*ret = unwind->sp;
	if (progress->has_chain)
		return gg_stack_word(&unwind->memory, unwind->sp, ret);
	if (!progress->has_new_sp)
		return NULL;
	*ret = gg_register(&unwind->registers, R10);
	return progress->has_copy ? NULL : gg_entry_code_lost(code);
}

static bool is_exit(const struct gg_entry_code *code, const struct progress *progress)
{
	static const char *const exits[] = { "interrupt_return_srr", "fast_interrupt_return_srr",
					     "system_call_common", "system_call_vectored_common",
					     NULL };
	return gg_entry_code_is(code, exits) && (progress->has_loaded_sp || progress->mark);
}

// Finds the r1 that an exit returns to. Behind the mark, which a word follows, is struct pt_regs.
static struct gg_error *find_exit_sp(struct gg_unwind *unwind, const struct progress *progress,
				     gg_gva_t *ret)
{
	enum { R1 = 24 }; // bytes from the mark
	*ret = unwind->sp;
	return progress->has_loaded_sp
		       ? NULL
		       : gg_stack_word(&unwind->memory, unwind->sp + progress->mark + R1, ret);
}

struct gg_error *ppc64_leave_entry(struct gg_unwind *unwind, gg_gva_t end, enum ppc64_entry *ret)
{
	struct gg_registers *registers = &unwind->registers;
	struct gg_entry_code code;
	gg_gva_t sp = 0;
	*ret = PPC64_NO_ENTRY;
	if (unwind->pc >= end)
		return NULL;
	struct gg_error *err = gg_entry_code_read(unwind, &code);
	if (err || !code.symbol.name[0])
		return err;
	const struct progress progress = find_progress(&code);
	const bool leaves = is_exit(&code, &progress);
	const char *name = ppc64_entry_name(code.symbol.name);
	const bool is_vectored =
		strstr(name, "system_call_vectored") && !(leaves && progress.has_srr0);
	const unsigned int pc = is_vectored ? PPC64_LR : PPC64_SRR0;
	if (!leaves && (!is_entry(name) || progress.has_called)) {
		*ret = PPC64_ENTRY_SAVED;
		return NULL;
	}
	if (!gg_register_known(registers, pc) ||
	    (!is_vectored && !gg_register_known(registers, PPC64_SRR1)))
		return NULL;
	err = leaves ? find_exit_sp(unwind, &progress, &sp)
		     : find_sp(unwind, &code, &progress, &sp);
	if (err)
		return err;
	gg_stack_place(unwind, gg_register(registers, pc), sp);
	// Programs alone execute scv, and the way to its common code loses CTR.
	gg_stack_enter(unwind, 0, 0,
		       is_vectored || gg_register(registers, PPC64_SRR1) & PPC64_MSR_PR);
	*ret = PPC64_ENTRY_LEFT;
	return NULL;
}
