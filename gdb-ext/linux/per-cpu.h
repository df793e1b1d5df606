// SPDX-License-Identifier: GPL-3.0-or-later
//
// The place of a CPU's own copy of the kernel's per-CPU variables (include/asm-generic/percpu.h).
#ifndef GG_PER_CPU_H
#define GG_PER_CPU_H

#include "linux/symbols/symbols.h"

// A vCPU as QEMU has it.
struct gg_per_cpu_hints {
	uint32_t index;        // QEMU's cpu_index
	const uint64_t *bases; // values of registers, one of which may be the offset
	size_t base_count;
};

struct gg_per_cpu {
	uint64_t offset;   // from a variable's symbol to the CPU's copy
	uint32_t number;   // the kernel's number for the CPU
	bool is_confirmed; // by one of the bases, else the number is QEMU's
};

// Tests whether ADDRESS is the symbol of a per-CPU variable; false for a kernel of one CPU.
bool gg_is_per_cpu(struct gg_symbols *symbols, gg_gva_t address);

// Finds the CPU's offset in __per_cpu_offset. GG_NOT_FOUND where the kernel has none for the CPU.
struct gg_error *gg_per_cpu_find(struct gg_symbols *symbols, const struct gg_per_cpu_hints *hints,
				 struct gg_per_cpu *ret);

// Lists the offsets of all CPUs by the kernel's numbers, 0 for a CPU without memory of its own: COUNT
// of them, which the caller frees. GG_NOT_FOUND for a
// kernel of one CPU, which has no such array.
struct gg_error *gg_per_cpu_offsets(struct gg_symbols *symbols, uint64_t **ret, size_t *count);

// Reads the bit of CPU, the kernel's number, in the struct cpumask at MASK.
struct gg_error *gg_cpu_mask_read(const struct gg_host *host, gg_gva_t mask, size_t cpu, bool *ret);

#endif
