// SPDX-License-Identifier: GPL-3.0-or-later
//
// The vCPUs of a QEMU process, and whether what QEMU knows of them is what they are.
#ifndef GG_QEMU_CPUS_H
#define GG_QEMU_CPUS_H

#include "host/host.h"

#include <gdb-guest/cpus.h>

enum gg_accelerator { GG_ACCELERATOR_UNKNOWN, GG_ACCELERATOR_TCG, GG_ACCELERATOR_KVM };

struct gg_qemu_cpu {
	// Where its registers are from: QEMU's memory, or what QEMU's monitor printed of them.
	uint64_t address; // of its CPUState, which is where its ArchCPU begins too; 0 with a text
	const char *text; // of this CPU alone, in lines that end with \n; the list's; or NULL
	// With a text: the debugger's number for the thread that the CPU is, which is asked for
	// what the monitor does not print; 0 for none.
	unsigned int thread;
	uint32_t index; // CPUState.cpu_index
	enum gg_accelerator accelerator;
	enum gg_freshness freshness;
	const char *why; // it is not current; "" for one that is
};

struct gg_qemu_cpus {
	enum gg_accelerator accelerator;
	struct gg_qemu_cpu *cpus; // in QEMU's order
	size_t count;
	char *text; // that the CPUs' are pieces of, or NULL
};

// No machine of QEMU's takes more than 4096.
enum { GG_QEMU_MAX_CPUS = 8192 };

struct gg_error *gg_qemu_cpus_read(const struct gg_host *host, struct gg_qemu_cpus *ret);
void gg_qemu_cpus_deinit(struct gg_qemu_cpus *cpus);

// Adds a copy of CPU at the end. GG_BAD_DATA where its index is not below GG_QEMU_MAX_CPUS, or one
// of the list has it too.
struct gg_error *gg_qemu_cpus_add(struct gg_qemu_cpus *cpus, const struct gg_qemu_cpu *cpu);

#endif
