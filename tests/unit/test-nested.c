// SPDX-License-Identifier: GPL-3.0-or-later
//
// CPUs of x86 that execute a nested guest.
#include "x86-guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HSAVE = 0x3000,
	VMCB = 0x5000,
	SAVE_AREA = 0x400,
	EFER_LONG_MODE = 0x1500, // with SVME
	KVM_STATE = 0x6f00, // struct kvm_nested_state (Linux arch/x86/include/uapi/asm/kvm.h, v6.1)
	KVM_DATA = KVM_STATE + 128,
};

// A save area as QEMU's VMRUN leaves it, of a hypervisor in long mode.
static void put_save_area(uint8_t *page)
{
	uint8_t *area = page + SAVE_AREA;
	put_uint(area + 0x10, 8, UINT64_C(0xffffffff0a9b0010)); // CS
	put_uint(area + 0xd0, 8, EFER_LONG_MODE);
	put_uint(area + 0x148, 8, CR4_PAE);
	put_uint(area + 0x150, 8, PAGES);
	put_uint(area + 0x158, 8, CR0_PG | 1);
	put_uint(area + 0x170, 8, 0x46);
	put_uint(area + 0x178, 8, 0xffffffff81000000);
	put_uint(area + 0x1d8, 8, 0xffff888000001000);
	put_uint(area + 0x1f8, 8, VMCB);
}

static void enter_nested(void)
{
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_GUEST | X86_HF_PE);
	put_uint(cpu + FAKE_CPU_EIP, 8, 0x1234);
	put_uint(cpu + FAKE_CPU_CR, 8, CR0_PG);
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, HSAVE);
	put_uint(cpu + FAKE_CPU_VM_VMCB, 8, VMCB);
	put_save_area(qemu.ram[0] + HSAVE);
}

// Reads the first CPU's state; UNKNOWN is a part of why the guest's own registers are not known.
static void expect_nested(struct gg_cpu_state *state, const char *unknown)
{
	const struct gg_qemu_cpus *cpus;
	gg_guest_ran(guest);
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_success(gg_guest_cpu_state(guest, &cpus->cpus[0], state));
	assert_int_equal(state->nesting, GG_NESTED);
	assert_int_equal(gg_register(&state->nested, X86_RIP), 0x1234);
	if (!unknown) {
		assert_string_equal(state->unknown, "");
		assert_int_equal(gg_register(&state->own, X86_RIP), 0xffffffff81000000);
		assert_int_equal(gg_register(&state->own, X86_CR0 + 3), PAGES);
		assert_int_equal(gg_register(&state->own, X86_HFLAGS),
				 X86_HF_PE | X86_HF_LMA | X86_HF_CS64);
		assert_false(gg_register_known(&state->own, X86_RBX));
		return;
	}
	if (!strstr(state->unknown, unknown))
		fail_msg("\"%s\" lacks \"%s\"", state->unknown, unknown);
	for (unsigned int id = 0; id < X86_REGISTERS; id++)
		assert_false(gg_register_has_known(&state->own, id));
}

// Members of the save area that cannot be those of a CPU that executed VMRUN.
static void test_other_save_area(void **state)
{
	(void)state;
	static const struct {
		unsigned int offset;
		uint64_t value;
		const char *why;
	} damages[] = {
		{ 0xd0, 0x500, "EFER 0x500, CR0 0x80000001 and RFLAGS 0x46 are not those" },
		{ 0x158, CR0_PG, "CR0 0x80000000 and" },
		{ 0x170, 0, "RFLAGS 0x0 are not" },
		{ 0x1f8, VMCB + 0x1000, "RAX is 0x6000, but the VMCB is at 0x5000" },
		{ 0x1f8, UINT64_C(0x100000000) | VMCB, "RAX is 0x100005000, but the VMCB" },
	};
	struct gg_cpu_state cpu_state;
	enter_nested();
	expect_nested(&cpu_state, NULL);
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		put_save_area(qemu.ram[0] + HSAVE);
		put_uint(qemu.ram[0] + HSAVE + SAVE_AREA + damages[i].offset, 8, damages[i].value);
		expect_nested(&cpu_state, damages[i].why);
	}
	put_save_area(qemu.ram[0] + HSAVE);
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, 1 << 20);
	expect_nested(&cpu_state, "the host save area at guest-physical 0x100000: ");
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, UINT64_MAX);
	expect_nested(&cpu_state, "the host save area at guest-physical 0xffffffffffffffff");
}

static void test_refused_tables(void **state)
{
	(void)state;
	struct gg_address_space *space;
	enter_nested();
	assert_success(gg_guest_address_space(guest, 0, NULL, &space));
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, 0);
	gg_guest_ran(guest);
	assert_error(
		gg_guest_address_space(guest, 0, NULL, &space), GG_UNSUPPORTED,
		"CPU 0 executes a nested guest, and the guest's own page tables are not known: "
		"the host save area at guest-physical 0x0: ");
	// The other CPU's serve, where any will do.
	assert_success(gg_guest_address_space(guest, GG_KERNEL_TABLES, NULL, &space));
}

// No machine at hand has KVM: the layouts are Linux's, at v6.1.
static void test_kvm_state(void **state)
{
	(void)state;
	struct gg_cpu_state cpu_state;
	uint8_t *kvm = qemu.structures + KVM_STATE;
	enter_nested();
	memset(qemu.ram[0] + HSAVE, 0, 4096);
	qemu.structures[FAKE_TCG_ALLOWED] = 0;
	qemu.structures[FAKE_KVM_ALLOWED] = 1;
	cpu[FAKE_CPU_DIRTY] = 1;
	expect_nested(&cpu_state, "KVM has them, and QEMU has no copy");
	put_uint(cpu + FAKE_CPU_NESTED_STATE, 8, FAKE_STRUCTURES + KVM_STATE);
	put_uint(kvm + 2, 2, 2);
	expect_nested(&cpu_state, "KVM has them, in a format that is neither VMX's nor SVM's (2)");
	put_uint(kvm + 2, 2, 1);
	put_uint(kvm + 4, 4, 128 + 4096);
	expect_nested(&cpu_state, "its flags are 0x0, its size is 4224");
	put_uint(kvm, 2, 1);
	put_save_area(qemu.structures + KVM_DATA);
	expect_nested(&cpu_state, NULL);
	put_uint(kvm + 4, 4, 128);
	expect_nested(&cpu_state, "its flags are 0x1, its size is 128");
	put_uint(cpu + FAKE_CPU_NESTED_STATE, 8, 0x1000);
	expect_nested(&cpu_state, "KVM's nested state in QEMU at 0x1000: ");
}

// KVM's vmcs12 (Linux arch/x86/kvm/vmx/vmcs12.h, v6.1).
static void test_kvm_state_vmx(void **state)
{
	(void)state;
	enum {
		REVISION = 0x11e57ed0,
		LINK = 176,
		HOST_CR0 = 584,
		HOST_CR4 = 600,
		LONG_MODE = 1 << 9
	};
	struct gg_cpu_state cpu_state;
	uint8_t *kvm = qemu.structures + KVM_STATE, *vmcs = qemu.structures + KVM_DATA;
	enter_nested();
	memset(qemu.structures + KVM_STATE, 0, 128 + 4096);
	qemu.structures[FAKE_TCG_ALLOWED] = 0;
	qemu.structures[FAKE_KVM_ALLOWED] = 1;
	cpu[FAKE_CPU_DIRTY] = 1;
	put_uint(cpu + FAKE_CPU_NESTED_STATE, 8, FAKE_STRUCTURES + KVM_STATE);
	put_uint(kvm, 2, 1);
	put_uint(kvm + 4, 4, 128 + 4096);
	expect_nested(&cpu_state, "the VMCS's revision is 0x0");
	put_uint(vmcs, 4, REVISION);
	put_uint(vmcs + LINK, 8, UINT64_MAX);
	put_uint(vmcs + HOST_CR0, 8, 0x80050033);
	expect_nested(&cpu_state, "its host CR4 is 0x0, without VMXE");
	put_uint(vmcs + HOST_CR4, 8, 0x2020);
	put_uint(vmcs + 592, 8, 0x1234000);
	put_uint(vmcs + 664, 8, 0xffffc90000001000);
	put_uint(vmcs + 672, 8, 0xffffffffc0001234);
	put_uint(vmcs + 768, 4, LONG_MODE);
	const struct gg_qemu_cpus *cpus;
	gg_guest_ran(guest);
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_success(gg_guest_cpu_state(guest, &cpus->cpus[0], &cpu_state));
	assert_string_equal(cpu_state.unknown, "");
	assert_int_equal(gg_register(&cpu_state.own, X86_RIP), 0xffffffffc0001234);
	assert_int_equal(gg_register(&cpu_state.own, X86_RSP), 0xffffc90000001000);
	assert_int_equal(gg_register(&cpu_state.own, X86_CR0 + 3), 0x1234000);
	assert_true(gg_register(&cpu_state.own, X86_HFLAGS) & X86_HF_CS64);
	assert_false(gg_register_has_known(&cpu_state.own, X86_RBX));
	put_uint(kvm + 4, 4, 128 + 4095);
	expect_nested(&cpu_state, "its flags are 0x1, its size is 4223");
}

static void test_architecture(void **state)
{
	(void)state;
	const struct gg_arch *arch;
	enum { SMM = 1 << X86_HF_SMM_BIT };
	uint8_t *other = cpu + FAKE_CPU_SIZE;
	enter_nested();
	put_uint(other + FAKE_CPU_HFLAGS, 4, 0);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "x86_64");
	// Another CPU than the first one tells too.
	gg_guest_ran(guest);
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, SMM);
	put_uint(other + FAKE_CPU_HFLAGS, 4, X86_HF_PE | X86_HF_LMA);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "x86_64");
	gg_guest_ran(guest);
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_PE);
	put_uint(other + FAKE_CPU_HFLAGS, 4, 0);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "i386");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("a save area that is not that of this VMRUN is not used",
			  test_other_save_area),
		UNIT_TEST("page tables that are not known are not walked", test_refused_tables),
		UNIT_TEST("under KVM the registers of SVM's host are in KVM's nested state",
			  test_kvm_state),
		UNIT_TEST("under KVM the registers that VMX loads at an exit are in KVM's nested "
			  "state",
			  test_kvm_state_vmx),
		UNIT_TEST("a CPU in another mode for a while does not make the architecture",
			  test_architecture),
	};
	return RUN_WITH_GUEST(tests);
}
