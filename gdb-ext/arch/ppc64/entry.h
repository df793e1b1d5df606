// SPDX-License-Identifier: GPL-3.0-or-later
//
// The interrupted code of an entry that has not saved all registers.
#ifndef GG_PPC64_ENTRY_H
#define GG_PPC64_ENTRY_H

#include "linux/stack/entry-code.h"
#include "ppc64.h"

enum ppc64_entry {
	PPC64_NO_ENTRY,
	PPC64_ENTRY_LEFT, // the walk is at the interrupted code
	PPC64_ENTRY_SAVED, // the walk is in the entry or the exit, whose frame has the saved registers
};

// Returns the name of the entry that the kernel's first SYMBOL at an address names: of several names there the first may be a mark, the
// end of the code before. Other symbols are returned.
const char *ppc64_entry_name(const char *symbol);

// Goes back to the code that a CPU's entry has interrupted, where the entry is before the call of its handler, or where the exit has
// removed its frame's mark or loaded r1. END is the end of the kernel's code of entries, 0 for an unknown end.
struct gg_error *ppc64_leave_entry(struct gg_unwind *unwind, gg_gva_t end, enum ppc64_entry *ret);

#endif
