// SPDX-License-Identifier: GPL-3.0-or-later
//
// What QEMU's monitor printed, where it is not whole, or not QEMU's.
#include "captures.h"
#include "unit.h"

#include "arch/x86/x86.h"

#include <string.h>

static void expect_bad(const char *string, size_t size, const char *message)
{
	struct gg_qemu_cpus list;
	assert_error(gg_qemu_monitor_cpus(string, size, GG_ACCELERATOR_TCG, &list), GG_BAD_DATA,
		     message);
	assert_null(list.cpus);
	assert_null(list.text);
}

static void expect_bad_text(const char *string, const char *message)
{
	expect_bad(string, strlen(string), message);
}

static void test_lists(void **state)
{
	(void)state;
	expect_bad_text("", "shows no CPU, but \"\"");
	expect_bad_text("unknown command: 'info\033registers'\r\n",
			"\"unknown command: 'info?registers'\"");
	expect_bad_text(
		"\r\n\r\nA text that goes on, and on, and on, and on, and on, and on, and on\n",
		"\"A text that goes on, and on, and on, and on, and on, and on,...\"");
	expect_bad_text("CPU#1\r\nA=1\r\nCPU#1\r\nA=1\r\n", "two CPUs of the list");
	expect_bad_text("CPU#8192\nA=1\n", "cpu_index is 8192, not below 8192");
	expect_bad_text("CPU#99999999999999999999\nA=1\n", "cpu_index is 4294967295");
	expect_bad_text("CPU#-1\nCPU#\nCPU#1x\n", "no CPU");

	static const char lines[] =
		"noise\nCPU#3\r\n\r\nA=1\r\n B=2\0\x1b\r\n\r\nCPU#0 \r\n\r\nC=3";
	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus(lines, sizeof(lines) - 1, GG_ACCELERATOR_KVM, &cpus));
	assert_int_equal(cpus.count, 2);
	assert_int_equal(cpus.cpus[0].index, 3);
	assert_int_equal(cpus.cpus[0].accelerator, GG_ACCELERATOR_KVM);
	assert_string_equal(cpus.cpus[0].text, "\nA=1\n B=2??\n");
	assert_int_equal(cpus.cpus[1].index, 0);
	assert_string_equal(cpus.cpus[1].text, "\nC=3\n");

	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus("\r\nA=1\r\n", 7, GG_ACCELERATOR_UNKNOWN, &cpus));
	assert_int_equal(cpus.count, 1);
	assert_int_equal(cpus.cpus[0].index, 0);
	assert_string_equal(cpus.cpus[0].text, "A=1\n");
}

static void test_too_long(void **state)
{
	(void)state;
	enum { SIZE = 70000 };
	static char lines[SIZE];
	memset(lines, 'x', SIZE);
	memcpy(lines, "CPU#1\n", 6);
	expect_bad(lines, SIZE, "CPU 1 has 69995 bytes of text, more than 65536");
	expect_bad(lines, (size_t)1 << 40, "it has 1099511627776 bytes, more than 536870912");
}

// QEMU 5.2 prints for "info registers" no line that tells the CPU.
static void test_one_cpu(void **state)
{
	(void)state;
	load("5.2-long-mode");
	char *start = strstr(text, "RAX=");
	assert_non_null(start);
	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus(start, strlen(start), GG_ACCELERATOR_TCG, &cpus));
	assert_int_equal(cpus.count, 1);
	read_cpu(0, 0);
	check_text(arch_of_text(), &cpus.cpus[0]);
}

// Wherever it is cut off: what is known then is what the whole text says.
static void test_cut(void **state)
{
	(void)state;
	load("11.1-long-mode");
	parse(GG_ACCELERATOR_TCG);
	read_cpu(0, 0);
	const struct gg_registers whole = registers;
	size_t good = 0;
	for (size_t size = 0; size < text_size; size++) {
		gg_qemu_cpus_deinit(&cpus);
		struct gg_error *err = gg_qemu_monitor_cpus(text, size, GG_ACCELERATOR_TCG, &cpus);
		if (!err)
			err = x86_read_monitor(&host, &cpus.cpus[0], &registers);
		if (err) {
			assert_int_equal(gg_error_kind(err), GG_BAD_DATA);
			gg_error_destroy(err);
			continue;
		}
		good++;
		for (unsigned int id = 0; id < X86_REGISTERS; id++) {
			const uint8_t *mask = gg_register_mask(&registers, id);
			for (unsigned int i = 0; i < gg_register_size(&whole, id); i++) {
				assert_false(mask[i] & ~gg_register_mask(&whole, id)[i]);
				assert_int_equal(gg_register_bytes(&registers, id)[i],
						 gg_register_bytes(&whole, id)[i] & mask[i]);
			}
		}
	}
	assert_true(good > 10);
}

static void expect_damage(const char *old, const char *new, const char *message)
{
	load("11.1-linux-user");
	edit(old, new);
	parse(GG_ACCELERATOR_TCG);
	assert_error(x86_read_monitor(&host, &cpus.cpus[0], &registers), GG_BAD_DATA, message);
}

static void test_damage(void **state)
{
	(void)state;
	expect_damage("RIP=", "RIQ=", "the registers of CPU 0: the text lacks rip");
	expect_damage("TR =0040 ", "XR =0040 ", "the text lacks tr_flags");
	expect_damage("CPL=3", "CPL=4", "\"CPL=4\" is no value of a CPU");
	expect_damage("CPL=3", "CPM=3", "the text lacks CPL, II or SMM");
	expect_damage("CR0=8005", "CR0= 805", "\"CR0=8050033\" is no value");
	expect_damage("ES =0000 ", "ES =00000", "\"ES=000000000000000000000\" is no value");
	expect_damage("HLT=0", "HLT=2", "\"HLT=2\" is no value");
	expect_damage("YMM01=", "YMM99=", "\"YMM99=0000000000000000\" is no value");
	expect_damage("YMM01=", "ZMM01=", "\"ZMM01=0000000000000000\" is no value");
	expect_damage("YMM01=", "XMM01=", "\"XMM01=0000000000000000\" is no value");
	expect_damage("FPR0=00", "FPR0=0 ", "\"FPR0=0\" is no value");
	expect_damage("R8 =0000", "R8 =?000", "the text lacks r8");
	// A name that says nothing to us is passed over, and what only ends like one of ours.
	load("11.1-linux-user");
	edit("MXCSR=00", "XX_CS=00");
	parse(GG_ACCELERATOR_TCG);
	read_cpu(0, 0);
	assert_true(reg(X86_CS) == 0x33 && !known_bytes(X86_MXCSR));
	load("11.1-linux-user");
	edit("MXCSR=", "MXCSS=");
	edit(" HLT=0", "=HLT=0");
	parse(GG_ACCELERATOR_TCG);
	assert_error(x86_read_monitor(&host, &cpus.cpus[0], &registers), GG_BAD_DATA,
		     "the text lacks halted");
}

static void test_other_architecture(void **state)
{
	(void)state;
	// QEMU 7.2's qemu-system-mips64el.
	static const char lines[] =
		"\r\nCPU#0\r\npc=0xffffffffbfc00000 HI=0x0000000000000000 LO=0x0000000000000000\r\n"
		"GPR00: r0 0000000000000000 at 0000000000000000 v0 0000000000000000\r\n";
	const struct gg_arch *arch;
	gg_qemu_cpus_deinit(&cpus);
	assert_success(gg_qemu_monitor_cpus(lines, sizeof(lines) - 1, GG_ACCELERATOR_TCG, &cpus));
	assert_error(gg_arch_find_by_texts(&cpus, &arch), GG_UNSUPPORTED,
		     "not of an architecture known here (x86_64, i386, ");
	assert_error(x86_read_monitor(&host, &cpus.cpus[0], &registers), GG_BAD_DATA,
		     "the text lacks");
}

#define TEST(sentence, function) UNIT_TEST_WITH(forget, NULL, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a text is cut into CPUs, or refused", test_lists),
		TEST("a text that is too long is refused", test_too_long),
		TEST("a text without a header is one CPU's", test_one_cpu),
		TEST("a text that is cut off says nothing wrong", test_cut),
		TEST("damaged values are errors", test_damage),
		TEST("a CPU of another architecture is refused", test_other_architecture),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	gg_qemu_cpus_deinit(&cpus);
	return failed;
}
