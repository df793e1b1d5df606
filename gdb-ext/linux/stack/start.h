// SPDX-License-Identifier: GPL-3.0-or-later
//
// The beginning of a walk, and of its part behind an entry into the kernel, alike on all architectures.
#ifndef GG_STACK_START_H
#define GG_STACK_START_H

#include "stack-ops.h"

// Resolves COUNT ROWS into a new walk of SIZE bytes, which the caller frees. In a kernel whose types are not known the walk
// becomes a copy of WITHOUT_TYPES, unless that is NULL.
struct gg_error *gg_stack_open(const struct gg_answerers *kernel, const struct gg_layout_row *rows,
			       size_t count, size_t size, const void *without_types, void **ret);

// GG_BAD_DATA unless SP is in the task's stack of SIZE bytes; else reads the stack ahead from SP on.
struct gg_error *gg_stack_begin(struct gg_unwind *unwind, gg_gva_t sp, uint64_t size);

// Moves the walk to the code at PC, with the stack pointer SP.
void gg_stack_place(struct gg_unwind *unwind, gg_gva_t pc, gg_gva_t sp);

// Notes that the last step went back through an entry which saved registers from START up to END.
void gg_stack_enter(struct gg_unwind *unwind, gg_gva_t start, gg_gva_t end, bool is_user);

#endif
