// SPDX-License-Identifier: GPL-3.0-or-later
//
// The interrupted code of an entry that has not saved all registers.
#ifndef GG_RISCV_ENTRY_H
#define GG_RISCV_ENTRY_H

#include "linux/stack/entry-code.h"
#include "riscv.h"

// Goes back to the code that a CPU's entry has interrupted, where the entry is not between the call of its handler and the
// load of the saved registers. S0 is the offset of s0 in struct pt_regs. RET is false for other code.
struct gg_error *riscv_leave_entry(struct gg_unwind *unwind, uint64_t s0, bool *ret);

#endif
