// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of a vCPU that KVM executes by VMX, in a made-up kernel. No machine at hand has VMX: each format's
// places are those of its source.
#include "fake-kvm.h"
#include "arch/x86/vmcs.h"
#include "unit.h"

#include <string.h>

enum { VCPU = FAKE_KVM_VCPUS, CR3 = X86_CR0 + 3, CS_FLAGS = X86_CS + X86_FLAGS };

// Reads the registers of vCPU 1 with a VMCS of PLACES, and VALUE, SIZE bytes, at OFFSET of the memory; SIZE may be 0.
static void read_changed(const struct fake_vmcs *places, size_t offset, unsigned int size,
			 uint64_t value, struct gg_cpu_state *ret)
{
	struct fake_kvm kvm;
	fake_kvm_init(&kvm);
	fake_kvm_use_vmx(&kvm, places);
	fake_put(&kvm.fake, offset, size, value);
	assert_null(gg_kvm_read_vcpu(&kvm.answerers, NULL, FAKE_KVM_BASE + VCPU, NULL, ret));
	fake_kvm_deinit(&kvm);
}

// ---- Formats ----

static const struct fake_vmcs formats[] = {
	// Linux include/hyperv/hvgdk.h, struct hv_enlightened_vmcs.
	{ .revision = 1,
	  .rip = 816,
	  .rsp = 768,
	  .rflags = 776,
	  .cr0 = 544,
	  .cr3 = 552,
	  .cr4 = 560,
	  .link = 416,
	  .cs = 130,
	  .cs_base = 224,
	  .cs_limit = 148,
	  .cs_rights = 188,
	  .ss = 132,
	  .host_cr0 = 40,
	  .host_cr3 = 48,
	  .host_cr4 = 56,
	  .host_rsp = 616,
	  .host_rip = 80 },
	// Actaeon's penryn.py, sandy.py and haswell.py; there is no place of access rights that another source bears out.
	{ .revision = 0xd,
	  .rip = 824,
	  .rsp = 816,
	  .rflags = 832,
	  .cr0 = 768,
	  .cr3 = 776,
	  .cr4 = 784,
	  .link = 32,
	  .cs = 280,
	  .cs_base = 288,
	  .cs_limit = 296,
	  .ss = 304,
	  .host_cr0 = 896,
	  .host_cr3 = 904,
	  .host_cr4 = 912,
	  .host_rsp = 976 },
	{ .revision = 0x10,
	  .rip = 472,
	  .rsp = 464,
	  .rflags = 480,
	  .cr0 = 728,
	  .cr3 = 736,
	  .cr4 = 744,
	  .link = 248,
	  .cs = 536,
	  .cs_base = 544,
	  .cs_limit = 552,
	  .cs_rights = 556,
	  .ss = 560,
	  .host_cr0 = 824,
	  .host_cr3 = 832,
	  .host_cr4 = 840,
	  .host_rsp = 904 },
	{ .revision = 0x12,
	  .rip = 472,
	  .rsp = 464,
	  .rflags = 480,
	  .cr0 = 520,
	  .cr3 = 528,
	  .cr4 = 536,
	  .link = 248,
	  .cs = 48,
	  .cs_base = 56,
	  .cs_limit = 52,
	  .ss = 64,
	  .host_cr0 = 808,
	  .host_cr3 = 816,
	  .host_cr4 = 824,
	  .host_rsp = 768 },
};

static void expect_registers(const struct fake_vmcs *places, const struct gg_cpu_state *cpu)
{
	const struct gg_registers *own = &cpu->own;
	assert_int_equal(gg_register(own, X86_RIP), 0x500000000);
	assert_int_equal(gg_register(own, X86_RSP), 0x5001);
	assert_int_equal(gg_register(own, X86_RFLAGS), 0x5002);
	assert_int_equal(gg_register(own, CR3), 0x5004);
	assert_int_equal(gg_register(own, X86_CS), 0x5007);
	assert_int_equal(gg_register(own, X86_CS + X86_BASE), 0x5008);
	assert_int_equal(gg_register(own, X86_CS + X86_LIMIT), 0x5009);
	assert_int_equal(gg_register(own, X86_RAX + 1), 0x2001);
	// The guest's own bits of CR0 and CR4 are the hardware's, the others KVM's.
	assert_int_equal(gg_register(own, X86_CR0), 0x80000019);
	assert_int_equal(gg_register(own, X86_CR4), 0xa0);
	assert_true(gg_register_known(own, X86_CR0));
	// The privilege is that of SS's access rights, 0, or where they are not known its selector's.
	assert_int_equal(gg_register(own, X86_HFLAGS) & X86_HF_CPL, places->cs_rights ? 0 : 3);
	assert_int_equal(gg_register_has_known(own, CS_FLAGS), places->cs_rights != 0);
	if (places->cs_rights)
		assert_int_equal(gg_register(own, CS_FLAGS) & 0xf0ff00, 0xa09b00);
	assert_true(gg_register(own, X86_HFLAGS) & X86_HF_CS64);
}

static void test_formats(void **state)
{
	(void)state;
	static struct gg_cpu_state cpu;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		read_changed(&formats[i], 0, 0, 0, &cpu);
		expect_registers(&formats[i], &cpu);
		assert_int_equal(cpu.nesting, GG_NOT_NESTED);
	}
	read_changed(&fake_vmcs12, 0, 0, 0, &cpu);
	expect_registers(&fake_vmcs12, &cpu);
	assert_string_equal(cpu.origin,
			    "KVM's copies: general registers; of the VMCS (KVM's vmcs12): RSP, "
			    "RIP, RFLAGS, CR3, segments");
}

// ---- Copies ----

static void test_copies(void **state)
{
	(void)state;
	static struct gg_cpu_state cpu;
	const size_t segment = VCPU + FAKE_KVM_CACHED + FAKE_KVM_CACHED_SIZE;
	// RSP, RIP, CR3, RFLAGS and segments are available. RIP is KVM's newer one.
	struct fake_kvm kvm;
	fake_kvm_init(&kvm);
	fake_kvm_use_vmx(&kvm, &fake_vmcs12);
	fake_put(&kvm.fake, VCPU + FAKE_KVM_AVAILABLE, 8, 0x69ffff);
	fake_put(&kvm.fake, VCPU + FAKE_KVM_DIRTY, 8, 0x10010);
	fake_put(&kvm.fake, VCPU + FAKE_KVM_VMX_RFLAGS, 8, 0x246);
	fake_put(&kvm.fake, VCPU + FAKE_KVM_BITMASK, 4, 1 << 4); // the selector of CS
	fake_put(&kvm.fake, segment, 2, 0x10);
	fake_put(&kvm.fake, segment + 8, 8, 0x1234);
	assert_null(gg_kvm_read_vcpu(&kvm.answerers, NULL, FAKE_KVM_BASE + VCPU, NULL, &cpu));
	fake_kvm_deinit(&kvm);
	assert_int_equal(gg_register(&cpu.own, X86_RIP), 0x2010);
	assert_int_equal(gg_register(&cpu.own, X86_RSP), 0x2004);
	assert_int_equal(gg_register(&cpu.own, X86_RFLAGS), 0x246);
	assert_int_equal(gg_register(&cpu.own, X86_CS), 0x10);
	assert_int_equal(gg_register(&cpu.own, X86_CS + X86_BASE), 0x5008);
	assert_int_equal(gg_register(&cpu.own, CR3), 0x3000);
	assert_string_equal(cpu.origin,
			    "KVM's copies: general registers, RSP, RIP, RFLAGS, CR3, segments");
}

static void test_shadow(void **state)
{
	(void)state;
	static struct gg_cpu_state cpu;
	read_changed(&fake_vmcs12, FAKE_KVM_LOADED + FAKE_KVM_CONTROLS, 4, 1 << 15, &cpu);
	assert_int_equal(gg_register(&cpu.own, CR3), 0x3000);
}

static void test_vm86(void **state)
{
	(void)state;
	static struct gg_cpu_state cpu;
	read_changed(&fake_vmcs12, VCPU + FAKE_KVM_VM86, 4, 1, &cpu);
	assert_false(gg_register_has_known(&cpu.own, X86_CS));
	assert_false(gg_register_has_known(&cpu.own, X86_RFLAGS));
	assert_int_equal(gg_register(&cpu.own, X86_RSP), 0x5001);
}

// ---- Pages that are not used ----

// Expects that no register is out of the VMCS, for the reason.
static void expect_unused(size_t offset, unsigned int size, uint64_t value, const char *reason)
{
	static struct gg_cpu_state cpu;
	read_changed(&fake_vmcs12, offset, size, value, &cpu);
	assert_non_null(strstr(cpu.origin, reason));
	assert_false(gg_register_has_known(&cpu.own, X86_RIP));
	assert_false(gg_register_has_known(&cpu.own, X86_RSP));
	assert_false(gg_register_has_known(&cpu.own, CR3));
	assert_false(gg_register_has_known(&cpu.own, X86_CS));
	assert_int_equal(gg_register(&cpu.own, X86_RAX + 1), 0x2001);
	// KVM's copy has the bits of CR0 that the guest does not own.
	assert_int_equal(gg_register_unknown(&cpu.own, X86_CR0), 8);
}

static void test_unused(void **state)
{
	(void)state;
	const size_t page = FAKE_KVM_VMCS;
	expect_unused(page, 4, 0x4,
		      "the VMCS is not used: the format of revision 0x4 is not known");
	expect_unused(page + 4, 4, 1, "its abort indicator is 1");
	expect_unused(page + 176, 8, 0x1234, "its link pointer is 0x1234");
	expect_unused(page + 584, 8, 0x10, "its host CR0 is 0x10");
	expect_unused(page + 600, 8, 0x20, "its host CR4 is 0x20, without VMXE");
	expect_unused(page + 592, 8, 0x1000, "its host CR3 is 0x1000, and KVM wrote 0x600d");
	expect_unused(page + 664, 8, 0x1000, "its host RSP is 0x1000, and KVM wrote 0x600f");
	expect_unused(FAKE_KVM_LOADED, 8, 0x1234, "it is at 0x1234, no page's start");
	expect_unused(FAKE_KVM_LOADED, 8, 0x1000, "the VMCS is not used: ");
}

static void test_stale(void **state)
{
	(void)state;
	struct fake_kvm kvm;
	static struct gg_cpu_state cpu;
	// RIP is available and clean, and yet another than the VMCS's.
	read_changed(&fake_vmcs12, VCPU + FAKE_KVM_AVAILABLE, 8, 0x1ffff, &cpu);
	assert_non_null(
		strstr(cpu.origin, "its RIP is 0x500000000, and KVM read 0x2010 out of it"));
	assert_int_equal(gg_register(&cpu.own, X86_RIP), 0x2010);
	assert_false(gg_register_has_known(&cpu.own, CR3));
	// The VMCS is active, and the hypervisor below has not been told to clear it.
	fake_kvm_init(&kvm);
	fake_kvm_use_vmx(&kvm, &fake_vmcs12);
	fake_put(&kvm.fake, FAKE_KVM_LOADED + FAKE_KVM_LOADED_CPU, 4, 2);
	fake_put(&kvm.fake, FAKE_KVM_VMCS + 8, 4, 1);
	assert_null(gg_kvm_read_vcpu(&kvm.answerers, NULL, FAKE_KVM_BASE + VCPU, NULL, &cpu));
	fake_kvm_deinit(&kvm);
	assert_non_null(strstr(cpu.origin, "it is active on CPU 2, and the hypervisor below"));
	assert_false(gg_register_has_known(&cpu.own, X86_RIP));
}

// ---- Guests of the guest ----

static void test_inner(void **state)
{
	(void)state;
	struct fake_kvm kvm;
	static struct gg_cpu_state cpu;
	const size_t other = FAKE_KVM_LOADED + 0x100;
	fake_kvm_init(&kvm);
	fake_kvm_use_vmx(&kvm, &fake_vmcs12);
	fake_put(&kvm.fake, VCPU + FAKE_KVM_LOADED_POINTER, 8, FAKE_KVM_BASE + other);
	fake_put(&kvm.fake, other, 8, FAKE_KVM_BASE + FAKE_KVM_VMCS);
	fake_put(&kvm.fake, other + FAKE_KVM_LOADED_CPU, 4, UINT32_MAX);
	assert_null(gg_kvm_read_vcpu(&kvm.answerers, NULL, FAKE_KVM_BASE + VCPU, NULL, &cpu));
	assert_int_equal(cpu.nesting, GG_NESTED);
	assert_int_equal(gg_register(&cpu.nested, X86_RIP), 0x500000000);
	assert_int_equal(gg_register(&cpu.own, X86_RIP), 0x6010);
	assert_int_equal(gg_register(&cpu.own, X86_RSP), 0x600f);
	assert_int_equal(gg_register(&cpu.own, CR3), 0x600d);
	assert_true(gg_register(&cpu.own, X86_HFLAGS) & X86_HF_CS64);
	assert_false(gg_register_has_known(&cpu.own, X86_RBP));
	// A copy that cannot be.
	fake_put(&kvm.fake, FAKE_KVM_INNER, 4, 7);
	assert_null(gg_kvm_read_vcpu(&kvm.answerers, NULL, FAKE_KVM_BASE + VCPU, NULL, &cpu));
	assert_int_equal(cpu.nesting, GG_NESTED);
	assert_false(gg_register_has_known(&cpu.own, X86_RIP));
	assert_true(*cpu.unknown);
	fake_kvm_deinit(&kvm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("each format of a VMCS has the registers at its own places",
			  test_formats),
		UNIT_TEST("KVM's copies that are available come before the VMCS", test_copies),
		UNIT_TEST("with shadow page tables CR3 is KVM's copy", test_shadow),
		UNIT_TEST("in real mode that the hardware does as virtual-8086 mode, flags and "
			  "segments are unknown",
			  test_vm86),
		UNIT_TEST("a VMCS of unknown format, or that contradicts KVM, is not used, and "
			  "the reason is told",
			  test_unused),
		UNIT_TEST("a VMCS that may be older than the vCPU is not used", test_stale),
		UNIT_TEST("of a vCPU that executes a guest of its own, an exit's registers are in "
			  "that guest's VMCS",
			  test_inner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
