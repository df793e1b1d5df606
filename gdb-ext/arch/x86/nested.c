// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's own registers of an x86 CPU that executes a nested guest: those that VMRUN saved before
// it loaded the nested guest's (AMD APM, volume 2, chapter 15.5.1). Other registers stay with the
// CPU, and are the nested guest's by now.
//
// In:  under TCG the host save area in the guest's RAM; under KVM struct kvm_nested_state in QEMU's
//      memory (Linux arch/x86/include/uapi/asm/kvm.h, Documentation/virt/kvm/api.rst). Both have
//      the layout of a VMCB (APM, volume 2, appendix B). With VMX the latter has KVM's vmcs12, with the registers that the
//      next exit loads.
// Out: the registers that VMRUN saves, or that an exit of VMX loads.
// Trusts nothing it reads: an area that does not lead back to this VMRUN is not used, nor a VMCS that cannot be.
#include "vmcs.h"

#include <inttypes.h>

// Checks that a CPU can have executed VMRUN: with EFER.SVME, in protected mode, and with the bit of
// RFLAGS that is always set.
static struct gg_error *check_area(const struct gg_registers *registers)
{
	enum { CR0_PE = 1, RFLAGS_FIXED = 1 << 1 };
	const uint64_t efer = gg_register(registers, X86_EFER),
		       cr0 = gg_register(registers, X86_CR0),
		       rflags = gg_register(registers, X86_RFLAGS);
	if (efer & X86_EFER_SVME && cr0 & CR0_PE && rflags & RFLAGS_FIXED)
		return NULL;
	return gg_error_create(GG_BAD_DATA,
			       "EFER 0x%" PRIx64 ", CR0 0x%" PRIx64 " and RFLAGS 0x%" PRIx64
			       " are not those of a CPU that executed VMRUN",
			       efer, cr0, rflags);
}

// ---- TCG ----

// Checks that RAX was the VMCB's address (QEMU target/i386/tcg/sysemu/svm_helper.c, v7.2,
// helper_vmrun): in code of 32 bits its lower half.
static struct gg_error *check_vmcb(const struct gg_registers *saved, uint64_t vmcb)
{
	const bool long_mode = gg_register(saved, X86_HFLAGS) & X86_HF_LMA;
	const uint64_t rax = gg_register(saved, X86_RAX);
	if (vmcb == (long_mode ? rax : (uint32_t)rax))
		return NULL;
	return gg_error_create(GG_BAD_DATA, "RAX is 0x%" PRIx64 ", but the VMCB is at 0x%" PRIx64,
			       rax, vmcb);
}

static struct gg_error *read_tcg(const struct gg_ram_map *map, const struct gg_registers *nested,
				 struct gg_registers *ret)
{
	uint8_t bytes[X86_VMRUN_AREA_SIZE];
	if (!map)
		return gg_error_create(GG_UNSUPPORTED, "the guest's RAM is not known");
	if (!gg_register_known(nested, X86_VM_HSAVE) || !gg_register_known(nested, X86_VM_VMCB))
		return gg_error_create(
			GG_UNSUPPORTED,
			"the places of env.vm_hsave and env.vm_vmcb in this QEMU are not known");
	const gg_gpa_t hsave = gg_register(nested, X86_VM_HSAVE);
	struct gg_error *err = gg_ram_map_read(map, hsave + X86_SAVE_AREA, bytes, sizeof(bytes));
	if (!err)
		err = x86_read_vmrun_area(bytes, nested, ret);
	if (!err)
		err = check_area(ret);
	if (!err)
		err = check_vmcb(ret, gg_register(nested, X86_VM_VMCB));
	return err ? gg_error_context(err, "the host save area at guest-physical 0x%" PRIx64, hsave)
		   : NULL;
}

// ---- KVM ----

enum { STATE_HEADER = 128 }; // bytes of a struct kvm_nested_state before the data

// KVM's state of a guest nested by VMX has the guest's vmcs12 as KVM keeps it, newer than the page in L1's RAM (Linux
// arch/x86/kvm/vmx/nested.c, vmx_get_nested_state(), since v4.20).
static struct gg_error *read_kvm_vmx(const struct gg_host *host, uint64_t state,
				     const struct gg_registers *nested, struct gg_registers *ret)
{
	const struct x86_vmcs_layout *format = x86_vmcs_layout(X86_VMCS12_REVISION);
	uint8_t page[X86_VMCS_SIZE];
	struct gg_error *err = gg_host_read(host, state + STATE_HEADER, page, sizeof(page));
	if (!err && x86_vmcs_revision(page) != X86_VMCS12_REVISION)
		err = gg_error_create(GG_BAD_DATA, "the VMCS's revision is 0x%" PRIx32,
				      x86_vmcs_revision(page));
	if (!err)
		err = x86_vmcs_check(format, page);
	if (!err)
		x86_vmcs_read_host(format, page, nested, ret);
	return err;
}

// KVM's state of a nested guest has the VMCB's control area, and behind it L1's own registers
// (Linux arch/x86/kvm/svm/nested.c, svm_get_nested_state(), since v5.8).
static struct gg_error *read_kvm_svm(const struct gg_host *host, uint64_t state,
				     const struct gg_registers *nested, struct gg_registers *ret)
{
	uint8_t bytes[X86_VMRUN_AREA_SIZE];
	struct gg_error *err =
		gg_host_read(host, state + STATE_HEADER + X86_SAVE_AREA, bytes, sizeof(bytes));
	if (!err)
		err = x86_read_vmrun_area(bytes, nested, ret);
	return err ? err : check_area(ret);
}

static struct gg_error *read_kvm(const struct gg_host *host, const struct gg_registers *nested,
				 struct gg_registers *ret)
{
	enum { FORMAT_VMX, FORMAT_SVM, GUEST_MODE = 1 };
	static const struct gg_member flags = { 0, 2 }, format = { 2, 2 }, size = { 4, 4 };
	uint64_t flag_bits, kind, bytes_held;
	const uint64_t state = gg_register(nested, X86_NESTED_STATE);
	if (!gg_register_known(nested, X86_NESTED_STATE) || !state)
		return gg_error_create(GG_UNSUPPORTED, "KVM has them, and QEMU has no copy");
	struct gg_error *err = gg_host_read_member(host, state, &flags, &flag_bits);
	if (!err)
		err = gg_host_read_member(host, state, &format, &kind);
	if (!err)
		err = gg_host_read_member(host, state, &size, &bytes_held);
	if (!err && kind != FORMAT_VMX && kind != FORMAT_SVM)
		return gg_error_create(GG_UNSUPPORTED,
				       "KVM has them, in a format that is neither VMX's nor SVM's "
				       "(%" PRIu64 ")",
				       kind);
	const uint64_t least =
		kind == FORMAT_SVM ? X86_SAVE_AREA + X86_VMRUN_AREA_SIZE : X86_VMCS_SIZE;
	if (!err && (!(flag_bits & GUEST_MODE) || bytes_held < STATE_HEADER + least))
		err = gg_error_create(GG_BAD_DATA,
				      "its flags are 0x%" PRIx64 ", its size is %" PRIu64
				      ", which is not a nested guest's",
				      flag_bits, bytes_held);
	if (!err)
		err = kind == FORMAT_SVM ? read_kvm_svm(host, state, nested, ret)
					 : read_kvm_vmx(host, state, nested, ret);
	return err ? gg_error_context(err, "KVM's nested state in QEMU at 0x%" PRIx64, state)
		   : NULL;
}

// ---- Both ----

struct gg_error *x86_read_saved(const struct gg_ram_map *map, const struct gg_host *host,
				const struct gg_qemu_cpu *cpu, const struct gg_registers *nested,
				struct gg_registers *ret)
{
	return cpu->accelerator == GG_ACCELERATOR_KVM ? read_kvm(host, nested, ret)
						      : read_tcg(map, nested, ret);
}

// QEMU's monitor does not print HF_GUEST. But a CPU in a nested guest has SVM or VMX turned on: VMRUN
// refuses an EFER without SVME (AMD APM, volume 2, chapter 15.5.1), VMX a CR4 without VMXE (Intel
// SDM, volume 3, appendix A.8).
enum gg_nesting x86_nesting(const struct gg_registers *registers)
{
	enum { CR4_VMXE = 1 << 13 };
	if (!(gg_register_unknown(registers, X86_HFLAGS) & X86_HF_GUEST))
		return gg_register(registers, X86_HFLAGS) & X86_HF_GUEST ? GG_NESTED
									 : GG_NOT_NESTED;
	return gg_register(registers, X86_EFER) & X86_EFER_SVME ||
			       gg_register(registers, X86_CR4) & CR4_VMXE
		       ? GG_MAYBE_NESTED
		       : GG_NOT_NESTED;
}
