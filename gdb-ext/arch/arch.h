// SPDX-License-Identifier: GPL-3.0-or-later
//
// What differs from one guest architecture to the next. One file and one row each; nothing else
// asks which one it is.
#ifndef GG_ARCH_H
#define GG_ARCH_H

#include "../buffer.h"
#include "../linux/vmcoreinfo.h"
#include "../memory/page-table.h"
#include "../qemu/cpus.h"

// What VMCOREINFO says of a kernel's place in memory.
struct gg_kernel_paging {
	struct gg_paging paging; // the kernel's own page tables
	gg_gva_t text;           // _stext
	gg_gpa_t text_gpa;       // and where it must be
	gg_gva_t image_start;    // where the kernel's image may be mapped
	uint64_t image_size;
	gg_gva_t direct_map_start; // where the direct map may be
	gg_gva_t direct_map_end;
};

struct gg_arch {
	const char *name;

	// The type of the CPU in QEMU, by which a QEMU that can run such guests is known.
	const char *cpu_type;

	// Is the guest, whose first CPU is at CPU, one of this architecture's? For those that share
	// a CPU type.
	struct gg_error *(*is_mode)(const struct gg_host *host, uint64_t cpu, bool *ret);

	uint16_t elf_machine; // EM_...
	uint8_t elf_class;    // ELFCLASS..., of the vmcore
	uint8_t elf_data;     // ELFDATA...

	// Append one CPU's ELF notes, as QEMU's own dump has them.
	struct gg_error *(*write_prstatus)(const struct gg_host *host,
					   const struct gg_qemu_cpu *cpu, struct gg_buffer *notes);
	struct gg_error *(*write_qemu_note)(const struct gg_host *host,
					    const struct gg_qemu_cpu *cpu, struct gg_buffer *notes);

	// The page tables that a CPU uses, the kernel's half at least; levels is 0 where it uses
	// none. NULL where page tables are not walked yet.
	struct gg_error *(*read_cpu_paging)(const struct gg_host *host,
					    const struct gg_qemu_cpu *cpu, struct gg_paging *ret);

	// From a Linux kernel's VMCOREINFO. GG_BAD_DATA where it contradicts itself, GG_NOT_FOUND
	// where it lacks something. NULL where page tables are not walked yet.
	struct gg_error *(*read_paging)(const struct gg_vmcoreinfo *info,
					struct gg_kernel_paging *ret);
};

// Of a guest that is of none of those: its memory can be had all the same.
extern const struct gg_arch gg_arch_unknown;

// The architecture that HOST's QEMU, whose first CPU is at CPU, runs. Without a CPU (0) it is the
// first that fits the QEMU. GG_UNSUPPORTED names those that are known.
struct gg_error *gg_arch_find(const struct gg_host *host, uint64_t cpu, const struct gg_arch **ret);

// Appends an ELF note (System V gABI, chapter 5, "Note Section"): NAME, TYPE, SIZE bytes at DESC,
// padded to 4 bytes as Linux and QEMU do it.
void gg_note_append(struct gg_buffer *notes, const char *name, uint32_t type, const void *desc,
		    size_t size);

#endif
