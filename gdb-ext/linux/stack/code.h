// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's code, as walks by frames want it.
#ifndef GG_STACK_CODE_H
#define GG_STACK_CODE_H

#include "stack-ops.h"

// Tests whether A and B are in one function of the kernel's; false where either is in none.
bool gg_stack_same_function(const struct gg_unwind *unwind, gg_gva_t a, gg_gva_t b);

#endif
