// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_KVM_LAYOUT_H
#define GG_KVM_LAYOUT_H

#include "kvm.h"
#include "xarray.h"

// Members that the readers need.
struct gg_kvm_layout {
	struct gg_member vm_list, mm, online, memslots; // of a kvm
	struct gg_member vcpu_array, vcpus;             // the same: either is there
	struct gg_member type;                          // the same, an enumeration
	struct gg_member sev;                           // of the vendor's kvm
	struct gg_xarray_layout xarray;
	struct gg_member tree, index, node, left, right; // of a kvm_memslots
	struct gg_member used, array; // the same, without a tree; the size of ARRAY is a slot's
	struct gg_member gfn, pages, user, flags;             // of a kvm_memory_slot
	struct gg_member id, mode, cpu, state;                // of a kvm_vcpu
	struct gg_member pgd, owner;                          // of an mm_struct
	struct gg_member vcpu_in_vendor, control_block, exit; // of the vendor's vCPU
	struct gg_member vcpu_in_vmx, vmx_exit;               // of a vcpu_vmx
};

// Resolves all members. GG_NOT_FOUND names the missing member.
struct gg_error *gg_kvm_layout_resolve(const struct gg_answerers *kernel,
				       struct gg_kvm_layout *ret);

// Returns a host that reads the kernel's memory, and finds members in the types of modules too.
struct gg_host gg_kvm_host(const struct gg_answerers *kernel);

// A reader of one kernel's machines.
struct gg_kvm_reader {
	const struct gg_answerers *kernel;
	const struct gg_host *host;
	const struct gg_notices *notices;
	struct gg_kvm_layout layout;
	uint64_t page_size;
};

// Reads the slots of the machine at MACHINE->address.
struct gg_error *gg_kvm_read_slots(const struct gg_kvm_reader *reader,
				   struct gg_kvm_machine *machine);

// Counts the memory of MACHINE, whose slots are known.
struct gg_error *gg_kvm_count_memory(const struct gg_kvm_reader *reader,
				     const struct gg_ram_map *map, struct gg_kvm_machine *machine);

#endif
