// SPDX-License-Identifier: GPL-3.0-or-later
//
// The entries into Linux's kernel on x86 of 32 bits, and the registers that they save (struct pt_regs).
#ifndef GG_X86_ENTRY_32_H
#define GG_X86_ENTRY_32_H

#include "linux/stack/stack-ops.h"

// The words of struct pt_regs, by their numbers (arch/x86/include/asm/ptrace.h).
enum {
	X86_PT_BX_32,
	X86_PT_CX_32,
	X86_PT_DX_32,
	X86_PT_SI_32,
	X86_PT_DI_32,
	X86_PT_BP_32,
	X86_PT_AX_32,
	X86_PT_GS_32 = 10, // handle_exception keeps the handler's address there
	X86_PT_IP_32 = 12,
	X86_PT_CS_32,
	X86_PT_FLAGS_32,
	X86_PT_SP_32,
	X86_PT_SS_32,
	X86_PT_WORDS_32
};

// Tests whether code with the selector CS and with FLAGS is a program's.
bool x86_is_user_32(uint64_t cs, uint64_t flags);

// Tests whether WORDS may be a program's: selectors of 16 bits, and flags that there are.
bool x86_is_program_32(const uint64_t words[X86_PT_WORDS_32]);

// Goes back through the entry that saved WORDS at ADDRESS; the place is not known if ADDRESS is 0, and WORDS have a stack pointer then.
void x86_restore_32(struct gg_unwind *unwind, gg_gva_t address,
		    const uint64_t words[X86_PT_WORDS_32]);

// Goes back from a CPU in the entry SYMBOL, before all registers are saved or while they are restored, and from the task of double
// faults; RET is false, and nothing is done, in other code. GG_NOT_FOUND where the interrupted code does not follow.
struct gg_error *x86_leave_entry_32(struct gg_unwind *unwind, const struct gg_symbol *symbol,
				    bool *ret);

#endif
