// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts of a vCPU's state that KVM keeps in the same way for all vendors.
#ifndef GG_X86_VCPU_H
#define GG_X86_VCPU_H

#include "machine/cpu-state.h"
#include "x86.h"

struct gg_vcpu_peers;

enum { X86_GENERAL_AND_RIP = 17, X86_PLACE_OF_RIP = 16 };

// The members that KVM's copies are in; the same with all vendors.
struct x86_copies_layout {
	struct gg_member regs, rip, available, cr0, cr2, cr3, cr4, efer, state;
};

// KVM's copies of the registers.
struct x86_vcpu_copies {
	gg_gva_t address; // of the kvm_vcpu
	uint64_t general
		[X86_GENERAL_AND_RIP]; // RAX to R15, in the order of enum x86_register, and RIP
	uint64_t available;            // regs_avail
	uint64_t cr0, cr2, cr3, cr4, efer, state;
};

struct gg_error *x86_copies_layout_resolve(const struct gg_host *kernel,
					   struct x86_copies_layout *ret);

// Reads the copies of the vCPU whose struct kvm_vcpu is at ADDRESS.
struct gg_error *x86_read_copies(const struct gg_host *kernel,
				 const struct x86_copies_layout *layout, gg_gva_t address,
				 struct x86_vcpu_copies *ret);

// Completes the registers of a vCPU that KVM executes by VMX; STATE->own has the copies that are available, or INSIDE. A
// kernel without VMX's types leaves STATE as it is.
struct gg_error *x86_read_vmx(const struct gg_host *kernel, const struct gg_vcpu_peers *peers,
			      const struct x86_vcpu_copies *copies,
			      const struct gg_registers *inside, struct gg_cpu_state *state);

#endif
