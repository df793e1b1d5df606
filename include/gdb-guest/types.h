// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kinds of address.
#ifndef GDB_GUEST_TYPES_H
#define GDB_GUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// The three kinds of address. An address of the target that the host interface reads (QEMU's
// virtual memory for a core or a process) is an hva; what the guest's CPUs put on the bus is a gpa;
// what the guest's programs use is a gva.
typedef uint64_t gg_hva_t;
typedef uint64_t gg_gpa_t;
typedef uint64_t gg_gva_t;

#pragma GCC visibility pop

#endif
