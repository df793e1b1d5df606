// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU's registers: the guest's own, and the nested guest's, which QEMU has in their place where the
// CPU executes a nested guest.
#ifndef GG_CPU_STATE_H
#define GG_CPU_STATE_H

#include "cpu-ops.h"

enum { GG_CPU_UNKNOWN_SIZE = 192, GG_CPU_ORIGIN_SIZE = 384 };

struct gg_cpu_state {
	enum gg_nesting nesting;
	struct gg_registers own;           // the guest's own; all unknown where UNKNOWN says why
	struct gg_registers nested;        // the nested guest's, of a CPU that is GG_NESTED
	char unknown[GG_CPU_UNKNOWN_SIZE]; // "" where some of OWN are known
	char origin
		[GG_CPU_ORIGIN_SIZE]; // says whose copies registers of different origins are; or ""
};

// Reads the registers of CPU out of QEMU's memory. The guest's own registers that cannot be read are
// unknown, and no error. MAP is NULL where the guest's RAM is not known.
struct gg_error *gg_cpu_state_read(const struct gg_arch *arch, const struct gg_ram_map *map,
				   const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				   struct gg_cpu_state *ret);

// Reads the registers of CPU out of the text that QEMU's monitor printed, which has the guest's own
// registers only without a nested guest.
struct gg_error *gg_cpu_state_read_monitor(const struct gg_arch *arch, const struct gg_host *host,
					   const struct gg_qemu_cpu *cpu, struct gg_cpu_state *ret);

// Makes STATE, which has no nested guest's registers yet, GG_NESTED; WHY is the reason for which the guest's own
// registers are not known.
void gg_cpu_state_set_nested(struct gg_cpu_state *state, const char *why);

#endif
