// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's number of a CPU, and its per-CPU memory.
#ifndef GG_CPU_PLACE_H
#define GG_CPU_PLACE_H

#include "linux/answerers/answerers.h"
#include "linux/per-cpu.h"

struct gg_registers;

// Finds the per-CPU memory of the CPU with QEMU's number INDEX, by its own registers, which may be NULL.
// A register that leads to that memory confirms it, or one that leads to the task which the kernel
// has on that CPU. Without such a register the kernel's number is taken to be QEMU's. GG_NOT_FOUND
// where the kernel has no per-CPU memory for the CPU.
struct gg_error *gg_tasks_place_cpu(const struct gg_answerers *kernel,
				    const struct gg_registers *own, uint32_t index,
				    struct gg_per_cpu *ret);

#endif
