// SPDX-License-Identifier: GPL-3.0-or-later
//
// The machine: what every source gives, each part read when it is first asked for, and kept: the
// RAM, the CPUs, each with its registers and the page tables that follow from them.
#ifndef GG_MACHINE_H
#define GG_MACHINE_H

#include "source.h"

// A CPU as it was read.
struct gg_machine_cpu {
	enum gg_nesting nesting;
	struct gg_registers *own;    // the guest's own registers, in as little memory as they need
	struct gg_registers *nested; // the nested guest's, of a CPU that is GG_NESTED, or NULL
	char unknown[GG_CPU_UNKNOWN_SIZE]; // as struct gg_cpu_state has it
	char origin[GG_CPU_ORIGIN_SIZE];
	struct gg_paging paging; // the guest's own page tables; levels 0 with paging off
	// The page tables that map the kernel, as gg_arch_kernel_paging() has them; 0 with paging
	// off.
	struct gg_paging kernel_pagings[GG_KERNEL_PAGINGS];
	size_t kernel_paging_count;
};

struct gg_machine_slot;

struct gg_machine {
	struct gg_source *source; // owned
	struct gg_ram_map *map;   // NULL before it was asked for
	struct gg_qemu_cpus cpus; // empty before they were asked for, and where they cannot be read
	const struct gg_arch *arch;    // of the CPUs; NULL before it was asked for
	struct gg_machine_slot *slots; // a CPU each, or NULL
};

// Takes over SOURCE; nothing is read yet.
void gg_machine_init(struct gg_machine *machine, struct gg_source *source);
void gg_machine_deinit(struct gg_machine *machine);

// Forgets what may be different after the guest ran: all but the RAM's ranges.
void gg_machine_ran(struct gg_machine *machine);

struct gg_error *gg_machine_ram(struct gg_machine *machine, const struct gg_ram_map **ret);

// Lists the CPUs. The list is valid until gg_machine_ran().
struct gg_error *gg_machine_cpus(struct gg_machine *machine, const struct gg_qemu_cpus **ret);

// Finds the architecture by the CPUs' modes; where the CPUs cannot be read, by what the source has.
struct gg_error *gg_machine_arch(struct gg_machine *machine, const struct gg_arch **ret);

// Reads CPU, an element of the list, unless it was read before. An error is kept too, unless it is
// final: one CPU that cannot be read is not tried again, and does not break the others.
struct gg_error *gg_machine_cpu(struct gg_machine *machine, const struct gg_qemu_cpu *cpu,
				const struct gg_machine_cpu **ret);

// Copies what was read of CPU to RET, where it can be changed.
void gg_machine_cpu_state(const struct gg_machine_cpu *cpu, struct gg_cpu_state *ret);

#endif
