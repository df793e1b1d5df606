// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's CPUs and their registers.
#ifndef GDB_GUEST_CPUS_H
#define GDB_GUEST_CPUS_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// The relation of the registers that QEMU has to the CPU's.
enum gg_freshness {
	GG_CURRENT, // they are
	GG_STALE,   // the CPU has run under KVM since QEMU last asked for them
	GG_UNKNOWN, // QEMU does not say, or TCG was executing
	GG_NOTED,   // there is no QEMU: they are as a vmcore's notes have them
};

// The answer to whether a CPU executes a nested guest: a guest that the guest, a hypervisor itself,
// runs.
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

enum { GG_CPU_TASK_NAME = 64 };

// The task that the guest's kernel has on a CPU.
struct gg_cpu_task {
	int32_t pid, tgid;           // a CPU's idle task has 0
	char comm[GG_CPU_TASK_NAME]; // its name, any bytes at all
	gg_gva_t address;            // of its struct task_struct
	uint64_t since;              // in ns: the time for which it has been on the CPU
	bool has_since;              // SINCE is known
	// A register of the CPU leads to the CPU's memory that names the task; else the kernel's
	// number for the CPU is taken to be QEMU's.
	bool confirmed;
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
	const char *symbol;    // "NAME+0xOFFSET", the kernel's symbol that PC is in, or NULL
	const struct gg_cpu_task *task;            // NULL where it is not known, or not asked for
	uint64_t root;                             // the register that leads to the page tables
	bool root_known;                           // false: ROOT is 0
	bool no_pc, no_sp;                         // PC or SP is not known
	const char *pc_name, *sp_name, *root_name; // the architecture's names: "pc", "sp", "ttbr0"
	const struct gg_register *registers;
	size_t register_count;
	// The lines of QEMU's "info registers", "?" for what is not known; behind them lines with
	// what QEMU does not show.
	const char *text;
	enum gg_nesting
		nesting;     // where it is GG_MAYBE_NESTED the registers may be a nested guest's
	const char *unknown; // why no register is known; "" where some are
	const char *origin;  // says whose copies registers of different origins are; else ""
	const struct gg_cpu *nested; // the CPU as the nested guest has it, or NULL
	// The number of the nested guest in guest-nested's list, from 1 on; 0 where it is not known, or not asked for.
	uint64_t nested_number;
	uint32_t nested_vcpu; // the number of its vCPU
};

typedef struct gg_error *gg_visit_cpu_fn(void *data, const struct gg_cpu *cpu);

// Calls VISIT for every vCPU, in QEMU's order. An error of VISIT's ends the visit.
struct gg_error *gg_guest_cpus(struct gg_guest *guest, gg_visit_cpu_fn *visit, void *data);

// Calls VISIT for the CPUs whose cpu_index is in INDICES, in the order of INDICES; for all CPUs in
// QEMU's order where INDICES is NULL. A CPU that executes the chosen kernel has its symbol, and with
// TASKS its task. NOTICES get a line where the kernel's symbols are damaged.
struct gg_error *gg_guest_cpus_with_symbols(struct gg_guest *guest, const uint32_t *indices,
					    size_t count, bool tasks, gg_visit_cpu_fn *visit,
					    void *data, const struct gg_notices *notices);

// "current", "stale", "unknown", "noted".
const char *gg_freshness_name(enum gg_freshness freshness);

struct gg_registers_options {
	const char *cpus; // "N", "N-M" or a list of these with commas; NULL for all
	bool all;         // all registers, in the layout of QEMU's "info registers"
	bool task;        // the task on each CPU, also where that costs some MB over a wire
	bool json;        // a JSON object for each CPU
	// Sets the debugger's variable NAME, as "guest_pc", to VALUE; to no value for NULL. Called
	// for the registers of the CPU where CPUS is one CPU. May be NULL.
	struct gg_error *(*set_variable)(void *data, const char *name, const uint64_t *value);
	void *data; // for SET_VARIABLE
};

// Writes the registers of GUEST's CPUs. GG_INVALID or GG_NOT_FOUND for wrong CPUS.
//
// The JSON objects have "cpu", the number; "state" (current, stale, unknown, noted) and "why" it is not
// current; "activity", "bits", "privilege", "pc", "sp", "symbol", "registers"; "task", an object ("pid",
// "tgid", "comm", "since_ns", the address "task", and "confirmed" by the registers) or null; "nested", the same
// members of a nested guest, or null, or "unknown" where it is not known whether there is a nested
// guest; "unknown", the reason where no register is known, whose members are null then; and "origin", a text that says
// whose copies the registers of a nested guest's vCPU are that the CPU leaves in several places. A digit that is not
// known is "?"; "bits", "pc" and "sp" that are not known are null.
struct gg_error *gg_print_registers(struct gg_guest *guest,
				    const struct gg_registers_options *options,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
