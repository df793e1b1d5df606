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
	FAKE_KVM_BLOCK = 0x4000, // the VMCB of both vCPUs, with nested paging
	FAKE_KVM_MM = 0x7000,
	FAKE_KVM_AREA = 0x7100,  // anonymous, from FAKE_KVM_AREA_START on
	FAKE_KVM_NODES = 0x7200, // of the tree of areas: a node of ranges, and behind it a leaf
	FAKE_KVM_LEAF = 0x7400,
	// Offsets in a struct kvm.
	FAKE_KVM_ONLINE = 0x20,
	FAKE_KVM_TYPE = 0x40,
	FAKE_KVM_SEV = 0x48,
	// In a node, a vCPU and a slot.
	FAKE_KVM_SHIFT = 0,
	FAKE_KVM_STATE = 0x10,
	FAKE_KVM_LEFT = 0x10,
	FAKE_KVM_GFN = 0x40,
	FAKE_KVM_PAGES = 0x48,
	// In a vCPU: each register is its number and 0x1000 times the vCPU's id and 1.
	FAKE_KVM_REGS = 0x20,
	FAKE_KVM_AVAILABLE = 0xa8,
	FAKE_KVM_CR3 = 0xc0,
	// In a VMCB.
	FAKE_KVM_ASID = 0x58,
	FAKE_KVM_NESTED = 0x90,
	FAKE_KVM_SAVED_CR3 = 0x550,
	// In an area.
	FAKE_KVM_AREA_FLAGS = 0x18,
	FAKE_KVM_AREA_FILE = 0x20,
	FAKE_KVM_FLAGS = 0x58,
	// With VMX, of the vCPU 1: the loaded_vmcs of its own, and the copy of a guest's VMCS in its guest.
	FAKE_KVM_LOADED = 0x5000,
	FAKE_KVM_VMCS = 0x6000,
	FAKE_KVM_INNER = 0x8000,
	// In the vCPU.
	FAKE_KVM_LOADED_POINTER = 0xe0,
	FAKE_KVM_DIRTY = 0xe8,
	FAKE_KVM_CR0_OWNED = 0xf0,
	FAKE_KVM_CR4_OWNED = 0xf8,
	FAKE_KVM_VMX_RFLAGS = 0x4200,
	FAKE_KVM_BITMASK = 0x4208,
	FAKE_KVM_VM86 = 0x420c,
	FAKE_KVM_INNER_POINTER = 0x4210,
	FAKE_KVM_EXIT = 0x4224,
	FAKE_KVM_CACHED = 0x4300, // segments, of FAKE_KVM_CACHED_SIZE bytes
	FAKE_KVM_CACHED_SIZE = 24,
	// A file of a tmpfs, with 8 pages: a folio has pages 0 and 1, page 2 is swapped.
	FAKE_KVM_FILE = 0x9000,
	FAKE_KVM_MAPPING = 0x9100,
	FAKE_KVM_INODE = 0x9200,
	FAKE_KVM_SUPER_BLOCK = 0x9300,
	FAKE_KVM_FIRST_PAGE = 0x9380, // the variable
	FAKE_KVM_FILE_NODE = 0x9400,
	FAKE_KVM_FOLIO = 0x9800,
	FAKE_KVM_FOLIO_PAGE = 5, // its number
	// In the folio.
	FAKE_KVM_FOLIO_MAPPING = 0x18,
	FAKE_KVM_FOLIO_INDEX = 0x20,
	FAKE_KVM_FOLIO_SIZE = 0x40,
	// In the loaded_vmcs.
	FAKE_KVM_LOADED_CPU = 0x10,
	FAKE_KVM_CONTROLS = 0x20,
	FAKE_KVM_HOST_CR3 = 0x30,
	// The peers, and in each its loaded_vmcs.
	FAKE_KVM_PEER_1 = 0x9000,
	FAKE_KVM_PEER_LOADED = 0x100,
};

#define FAKE_KVM_AREA_START UINT64_C(0x7f0000000000)
#define FAKE_KVM_AREA_END   (FAKE_KVM_AREA_START + 0x10000)

struct fake_kvm {
	struct fake_answerers fake;
	struct gg_answerers answerers;
	struct gg_ram_map map; // without RAM
};

// The places of fields in a VMCS; 0 for a field without a place.
struct fake_vmcs {
	uint32_t revision;
	unsigned int rip, rsp, rflags, cr0, cr3, cr4, link;
	unsigned int cs, cs_base, cs_limit, cs_rights, ss;
	unsigned int host_cr0, host_cr3, host_cr4, host_rsp, host_rip;
};

// The places in KVM's vmcs12 (Linux arch/x86/kvm/vmx/vmcs12.h, v6.1).
extern const struct fake_vmcs fake_vmcs12;

void fake_kvm_init(struct fake_kvm *kvm);

// Makes VMX of SVM: the vCPU 1 gets a VMCS, and KVM has no copy of RSP, RIP, CR3, RFLAGS and segments. The guest's values in the VMCS
// are 0x5000 and the order in struct fake_vmcs.
void fake_kvm_use_vmx(struct fake_kvm *kvm, const struct fake_vmcs *places);

// Adds a vCPU that is not in the machine's list, by its NUMBER, 1 to FAKE_KVM_PEERS, and returns its address. KVM has copies of all
// that is in its VMCS, whose values are greater than those of the vCPU 1 by 0x100 times NUMBER.
enum { FAKE_KVM_PEERS = 4 };
gg_gva_t fake_kvm_add_peer(struct fake_kvm *kvm, unsigned int number,
			   const struct fake_vmcs *places);

// The memory of a peer: the kvm_vcpu, and its VMCS.
size_t fake_kvm_peer(unsigned int number);
size_t fake_kvm_peer_vmcs(unsigned int number);
void fake_kvm_deinit(struct fake_kvm *kvm);

#endif
