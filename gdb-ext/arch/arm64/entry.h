// SPDX-License-Identifier: GPL-3.0-or-later
//
// The interrupted code of an entry that has not saved all registers.
#ifndef GG_ARM64_ENTRY_H
#define GG_ARM64_ENTRY_H

#include "arm64.h"
#include "linux/stack/entry-code.h"

// The bytes of struct pt_regs, and the places of x29 and sp there.
struct arm64_saved {
	uint64_t size, fp, sp;
};

// Goes back to the code that a CPU's entry has interrupted, where the entry is before the call of its handler, or where the exit has
// loaded the frame pointer. RET is false for other code.
struct gg_error *arm64_leave_entry(struct gg_unwind *unwind, const struct arm64_saved *saved,
				   bool *ret);

// Goes back to the program that a CPU in the trampoline comes from or returns to: where a program's page tables lack the kernel, it
// is entered and left there (Linux arch/arm64/kernel/entry.S, v4.16 to v7.2). The task's stack ends at STACK_END. Returns false
// for other code.
bool arm64_leave_trampoline(struct gg_unwind *unwind, const struct arm64_saved *saved,
			    gg_gva_t stack_end);

#endif
