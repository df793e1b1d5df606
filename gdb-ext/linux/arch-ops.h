// SPDX-License-Identifier: GPL-3.0-or-later
//
// The row of an architecture's facts about Linux (arch/arch.h).
#ifndef GG_LINUX_ARCH_OPS_H
#define GG_LINUX_ARCH_OPS_H

#include "memory/page-table.h"
#include "vmcoreinfo.h"

struct gg_cpu_state;
struct gg_registers;

// The kernel's place in memory, as its VMCOREINFO has it.
struct gg_kernel_paging {
	struct gg_paging paging; // the kernel's own page tables
	gg_gva_t text;           // _stext
	gg_gpa_t text_gpa;       // the place that _stext must have
	gg_gva_t image_start;    // the area where the kernel's image may be mapped
	uint64_t image_size;
	bool image_is_direct;      // the direct map has the image: nothing shows the image's end
	gg_gva_t direct_map_start; // the area where the direct map may be
	gg_gva_t direct_map_end;
	// log2 of the bytes of a section of the memmap, where VMCOREINFO does not have it: before v5.13.
	unsigned int section_bits;
};

// A kernel's virtual memory.
struct gg_linux_space {
	const struct gg_kernel_paging *paging;
	gg_gva_t direct_map;      // the address of guest-physical 0 in the direct map
	uint64_t direct_map_size; // with all RAM; 0 where the direct map is not known
};

// An area where a kernel maps memory that its direct map or its image may have too.
struct gg_linux_area {
	gg_gva_t start, last;
	bool is_small; // of the CPUs or the modules, not vmalloc's
};

enum {
	GG_SYSCALL_ARGUMENTS = 6,
	GG_PER_CPU_BASES = 3,
	GG_CURRENT_TASKS = 2,
	GG_LINUX_AREAS = 3,
	GG_TEXT_POINTERS = 3
};

// The vCPUs that KVM runs on the same hardware as a vCPU, which all have pages of the same format for it.
struct gg_vcpu_peers {
	const gg_gva_t *vcpus; // of those that no CPU executes, by their struct kvm_vcpu
	size_t count;
	// Finds the text of the ELF note NAME that the kernel made, or its dump has, owned by DATA; GG_NOT_FOUND without.
	struct gg_error *(*note)(void *data, const char *name, const char **text, size_t *size);
	void *data;
};

struct gg_linux_ops {
	// The lowest address of the kernel's; 0 where programs and the kernel have the same addresses,
	// or where that is not known.
	gg_gva_t kernel_area;

	// The area where a kernel's image may be mapped; size 0 where it may be anywhere.
	gg_gva_t image_area;
	uint64_t image_area_size;

	// Returns an address in the image of the kernel that a CPU with these registers executes; 0
	// where none is known. NULL with an area.
	gg_gva_t (*image_address)(const struct gg_registers *registers);

	// Returns an address that a page of the image's .bss has besides its address in the direct map, which begins at DIRECT_MAP
	// as kernels are mostly built; 0 where none is known. NULL with an area or an address.
	gg_gva_t (*image_alias)(const struct gg_registers *registers);
	gg_gva_t direct_map;

	// The area where modules may be, beside what the image has of it; size 0 where modules are
	// not looked for.
	gg_gva_t module_area;
	uint64_t module_area_size;

	// The guest-physical place of a word that a kernel sets to the place of its VMCOREINFO's note; 0
	// without.
	gg_gpa_t note_pointer;

	// Reads a kernel's VMCOREINFO. GG_BAD_DATA where it contradicts itself, GG_NOT_FOUND where it
	// lacks something.
	struct gg_error *(*read_paging)(const struct gg_vmcoreinfo *info,
					struct gg_kernel_paging *ret);

	// Lists the areas of mapped memory; returns their number. NULL where none are known.
	size_t (*mapped_areas)(const struct gg_linux_space *space,
			       struct gg_linux_area ret[GG_LINUX_AREAS]);

	// The linear map without page tables: of a kernel whose own tables are empty at their root, and for the search of a
	// kernel where registers lead to no tables. NULL where there are always tables.
	const struct gg_paging *linear;

	// Lists the places of words in the kernel's memory, one of which is _stext where a CPU with these
	// registers runs the kernel, and another, with LINEAR, an address in the image's data; returns their number. NULL where the CPU's page tables show the
	// kernel.
	size_t (*text_pointers)(const struct gg_registers *registers,
				gg_gva_t ret[GG_TEXT_POINTERS]);

	// Lists the registers of which one is, in the kernel or in a program, the offset of the
	// CPU's per-CPU memory; returns the number of known ones. NULL where there is none.
	size_t (*per_cpu_bases)(const struct gg_registers *registers,
				uint64_t ret[GG_PER_CPU_BASES]);

	// Lists the registers of which one is, in the kernel or in a program, the address of the task
	// on the CPU; returns the number of known ones. NULL where there is none.
	size_t (*current_tasks)(const struct gg_registers *registers,
				uint64_t ret[GG_CURRENT_TASKS]);

	// Lists the places of words that the SIZE bytes of CODE, which are at PC, read; returns their number, at most LIMIT.
	// A place may be wrong, or missing. NULL where code is not looked at.
	size_t (*words_read)(const uint8_t *code, size_t size, gg_gva_t pc, gg_gva_t *ret,
			     size_t limit);

	// The start of the names of the functions that take the registers of a system call, struct pt_regs, and the members
	// with the system call's arguments. NULL where there are no such functions.
	const char *syscall_prefix;
	const char *syscall_arguments[GG_SYSCALL_ARGUMENTS];

	// The bytes from address 0 on that each CPU has of its own, and executes code of; 0 without.
	uint64_t prefix_area;

	// The way to type SysRq at a guest, for people; NULL where guests have a PS/2 keyboard.
	const char *sysrq;

	// Returns the name of the reason CODE for which KVM's hardware left a guest; NULL for a reason
	// without a name. NULL where KVM's machines are not read.
	const char *(*vm_exit)(uint64_t code);

	// Returns the same of another vendor's hardware, whose reason KVM has in its own vcpu_vmx. With vm_exit; NULL
	// without such a vendor.
	const char *(*vmx_exit)(uint64_t code);

	// With vm_exit, and where the kernel hides pages of programs from the hardware; else NULL.
	gg_hidden_page_fn *hidden_page;

	// The name of the variable with the address of page 0's struct page, which all others follow. NULL where files'
	// pages are not looked for.
	const char *first_page;

	// Reads the registers of the vCPU whose struct kvm_vcpu is at VCPU. KERNEL has the members of
	// modules too. PEERS may be NULL. INSIDE are the registers of the CPU that executes the vCPU; NULL where KVM's own copy
	// is the last. GG_UNSUPPORTED where the hardware encrypts the registers. With vm_exit.
	struct gg_error *(*read_vcpu)(const struct gg_host *kernel,
				      const struct gg_vcpu_peers *peers, gg_gva_t vcpu,
				      const struct gg_registers *inside, struct gg_cpu_state *ret);
};

#endif
