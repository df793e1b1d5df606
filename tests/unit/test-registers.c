// SPDX-License-Identifier: GPL-3.0-or-later
#include "x86-guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_first(char *text, size_t size)
{
	read_first();
	FILE *out = fmemopen(text, size, "w");
	x86_print_registers(&registers, out);
	fclose(out);
}

// ---- What QEMU has ----

static void test_values(void **state)
{
	(void)state;
	const uint64_t apic = FAKE_STRUCTURES + FAKE_TYPE_NAME;
	put_uint(cpu + FAKE_CPU_APIC, 8, apic);
	qemu.structures[FAKE_TYPE_NAME + FAKE_APIC_TPR] = 0x53;
	put_uint(cpu + FAKE_CPU_A20_MASK, 4, ~(1u << 20));
	put_uint(cpu + FAKE_CPU_FPUS, 2, 0xb841);
	put_uint(cpu + FAKE_CPU_FPSTT, 4, 6);
	memset(cpu + FAKE_CPU_FPTAGS, 1, 8);
	cpu[FAKE_CPU_FPTAGS + 6] = 0;
	put_uint(cpu + FAKE_CPU_FPREGS + 7 * 16, 8, 0x8000000000000000);
	put_uint(cpu + FAKE_CPU_FPREGS + 7 * 16 + 8, 2, 0x3fff);
	put_uint(cpu + FAKE_CPU_MXCSR, 4, 0x1f80);
	// An invalid operation, a division by zero, a result that was too small.
	put_uint(cpu + FAKE_CPU_SSE_EXCEPTIONS, 2, 1 | 2 | 64);
	put_uint(cpu + FAKE_CPU_XCR0, 8, 0xe7);
	put_uint(cpu + FAKE_CPU_XMM_REGS + 31 * 64 + 56, 8, 0x1122334455667788);
	put_uint(cpu + FAKE_CPU_HALTED, 4, 1);
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_CS64 | X86_HF_LMA | X86_HF_PE | 3);
	char text[16384];
	print_first(text, sizeof(text));
	assert_non_null(strstr(text, "CPL=3 II=0 A20=0 SMM=0 HLT=1\n"));
	assert_non_null(strstr(text, "FCW=0000 FSW=b041 [ST=6] FTW=40 MXCSR=00001f95\n"));
	assert_non_null(strstr(text, " FPR7=8000000000000000 3fff\n"));
	assert_non_null(strstr(text, "ZMM31=1122334455667788 0000000000000000 "));
	assert_non_null(strstr(text, "CR8=5 MP=runnable"));
}

// A QEMU of which not all is known.
static void test_missing_members(void **state)
{
	(void)state;
	char text[16384];
	end();
	begin(FAKE_2_5);
	print_first(text, sizeof(text));
	assert_non_null(strstr(text, "A20=? SMM=0 HLT=?\n"));
	assert_non_null(strstr(text, "DR0=???????????????? DR1="));
	assert_non_null(strstr(text, "EFER=????????????????\n"));
	assert_non_null(strstr(text, "FCW=???? FSW=???? [ST=?] FTW=?? MXCSR=????????\n"));
	assert_non_null(strstr(text, "FPR0=???????????????? ???? FPR1="));
	assert_non_null(strstr(text, "XMM00=???????????????? ???????????????? XMM01="));
	assert_non_null(strstr(text, "CR8=? MP=? RFLAGS=[] IOPL=0\n"));
	assert_non_null(strstr(text, "EFL=00000000 [-------]"));
	cpu[FAKE_CPU_RUNNING] = 1;
	print_first(text, sizeof(text));
	assert_non_null(strstr(text, "EFL=00000??? [???????]"));
	assert_non_null(strstr(text, "RFLAGS=[OF? DF? SF? ZF? AF? PF? CF?]"));
}

static void test_summaries(void **state)
{
	(void)state;
	enum { PE = X86_HF_PE };
	static const struct {
		uint64_t hflags, cs_flags, ss_flags, cs_base, rip, rsp;
		unsigned int bits;
		const char *privilege;
		uint64_t pc, sp;
		const char *place;
	} cases[] = {
		{ 0, 0, 0, 0xffff0000, 0xfff0, 0x12345678, 16, "real", 0xfffffff0, 0x5678,
		  "0000:fff0" },
		{ X86_HF_VM | PE | 3, 0, 0, 0x1000, 0x10, 0, 16, "vm86", 0x1010, 0, "0000:0010" },
		{ PE, X86_DESC_B, X86_DESC_B, 0, 0xc0100000, 0xc1000000, 32, "kernel", 0xc0100000,
		  0xc1000000, "" },
		{ PE | 1, 0, 0, 0x10000, 0x10, 0, 16, "ring 1", 0x10010, 0, "0000:0010" },
		{ PE | X86_HF_LMA | 3, X86_DESC_B, X86_DESC_B, 0, 0x8048000, 0xffffd000, 32, "user",
		  0x8048000, 0xffffd000, "" },
		{ PE | X86_HF_LMA | X86_HF_CS64, X86_DESC_L, 0, 0, 0xffffffff81000000,
		  0xffff888000000000, 64, "kernel", 0xffffffff81000000, 0xffff888000000000, "" },
		{ 1 << X86_HF_SMM_BIT, 0, 0, 0x30000, 0x8000, 0, 16, "SMM", 0x38000, 0,
		  "0000:8000" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gg_cpu_summary summary;
		uint8_t *cs = cpu + FAKE_CPU_SEGS + FAKE_SEGMENT_SIZE;
		put_uint(cpu + FAKE_CPU_HFLAGS, 4, cases[i].hflags);
		put_uint(cs + 8, 8, cases[i].cs_base);
		put_uint(cs + 20, 4, cases[i].cs_flags);
		put_uint(cs + FAKE_SEGMENT_SIZE + 20, 4, cases[i].ss_flags);
		put_uint(cpu + FAKE_CPU_EIP, 8, cases[i].rip);
		put_uint(cpu + FAKE_CPU_REGS + 4 * 8, 8, cases[i].rsp);
		read_first();
		x86_summarize(&registers, &summary);
		assert_int_equal(summary.bits, cases[i].bits);
		assert_string_equal(summary.privilege, cases[i].privilege);
		assert_int_equal(summary.pc, cases[i].pc);
		assert_int_equal(summary.sp, cases[i].sp);
		assert_string_equal(summary.place, cases[i].place);
		assert_string_equal(summary.activity, "running");
	}
}

static void test_not_started(void **state)
{
	(void)state;
	struct gg_cpu_summary summary;
	put_uint(cpu + FAKE_CPU_HALTED, 4, 1);
	read_first();
	x86_summarize(&registers, &summary);
	assert_string_equal(summary.activity, "halted");
	put_uint(cpu + FAKE_CPU_MP_STATE, 4, 1);
	read_first();
	x86_summarize(&registers, &summary);
	assert_string_equal(summary.activity, "uninitialized");
}

// ---- Freshness ----

static void expect_freshness(enum gg_freshness freshness, const char *why)
{
	const struct gg_qemu_cpus *cpus;
	gg_guest_ran(guest);
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_int_equal(cpus->cpus[0].freshness, freshness);
	assert_non_null(strstr(cpus->cpus[0].why, why));
	if (freshness == GG_CURRENT)
		assert_string_equal(cpus->cpus[0].why, "");
}

static void test_freshness(void **state)
{
	(void)state;
	enum { PROTECTED = 4, STATE = FAKE_TYPE_NAME + 64 };
	expect_freshness(GG_CURRENT, "");
	cpu[FAKE_CPU_RUNNING] = 1;
	expect_freshness(GG_UNKNOWN, "TCG was executing");
	qemu.structures[FAKE_TCG_ALLOWED] = 0;
	expect_freshness(GG_UNKNOWN, "QEMU's accelerator is not known");
	qemu.structures[FAKE_KVM_ALLOWED] = 1;
	expect_freshness(GG_STALE, "KVM has run the CPU");
	cpu[FAKE_CPU_DIRTY] = 1;
	expect_freshness(GG_CURRENT, "");

	assert_success(gg_bytes_host_add_member(qemu.bytes, "KVMState", "guest_state_protected",
						PROTECTED, 1));
	assert_success(gg_bytes_host_add_symbol(qemu.bytes, "kvm_state", FAKE_STRUCTURES + STATE));
	expect_freshness(GG_CURRENT, "");
	put_uint(qemu.structures + STATE, 8, FAKE_STRUCTURES + STATE + 16);
	expect_freshness(GG_CURRENT, "");
	qemu.structures[STATE + 16 + PROTECTED] = 1;
	expect_freshness(GG_UNKNOWN, "encrypted");
}

// ---- Damage ----

static void test_damage(void **state)
{
	(void)state;
	const struct gg_qemu_cpus *cpus;
	put_uint(cpu + FAKE_CPU_INDEX, 4, UINT32_C(1) << 31);
	assert_error(gg_guest_qemu_cpus(guest, &cpus), GG_BAD_DATA,
		     "cpu_index is 2147483648, not below 8192");
	put_uint(cpu + FAKE_CPU_INDEX, 4, 0);
	// An APIC that is not there leaves the rest.
	put_uint(cpu + FAKE_CPU_APIC, 8, 0x1000);
	put_uint(cpu + FAKE_CPU_EIP, 8, 0x1234);
	read_first();
	assert_false(gg_register_known(&registers, X86_CR8));
	assert_int_equal(gg_register(&registers, X86_RIP), 0x1234);
	put_uint(qemu.structures + FAKE_CPUS_HEAD, 8, 0x1000);
	gg_guest_ran(guest);
	assert_error(gg_guest_qemu_cpus(guest, &cpus), GG_FAULT,
		     "reading QEMU's list of CPUs: CPUState at 0x1000");
	// More than a CPU can have.
	end();
	begin(FAKE_2_2);
	assert_success(gg_bytes_host_add_member(qemu.bytes, "X86CPU", "env.mxcsr", 1 << 30, 4));
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_error(x86_read_registers(gg_guest_host(guest), &cpus->cpus[0], &registers),
		     GG_BAD_DATA, "env.mxcsr has 4 bytes at offset 1073741824");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("what is in pieces in QEMU is put together", test_values),
		UNIT_TEST("what a QEMU lacks is shown as unknown", test_missing_members),
		UNIT_TEST("mode, privilege and linear addresses follow from the registers",
			  test_summaries),
		UNIT_TEST("a CPU that has not been started is not halted", test_not_started),
		UNIT_TEST("registers are current, stale or unknown, and why", test_freshness),
		UNIT_TEST("damaged CPUs are errors", test_damage),
	};
	return RUN_WITH_GUEST(tests);
}
