// SPDX-License-Identifier: GPL-3.0-or-later
//
// The members of KVM's state of VMX.
//
// In:  the members and the memory of the kernel that has KVM.
// Out: the values that KVM has, and the VMCS's page.
// Trusts nothing it reads.
#include "vmx.h"

#include <inttypes.h>

#define OPTIONAL(member, type, ...)                                                                \
	GG_LAYOUT_ROW_OPTIONAL(struct x86_vmx_layout, member, type, __VA_ARGS__)

// A kernel without the types has no vendor's module, or that of the other vendor.
static const struct gg_layout_row rows[] = {
	OPTIONAL(vcpu, "vcpu_vmx", "vcpu"),
	OPTIONAL(loaded, "vcpu_vmx", "loaded_vmcs"),
	OPTIONAL(own, "vcpu_vmx", "vmcs01"),
	OPTIONAL(rflags, "vcpu_vmx", "rflags"),
	OPTIONAL(vm86, "vcpu_vmx", "rmode.vm86_active"),
	OPTIONAL(gs_base, "vcpu_vmx", "msr_guest_kernel_gs_base"),
	// A member of the part that VMX and TDX share since Linux v6.16.
	OPTIONAL(in_hardware, "vcpu_vmx", "vt.guest_state_loaded", "guest_state_loaded"),
	OPTIONAL(inner, "vcpu_vmx", "nested.cached_vmcs12"),
	OPTIONAL(bitmask, "vcpu_vmx", "segment_cache.bitmask"),
	OPTIONAL(segment, "vcpu_vmx", "segment_cache.seg[0]"),
	OPTIONAL(parts[X86_SELECTOR], "kvm_save_segment", "selector"),
	OPTIONAL(parts[X86_BASE], "kvm_save_segment", "base"),
	OPTIONAL(parts[X86_LIMIT], "kvm_save_segment", "limit"),
	OPTIONAL(parts[X86_FLAGS], "kvm_save_segment", "ar"),
	OPTIONAL(page, "loaded_vmcs", "vmcs"),
	OPTIONAL(cpu, "loaded_vmcs", "cpu"),
	OPTIONAL(launched, "loaded_vmcs", "launched"),
	OPTIONAL(controls, "loaded_vmcs", "controls_shadow.exec"),
	OPTIONAL(host_cr3, "loaded_vmcs", "host_state.cr3"),
	OPTIONAL(host_cr4, "loaded_vmcs", "host_state.cr4"),
	OPTIONAL(host_rsp, "loaded_vmcs", "host_state.rsp"),
	OPTIONAL(gs, "loaded_vmcs", "host_state.gs_base"),
	OPTIONAL(fs, "loaded_vmcs", "host_state.fs_base"),
	OPTIONAL(dirty, "kvm_vcpu", "arch.regs_dirty"),
	OPTIONAL(cr0_owned, "kvm_vcpu", "arch.cr0_guest_owned_bits"),
	OPTIONAL(cr4_owned, "kvm_vcpu", "arch.cr4_guest_owned_bits"),
	OPTIONAL(has_cr0, "kvm_reg", "VCPU_REG_CR0", "VCPU_EXREG_CR0"),
	OPTIONAL(has_cr3, "kvm_reg", "VCPU_REG_CR3", "VCPU_EXREG_CR3"),
	OPTIONAL(has_cr4, "kvm_reg", "VCPU_REG_CR4", "VCPU_EXREG_CR4"),
	OPTIONAL(has_rflags, "kvm_reg", "VCPU_REG_RFLAGS", "VCPU_EXREG_RFLAGS"),
	OPTIONAL(has_segments, "kvm_reg", "VCPU_REG_SEGMENTS", "VCPU_EXREG_SEGMENTS"),
};

struct gg_error *x86_vmx_layout_resolve(const struct gg_host *kernel, struct x86_vmx_layout *ret)
{
	*ret = (struct x86_vmx_layout){ 0 };
	return gg_layout_resolve(kernel, rows, sizeof(rows) / sizeof(*rows), ret);
}

struct gg_error *x86_vmx_init(struct x86_vmx *vmx, const struct gg_host *kernel,
			      const struct x86_vmx_layout *layout,
			      const struct x86_vcpu_copies *copies)
{
	*vmx = (struct x86_vmx){ .kernel = kernel,
				 .layout = layout,
				 .copies = copies,
				 .vendor = copies->address - layout->vcpu.offset };
	return x86_vmx_read(vmx, vmx->vendor, &layout->loaded, &vmx->loaded);
}

struct gg_error *x86_vmx_read(const struct x86_vmx *vmx, gg_gva_t address,
			      const struct gg_member *member, uint64_t *ret)
{
	*ret = 0;
	return member->size ? gg_host_read_member(vmx->kernel, address, member, ret) : NULL;
}

bool x86_vmx_has(const struct x86_vmx *vmx, const struct gg_member *bit)
{
	return bit->offset && bit->offset < 64 && vmx->copies->available >> bit->offset & 1;
}

struct gg_error *x86_vmx_keeps_cr3(const struct x86_vmx *vmx, bool *ret)
{
	enum { CR3_LOAD_EXITING = 1 << 15 };
	uint64_t controls;
	struct gg_error *err = x86_vmx_read(vmx, vmx->loaded, &vmx->layout->controls, &controls);
	*ret = controls & CR3_LOAD_EXITING;
	return err;
}

// KVM notes its copies by four bits a segment.
struct gg_error *x86_vmx_segment(const struct x86_vmx *vmx, unsigned int segment, unsigned int part,
				 bool *has, uint64_t *ret)
{
	// The places of ES, CS, SS, DS, FS, GS, LDTR and TR in KVM's order.
	static const unsigned int places[X86_VMX_SEGMENTS] = { 0, 1, 2, 3, 4, 5, 7, 6 };
	const struct x86_vmx_layout *layout = vmx->layout;
	const struct gg_member *member = &layout->parts[part];
	const gg_gva_t address =
		vmx->vendor + layout->segment.offset + places[segment] * layout->segment.size;
	uint64_t mask;
	*ret = 0;
	struct gg_error *err = x86_vmx_read(vmx, vmx->vendor, &layout->bitmask, &mask);
	*has = !err && x86_vmx_has(vmx, &layout->has_segments) && layout->segment.size &&
	       member->size && mask >> (places[segment] * X86_SEGMENT_PARTS + part) & 1;
	return *has ? x86_vmx_read(vmx, address, member, ret) : err;
}

struct gg_error *x86_vmx_page(const struct x86_vmx *vmx, uint8_t ret[X86_VMCS_SIZE])
{
	gg_gva_t page;
	struct gg_error *err = x86_vmx_read(vmx, vmx->loaded, &vmx->layout->page, &page);
	if (!err && (!page || page % X86_VMCS_SIZE))
		err = gg_error_create(GG_BAD_DATA, "it is at 0x%" PRIx64 ", no page's start", page);
	return err ? err : gg_host_read(vmx->kernel, page, ret, X86_VMCS_SIZE);
}
