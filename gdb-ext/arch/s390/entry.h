// SPDX-License-Identifier: GPL-3.0-or-later
//
// The interrupted code of an entry that has not saved all registers.
#ifndef GG_S390_ENTRY_H
#define GG_S390_ENTRY_H

#include "linux/stack/entry-code.h"
#include "s390.h"

// Goes back to the code that a CPU's entry has interrupted, where the entry is before the call of its handler, or where the exit has
// loaded all registers. RET is false for other code.
struct gg_error *s390_leave_entry(struct gg_unwind *unwind, bool *ret);

// Reads the PSW of the system call whose handler, in the frame before, has not copied it to struct pt_regs yet. MASK and PC are left
// as they are where the handler has, and for other code.
struct gg_error *s390_read_uncopied(struct gg_unwind *unwind, uint64_t *mask, uint64_t *pc);

#endif
