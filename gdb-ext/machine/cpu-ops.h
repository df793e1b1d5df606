// SPDX-License-Identifier: GPL-3.0-or-later
//
// The row of a CPU's operations, a struct for each architecture (arch/arch.h). An operation may be
// NULL where that is said, or not done yet.
#ifndef GG_CPU_OPS_H
#define GG_CPU_OPS_H

#include "arch/arch.h"
#include "memory/page-table.h"
#include "qemu/cpus.h"

#include <gdb-guest/code.h>
#include <gdb-guest/cpus.h>
#include <stdio.h>

// The facts of a CPU that a person looks at first.
struct gg_cpu_summary {
	const char *activity;  // "running", "halted", or the state of a CPU that was not started
	unsigned int bits;     // of the code that it executes: 16, 32 or 64; 0: not known
	const char *privilege; // "kernel", "user" and others; "?": not known
	gg_gva_t pc, sp;       // as paging sees them: with the segments' bases
	uint64_t root;         // the register that leads to the page tables
	bool root_known;       // false: ROOT is 0
	bool no_pc, no_sp;     // PC or SP is not known
	char place[32];        // segment:offset of the pc, if that is not the pc itself
	// The architecture's names for pc, sp and root.
	const char *pc_name, *sp_name, *root_name;
};

// Bytes of code.
struct gg_code {
	const uint8_t *bytes;
	size_t size;       // at least 1
	gg_gva_t address;  // of the first
	unsigned int bits; // of the code: 16, 32 or 64
	bool intel;        // in Intel's syntax rather than AT&T's
};

enum { GG_CONTROL_BLOCK_SIZE = 4096 };

// The page from which the hardware executes a nested guest's vCPU, as any hypervisor has it in memory.
struct gg_control_block {
	uint64_t exit; // the reason for which the nested guest was left last, as the CPU numbers it
	const char *encrypted;   // the name of the hardware's encryption of the memory, or NULL
	bool has_tables;         // TABLES map the nested guest's memory to the guest's
	struct gg_paging tables; // without their levels, which are those of the CPU that executes
};

struct gg_cpu_ops {
	// Tests whether a CPU with these registers, the guest's own, executes code that this
	// architecture's CPUs alone do. For architectures that share a CPU type; NULL: any CPU does.
	bool (*is_mode)(const struct gg_registers *registers);

	// Tests the same of a text that QEMU's monitor printed of a CPU (struct gg_qemu_cpu.text).
	bool (*is_monitor_text)(const char *text);

	// Reads a CPU's registers out of QEMU's memory: the nested guest's where the CPU executes a
	// nested guest.
	struct gg_error *(*read_registers)(const struct gg_host *host,
					   const struct gg_qemu_cpu *cpu, struct gg_registers *ret);

	// Reads the same out of the text that QEMU's monitor printed, which HOST's thread completes.
	// GG_BAD_DATA where the text is damaged or cut off.
	struct gg_error *(*read_monitor)(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
					 struct gg_registers *ret);

	// Returns the mode of a CPU with these registers that executes the firmware's code in place
	// of the guest's, and has the firmware's registers; NULL for any other CPU. NULL: no such
	// mode.
	const char *(*firmware_mode)(const struct gg_registers *registers);

	// Tests whether the CPU with these registers executes a nested guest. NULL: no CPU does.
	enum gg_nesting (*nesting)(const struct gg_registers *registers);

	// Reads the guest's own registers that the CPU saved when it entered the nested guest, whose
	// registers are NESTED; other registers are unknown. GG_UNSUPPORTED where the place is not
	// known, GG_BAD_DATA where it holds something else. NULL without nesting.
	struct gg_error *(*read_saved)(const struct gg_ram_map *map, const struct gg_host *host,
				       const struct gg_qemu_cpu *cpu,
				       const struct gg_registers *nested, struct gg_registers *ret);

	// Tests whether the hardware can have executed a nested guest from PAGE, GG_CONTROL_BLOCK_SIZE bytes. NULL:
	// there are no such pages.
	bool (*control_block)(const uint8_t *page, struct gg_control_block *ret);

	// Reads the nested guest's registers that the hardware wrote to PAGE; others are unknown. With control_block().
	struct gg_error *(*read_control_block)(const uint8_t *page, struct gg_registers *ret);

	// Finds the place of the page from which the CPU that has NESTED's registers executes; false where the place is not
	// known. With control_block().
	bool (*control_block_place)(const struct gg_registers *nested, gg_gpa_t *ret);

	// Makes REGISTERS, of a CPU in a nested guest, what the nested guest sees. With control_block().
	void (*leave_nesting)(struct gg_registers *registers);

	void (*summarize)(const struct gg_registers *registers, struct gg_cpu_summary *ret);

	// Prints the registers in the layout of QEMU's "info registers", without its first line.
	void (*print_registers)(const struct gg_registers *registers, FILE *out);

	// Shows the first instruction of CODE.
	struct gg_error *(*disassemble)(const struct gg_code *code, struct gg_instruction *ret);

	// Derives the page tables that a CPU uses.
	void (*paging)(const struct gg_registers *registers, struct gg_paging *ret);

	// Derives the kernel's page tables where those of paging() may be a program's. False where
	// the CPU uses the kernel's own. NULL where kernels and programs share tables.
	bool (*other_paging)(const struct gg_registers *registers, struct gg_paging *ret);
};

enum { GG_KERNEL_PAGINGS = 2 };

// Derives the page tables that may map the kernel which a CPU of ARCH runs: paging()'s first, then
// other_paging()'s. Returns their number, 0 where paging is off or not known.
size_t gg_arch_kernel_paging(const struct gg_arch *arch, const struct gg_registers *registers,
			     struct gg_paging ret[GG_KERNEL_PAGINGS]);

// Returns the bytes of NT_PRSTATUS's descriptor; 0 where it is not read yet.
size_t gg_arch_prstatus_size(const struct gg_arch *arch);

// Reads a CPU's registers out of the descriptor of NT_PRSTATUS, gg_arch_prstatus_size() bytes; other
// registers are unknown.
struct gg_error *gg_arch_read_prstatus(const struct gg_arch *arch, const uint8_t *bytes,
				       struct gg_registers *ret);

// Returns the result of firmware_mode(), NULL where ARCH has none.
const char *gg_arch_firmware_mode(const struct gg_arch *arch, const struct gg_registers *registers);

#endif
