// SPDX-License-Identifier: GPL-3.0-or-later
//
// A vCPU that KVM executes by VMX: struct vcpu_vmx (Linux arch/x86/kvm/vmx/vmx.h).
#ifndef GG_X86_VMX_H
#define GG_X86_VMX_H

#include "host/host.h"
#include "linux/arch-ops.h"
#include "vcpu.h"
#include "vmcs.h"

enum { X86_VMX_SEGMENTS = 8 };

// Members; size 0: the kernel does not have it. Enumerators have the value as their offset, and no size.
struct x86_vmx_layout {
	struct gg_member vcpu, loaded, own, rflags, vm86;      // of a vcpu_vmx
	struct gg_member gs_base, in_hardware, inner;          // the same
	struct gg_member bitmask, segment;                     // of its segment_cache
	struct gg_member parts[X86_SEGMENT_PARTS];             // of a kvm_save_segment
	struct gg_member page, cpu, launched, controls;        // of a loaded_vmcs
	struct gg_member host_cr3, host_cr4, host_rsp, gs, fs; // the same
	struct gg_member dirty, cr0_owned, cr4_owned;          // of a kvm_vcpu
	struct gg_member has_cr3, has_cr0, has_cr4;            // bits of regs_avail
	struct gg_member has_rflags, has_segments;             // the same
};

struct x86_vmx {
	const struct gg_host *kernel;
	const struct x86_vmx_layout *layout;
	const struct x86_vcpu_copies *copies;
	gg_gva_t vendor, loaded; // the vcpu_vmx, and its loaded_vmcs, which may be 0
};

struct gg_error *x86_vmx_layout_resolve(const struct gg_host *kernel, struct x86_vmx_layout *ret);

// Finds the vcpu_vmx of COPIES.
struct gg_error *x86_vmx_init(struct x86_vmx *vmx, const struct gg_host *kernel,
			      const struct x86_vmx_layout *layout,
			      const struct x86_vcpu_copies *copies);

// Reads MEMBER of the structure at ADDRESS: 0 where the kernel does not have the member.
struct gg_error *x86_vmx_read(const struct x86_vmx *vmx, gg_gva_t address,
			      const struct gg_member *member, uint64_t *ret);

// Tests BIT, an enumerator of kvm_reg, in regs_avail; false where the kernel does not have it.
bool x86_vmx_has(const struct x86_vmx *vmx, const struct gg_member *bit);

// Tests whether KVM intercepts each change of CR3, as it does where the guest's page tables are not the hardware's.
struct gg_error *x86_vmx_keeps_cr3(const struct x86_vmx *vmx, bool *ret);

// Reads a part of a segment register, in the order of enum x86_register, as the VMCS has it, of KVM's copy; *HAS is false
// where KVM has none.
struct gg_error *x86_vmx_segment(const struct x86_vmx *vmx, unsigned int segment, unsigned int part,
				 bool *has, uint64_t *ret);

// Reads the VMCS.
struct gg_error *x86_vmx_page(const struct x86_vmx *vmx, uint8_t ret[X86_VMCS_SIZE]);

// Finds the format of PAGE, the VMCS of VMX. PEERS may be NULL. GG_NOT_FOUND where it is not known.
struct gg_error *x86_vmx_format(const struct x86_vmx *vmx, const struct gg_vcpu_peers *peers,
				const uint8_t *page, struct x86_vmcs_layout *ret);

#endif
