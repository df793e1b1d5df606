// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU in an entry into the kernel that has not saved all registers yet: the interrupted code's place is in the hardware's
// registers, and the entry's instructions up to the CPU's tell where the interrupted code's other registers are.
#ifndef GG_ENTRY_CODE_H
#define GG_ENTRY_CODE_H

#include "stack-ops.h"

enum { GG_ENTRY_CODE = 2048 };

struct gg_entry_code {
	struct gg_symbol symbol; // of the code
	size_t size;             // of BYTES: from the symbol's address up to the pc
	uint8_t bytes[GG_ENTRY_CODE];
};

// Reads the code from the symbol's address up to the pc, where the walk is at a CPU's own registers. RET has no bytes and no
// name for a frame further out, for code without a symbol and for longer code.
struct gg_error *gg_entry_code_read(struct gg_unwind *unwind, struct gg_entry_code *ret);

// Tests whether the name of CODE's symbol begins with one of PREFIXES, which end with NULL.
bool gg_entry_code_is(const struct gg_entry_code *code, const char *const *prefixes);

// Makes the error of a walk that ends in CODE, which has changed the stack pointer and kept it nowhere.
struct gg_error *gg_entry_code_lost(const struct gg_entry_code *code);

#endif
