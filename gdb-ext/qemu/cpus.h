// SPDX-License-Identifier: GPL-3.0-or-later
//
// The vCPUs of a QEMU process, and whether what QEMU knows of them is what they are.
#ifndef GG_QEMU_CPUS_H
#define GG_QEMU_CPUS_H

#include "../host/host.h"

enum gg_accelerator { GG_ACCELERATOR_UNKNOWN, GG_ACCELERATOR_TCG, GG_ACCELERATOR_KVM };

struct gg_qemu_cpu {
	uint64_t address; // of its CPUState, which is where its ArchCPU begins too
	uint32_t index;   // CPUState.cpu_index
	enum gg_accelerator accelerator;
	enum gg_freshness freshness;
	const char *why; // it is not current; "" for one that is
};

struct gg_qemu_cpus {
	enum gg_accelerator accelerator;
	struct gg_qemu_cpu *cpus; // in QEMU's order
	size_t count;
};

struct gg_error *gg_qemu_cpus_read(const struct gg_host *host, struct gg_qemu_cpus *ret);
void gg_qemu_cpus_deinit(struct gg_qemu_cpus *cpus);

#endif
