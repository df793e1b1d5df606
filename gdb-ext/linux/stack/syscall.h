// SPDX-License-Identifier: GPL-3.0-or-later
//
// The names of system calls, by the kernel's tables.
#ifndef GG_SYSCALL_H
#define GG_SYSCALL_H

#include "stack-ops.h"

// Sets the number of UNWIND's entry, and its name by the function that the symbol TABLE has at INDEX
// ("sys_call_table"); without the table or the function the name stays empty.
void gg_syscall_set(struct gg_unwind *unwind, const char *table, uint64_t index, int64_t number);

#endif
