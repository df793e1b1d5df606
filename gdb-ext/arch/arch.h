// SPDX-License-Identifier: GPL-3.0-or-later
//
// What differs from one guest architecture to the next. One file and one row each; nothing else
// asks which one it is.
#ifndef GG_ARCH_H
#define GG_ARCH_H

#include "base/buffer.h"
#include "linux/vmcoreinfo.h"
#include "memory/page-table.h"
#include "qemu/cpus.h"
#include "registers.h"

#include <gdb-guest/code.h>
#include <gdb-guest/cpus.h>
#include <stdio.h>

// What VMCOREINFO says of a kernel's place in memory.
struct gg_kernel_paging {
	struct gg_paging paging; // the kernel's own page tables
	gg_gva_t text;           // _stext
	gg_gpa_t text_gpa;       // and where it must be
	gg_gva_t image_start;    // where the kernel's image may be mapped
	uint64_t image_size;
	bool image_is_direct;      // the direct map has the image: nothing shows where that ends
	unsigned int word;         // bytes in an unsigned long
	gg_gva_t direct_map_start; // where the direct map may be
	gg_gva_t direct_map_end;
};

// What a person asks of a CPU first.
struct gg_cpu_summary {
	const char *activity;  // "running", "halted", or why it has not been started
	unsigned int bits;     // of the code that it executes: 16, 32 or 64
	const char *privilege; // "kernel", "user" and others
	gg_gva_t pc, sp;       // as paging sees them: with the segments' bases
	uint64_t root;         // what tells where its page tables are: CR3
	char place[32];        // segment:offset of the pc, if that is not the pc itself
};

enum { GG_PER_CPU_BASES = 3 };

// Bytes of code.
struct gg_code {
	const uint8_t *bytes;
	size_t size;       // at least 1
	gg_gva_t address;  // of the first
	unsigned int bits; // of the code: 16, 32 or 64
	bool intel;        // in Intel's syntax rather than AT&T's
};

struct gg_arch {
	const char *name;

	// The type of the CPU in QEMU, by which a QEMU that can run such guests is known.
	const char *cpu_type;

	// Tests whether a CPU with these registers, the guest's own, executes code that this
	// architecture's alone do. For architectures that share a CPU type.
	bool (*is_mode)(const struct gg_registers *registers);

	// The same of what QEMU's monitor printed of a CPU (struct gg_qemu_cpu.text).
	bool (*is_monitor_text)(const char *text);

	uint16_t elf_machine; // EM_...
	uint8_t elf_class;    // ELFCLASS..., of the vmcore
	uint8_t elf_data;     // ELFDATA...

	// Append the ELF notes of the CPU whose cpu_index is INDEX, as QEMU's own dump has them.
	// Bits that are not known are 0 there.
	struct gg_error *(*write_prstatus)(const struct gg_registers *registers, uint32_t index,
					   struct gg_buffer *notes);
	struct gg_error *(*write_qemu_note)(const struct gg_registers *registers,
					    struct gg_buffer *notes);

	// Is all known that those two tell a reader?
	bool (*notes_known)(const struct gg_registers *registers);

	const struct gg_register_set *registers;

	// A CPU's registers, as QEMU has them, in its memory or its monitor's text. Where the CPU
	// executes a nested guest, they are the nested guest's.
	struct gg_error *(*read_registers)(const struct gg_host *host,
					   const struct gg_qemu_cpu *cpu, struct gg_registers *ret);

	// Those of a CPU's registers of which one is, in Linux, the offset of its per-CPU memory,
	// in the kernel or in a program; returns how many are known. NULL where there is none.
	size_t (*per_cpu_bases)(const struct gg_registers *registers,
				uint64_t ret[GG_PER_CPU_BASES]);

	// The mode of a CPU with these registers that executes the firmware's code in place of
	// the guest's, and has the firmware's registers; NULL for any other CPU.
	const char *(*firmware_mode)(const struct gg_registers *registers);

	// Whether the CPU with these registers executes a nested guest.
	enum gg_nesting (*nesting)(const struct gg_registers *registers);

	// Reads what the CPU saved of the guest's own registers when it entered the nested guest,
	// whose are NESTED; others are unknown. GG_UNSUPPORTED where the place is not known,
	// GG_BAD_DATA where it holds something else.
	struct gg_error *(*read_saved)(const struct gg_ram_map *map, const struct gg_host *host,
				       const struct gg_qemu_cpu *cpu,
				       const struct gg_registers *nested, struct gg_registers *ret);

	void (*summarize)(const struct gg_registers *registers, struct gg_cpu_summary *ret);

	// Shows the first instruction of CODE. NULL where none is shown yet.
	struct gg_error *(*disassemble)(const struct gg_code *code, struct gg_instruction *ret);

	// In the layout of QEMU's "info registers", without its first line.
	void (*print_registers)(const struct gg_registers *registers, FILE *out);

	// The page tables that a CPU uses.
	void (*cpu_paging)(const struct gg_registers *registers, struct gg_paging *ret);

	// The page tables that the kernel may use for itself where it has others, those of
	// cpu_paging(), for programs. False where a kernel that has such has set the CPU to its
	// own. NULL where kernels have no such tables.
	bool (*other_paging)(const struct gg_registers *registers, struct gg_paging *ret);

	// Where a Linux kernel's image may be mapped; size 0 where it is not looked for by the
	// CPUs' page tables.
	gg_gva_t image_area;
	uint64_t image_area_size;

	// From a Linux kernel's VMCOREINFO. GG_BAD_DATA where it contradicts itself, GG_NOT_FOUND
	// where it lacks something.
	struct gg_error *(*read_paging)(const struct gg_vmcoreinfo *info,
					struct gg_kernel_paging *ret);
};

enum { GG_KERNEL_PAGINGS = 2 };

// The page tables that map the kernel which a CPU of ARCH runs, as far as its registers show: first
// those that it uses, none being normalized for a kernel's configuration, then the other ones that
// it may have. Returns their number, 0 where paging is off.
size_t gg_arch_kernel_paging(const struct gg_arch *arch, const struct gg_registers *registers,
			     struct gg_paging ret[GG_KERNEL_PAGINGS]);

// Of a guest that is of none of those: its memory can be had all the same.
extern const struct gg_arch gg_arch_unknown;

// The architecture of CPUS, by HOST's types and the modes of the CPUs, or by what the monitor
// printed of them: the first one in the table that has such a CPU. A CPU may be in another mode for
// a while: in System Management Mode, in a nested guest, or not yet started. Without CPUs it is the
// first that fits the QEMU. MAP is as in gg_cpu_state_read(). GG_UNSUPPORTED names those that are
// known.
struct gg_error *gg_arch_find(const struct gg_host *host, const struct gg_ram_map *map,
			      const struct gg_qemu_cpus *cpus, const struct gg_arch **ret);

// The architectures with the CPU type of ARCH, by INDEX: ARCH itself, the others; NULL behind them.
const struct gg_arch *gg_arch_sibling(const struct gg_arch *arch, size_t index);

// Appends an ELF note (System V gABI, chapter 5, "Note Section"): NAME, TYPE, SIZE bytes at DESC,
// padded to 4 bytes as Linux and QEMU do it.
void gg_note_append(struct gg_buffer *notes, const char *name, uint32_t type, const void *desc,
		    size_t size);

#endif
