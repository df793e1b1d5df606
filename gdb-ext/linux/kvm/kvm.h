// SPDX-License-Identifier: GPL-3.0-or-later
//
// The virtual machines that a guest's kernel runs by KVM.
#ifndef GG_KVM_H
#define GG_KVM_H

#include "linux/tasks/tasks.h"
#include "machine/cpu-state.h"

struct gg_vcpu_peers;

struct gg_kvm_slot {
	gg_gpa_t gpa;  // in the nested guest
	uint64_t size; // in bytes
	gg_gva_t user; // the address in the process that runs the machine
	bool is_private; // a guest_memfd, which the process does not map, has the pages that are not shared
};

// KVM's own values of arch.mp_state (Linux include/uapi/linux/kvm.h, KVM_MP_STATE_...).
enum gg_kvm_state { GG_KVM_RUNNABLE, GG_KVM_UNINITIALIZED, GG_KVM_INIT, GG_KVM_HALTED };

struct gg_kvm_vcpu {
	gg_gva_t address; // of its struct kvm_vcpu
	uint32_t id;
	uint32_t cpu;       // the kernel's number of the CPU that executes it, if IN_GUEST
	bool in_guest;      // a CPU executes it
	uint64_t state;     // see enum gg_kvm_state
	bool has_exit;      // EXIT is known
	uint64_t exit;      // the reason for which the guest was left last, as the CPU numbers it
	const char *reason; // its name, or NULL
};

// Sizes in bytes. The three parts and memory that the process has no page for add up to SIZE.
struct gg_kvm_memory {
	uint64_t size;
	bool counted;
	uint64_t there;   // mapped, and held by the source
	uint64_t swapped; // by the kernel
	uint64_t absent;  // mapped, and not held by the source
};

struct gg_kvm_machine {
	gg_gva_t address; // of its struct kvm
	gg_gva_t mm;      // of the process that runs it
	bool has_task;    // TASK is known
	struct gg_task task;
	struct gg_kvm_vcpu *vcpus;
	size_t vcpu_count;
	struct gg_kvm_slot *slots; // ascending by GPA
	size_t slot_count;
	struct gg_kvm_memory memory;
	const char *encrypted; // the name of the hardware's encryption of the memory, or NULL
};

struct gg_kvm_machines {
	struct gg_kvm_machine *machines; // in the order in which they were created
	size_t count;
};

// Reads the machines. With COUNT_MEMORY the page tables of their processes are walked. NOTICES get a
// line for each part that cannot be read. GG_NOT_FOUND where the kernel has no KVM.
struct gg_error *gg_kvm_read(const struct gg_answerers *kernel, const struct gg_ram_map *map,
			     bool count_memory, const struct gg_notices *notices,
			     struct gg_kvm_machines *ret);

// Lists the machines, and reads the machine whose number, from 1 on, or address is WANTED, but not its memory; of the
// others RET has the addresses alone. *INDEX is the number of machines where there is none. GG_NOT_FOUND where the kernel
// has no KVM.
struct gg_error *gg_kvm_read_one(const struct gg_answerers *kernel, uint64_t wanted,
				 struct gg_kvm_machines *ret, size_t *index);

// Reads the registers of the vCPU whose struct kvm_vcpu is at VCPU. INSIDE are the registers of the CPU that
// executes the vCPU; NULL where KVM's copy is the last. PEERS may be NULL.
struct gg_error *gg_kvm_read_vcpu(const struct gg_answerers *kernel,
				  const struct gg_vcpu_peers *peers, gg_gva_t vcpu,
				  const struct gg_registers *inside, struct gg_cpu_state *ret);

// MACHINES may be zeros.
void gg_kvm_machines_deinit(struct gg_kvm_machines *machines);

#endif
