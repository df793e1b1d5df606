// SPDX-License-Identifier: GPL-3.0-or-later
//
// A Linux kernel with a machine of KVM's, in memory of 64 KiB: for damage that no real kernel has. The members' names are
// those of Linux v6.1; their places are made up.
//
//     the machine has the vCPUs 0, on CPU 5, and 1, halted; slots of 16 pages at page 0, 0x100 and 0x200
#ifndef FAKE_KVM_H
#define FAKE_KVM_H

#include "fake-answerers.h"
#include "linux/kvm/kvm.h"

#define FAKE_KVM_BASE UINT64_C(0xffff888000000000)

enum {
	FAKE_KVM_SIZE = 64 << 10,
	// Offsets in the memory.
	FAKE_KVM_LIST = 0,
	FAKE_KVM = 0x100,
	FAKE_KVM_NODE = 0x200, // the node of the array of vCPUs
	FAKE_KVM_MEMSLOTS = 0x800,
	FAKE_KVM_VCPUS = 0x1000, // FAKE_KVM_STRIDE bytes each
	FAKE_KVM_SLOTS = 0x2000, // the same
	FAKE_KVM_STRIDE = 0x100,
	// Offsets in a struct kvm.
	FAKE_KVM_ONLINE = 0x20,
	FAKE_KVM_TYPE = 0x40,
	FAKE_KVM_SEV = 0x48,
	// In a node, a vCPU and a slot.
	FAKE_KVM_SHIFT = 0,
	FAKE_KVM_STATE = 0x10,
	FAKE_KVM_LEFT = 0x10,
	FAKE_KVM_GFN = 0x40,
	FAKE_KVM_FLAGS = 0x58,
};

struct fake_kvm {
	struct fake_answerers fake;
	struct gg_answerers answerers;
	struct gg_ram_map map; // without RAM
};

void fake_kvm_init(struct fake_kvm *kvm);
void fake_kvm_deinit(struct fake_kvm *kvm);

#endif
