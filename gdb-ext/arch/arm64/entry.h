// SPDX-License-Identifier: GPL-3.0-or-later
//
// The interrupted code of an entry that has not saved all registers.
#ifndef GG_ARM64_ENTRY_H
#define GG_ARM64_ENTRY_H

#include "arm64.h"
#include "linux/stack/entry-code.h"

// The bytes of struct pt_regs, and x29's place there.
struct arm64_saved {
	uint64_t size, fp;
};

// Goes back to the code that a CPU's entry has interrupted, where the entry is before the call of its handler. RET is false for
// other code.
struct gg_error *arm64_leave_entry(struct gg_unwind *unwind, const struct arm64_saved *saved,
				   bool *ret);

#endif
