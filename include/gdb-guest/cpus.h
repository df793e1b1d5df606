// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's CPUs and their registers.
#ifndef GDB_GUEST_CPUS_H
#define GDB_GUEST_CPUS_H

#include "guest.h"

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// Whether the registers that QEMU has are the CPU's.
enum gg_freshness {
	GG_CURRENT, // they are
	GG_STALE,   // the CPU has run under KVM since QEMU last asked for them
	GG_UNKNOWN, // QEMU does not say, or TCG was executing
};

// Whether a CPU executes a nested guest: one that the guest, a hypervisor itself, runs.
enum gg_nesting {
	GG_NOT_NESTED,
	GG_NESTED,
	GG_MAYBE_NESTED, // the source of the registers does not say
};

struct gg_register {
	const char *name;     // GDB's, where GDB has one: "pc", "sp"
	unsigned int size;    // in bytes, at least 1
	uint64_t value;       // of a register with up to 8 bytes; unknown bits are 0
	uint64_t unknown;     // the unknown bits of VALUE
	const uint8_t *bytes; // SIZE of them, the lowest first; unknown bits are 0
	const uint8_t *known; // SIZE bytes with a set bit for each known bit of BYTES
};

// A vCPU and its registers. Valid only as long as the call that shows it. The registers are the
// guest's own: of a CPU that executes a nested guest those with which it leaves that guest.
struct gg_cpu {
	uint32_t index; // QEMU's cpu_index
	enum gg_freshness freshness;
	const char *why;       // it is not current; "" for one that is
	const char *activity;  // "running", "halted", "nested", or the state of one not started yet
	unsigned int bits;     // of the code that it executes: 16, 32 or 64
	const char *privilege; // "kernel", "user", "ring 1", "ring 2", "real", "vm86", "SMM"
	gg_gva_t pc, sp;       // as paging sees them: with the segments' bases
	const char *place;     // segment:offset of the pc, where that is not the pc; else ""
	uint64_t root;         // the register that leads to the page tables
	const char *pc_name, *sp_name, *root_name; // the architecture's names: "pc", "sp", "ttbr0"
	const struct gg_register *registers;
	size_t register_count;
	// As QEMU's "info registers" shows them, "?" for what is not known; behind that lines with
	// what QEMU does not show.
	const char *text;
	enum gg_nesting
		nesting;     // where it is GG_MAYBE_NESTED the registers may be a nested guest's
	const char *unknown; // why no register is known; "" where some are
	const struct gg_cpu *nested; // the CPU as the nested guest has it, or NULL
};

// Calls VISIT for every vCPU, in QEMU's order. An error of VISIT's ends it.
struct gg_error *gg_guest_cpus(struct gg_guest *guest,
			       struct gg_error *(*visit)(void *data, const struct gg_cpu *cpu),
			       void *data);

// "current", "stale", "unknown".
const char *gg_freshness_name(enum gg_freshness freshness);

#pragma GCC visibility pop

#endif
