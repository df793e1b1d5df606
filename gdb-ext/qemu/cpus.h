// SPDX-License-Identifier: GPL-3.0-or-later
//
// The vCPUs of a QEMU, and whether QEMU's copy of their registers is current.
#ifndef GG_QEMU_CPUS_H
#define GG_QEMU_CPUS_H

#include "host/host.h"

#include <gdb-guest/cpus.h>

enum gg_accelerator { GG_ACCELERATOR_UNKNOWN, GG_ACCELERATOR_TCG, GG_ACCELERATOR_KVM };

struct gg_qemu_cpu {
	// The place of the registers: in QEMU's memory, or in the text that QEMU's monitor printed.
	uint64_t address; // of the CPUState, where the ArchCPU begins too; 0 with a text
	const char *text; // this CPU's lines of the monitor's text (borrowed), or NULL
	// With a text: the debugger's number for the CPU's thread, whose registers complete the
	// text; 0 for none.
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
	char *text; // the text that the CPUs' texts are pieces of, or NULL
};

// No machine of QEMU's takes more than 4096.
enum { GG_QEMU_MAX_CPUS = 8192 };

struct gg_error *gg_qemu_cpus_read(const struct gg_host *host, struct gg_qemu_cpus *ret);
void gg_qemu_cpus_deinit(struct gg_qemu_cpus *cpus);

// Adds a copy of CPU at the end. GG_BAD_DATA where its index is not below GG_QEMU_MAX_CPUS, or a
// CPU of the list has the same.
struct gg_error *gg_qemu_cpus_add(struct gg_qemu_cpus *cpus, const struct gg_qemu_cpu *cpu);

#endif
