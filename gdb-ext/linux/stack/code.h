// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's code, as walks by frames want it.
#ifndef GG_STACK_CODE_H
#define GG_STACK_CODE_H

#include "stack-ops.h"

// Tests whether A and B are in one function of the kernel's; false where either is in none.
bool gg_stack_same_function(const struct gg_unwind *unwind, gg_gva_t a, gg_gva_t b);

// Tests whether PC is in a function of the kernel's.
bool gg_stack_is_code(const struct gg_unwind *unwind, gg_gva_t pc);

// Goes to PC, the caller of interrupted code that has no frame yet, or never gets one: PC is in the register LINK, and the stack
// pointer is the caller's. Returns false for code that called, which has a return address of its own in LINK, and for code that
// has a frame, whose return address is SAVED too.
bool gg_stack_step_by_link(struct gg_unwind *unwind, unsigned int link, gg_gva_t pc,
			   gg_gva_t saved);

#endif
