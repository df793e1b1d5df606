// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts of a vCPU's state that KVM keeps in the same way for all vendors.
#ifndef GG_X86_VCPU_H
#define GG_X86_VCPU_H

#include "machine/cpu-state.h"
#include "x86.h"

// KVM's copies of the registers.
struct x86_vcpu_copies {
	const struct gg_host *kernel;
	gg_gva_t address;        // of the kvm_vcpu
	const uint64_t *general; // RAX to R15, in the order of enum x86_register, and RIP
	uint64_t available;      // regs_avail
	uint64_t cr0, cr2, cr3, cr4, efer;
};

// Completes the registers of a vCPU that KVM executes by VMX; STATE->own has the copies that are available, or INSIDE. A
// kernel without VMX's types leaves STATE as it is.
struct gg_error *x86_read_vmx(const struct x86_vcpu_copies *copies,
			      const struct gg_registers *inside, struct gg_cpu_state *state);

#endif
