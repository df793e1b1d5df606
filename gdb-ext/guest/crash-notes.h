// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of CPUs that a kernel saves when it crashes.
#ifndef GG_CRASH_NOTES_H
#define GG_CRASH_NOTES_H

#include "guest.h"

// Reads the registers of the CPU whose per-CPU variables are at OFFSET (linux/per-cpu.h), as KERNEL saved
// them when it crashed. GG_NOT_FOUND where it saved none.
struct gg_error *gg_crash_registers(const struct gg_answerers *kernel, uint64_t offset,
				    struct gg_registers *ret);

#endif
