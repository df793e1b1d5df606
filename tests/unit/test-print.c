// SPDX-License-Identifier: GPL-3.0-or-later
//
// The texts of guest-kernel and of dump-guest-memory.
#include "printed.h"
#include "stub-guest.h"
#include "print/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLES = 0x100000, NOTE = 0x300000, TEXT = 0x800000 };

static const struct fake_kernel kernel = {
	.tables = TABLES, .note = NOTE, .text_gpa = TEXT, .release = "6.1.0"
};

static int begin(void **state)
{
	(void)state;
	forget_output();
	stub_guest_boot(&kernel, TEXT + 0x2000);
	return 0;
}

// ---- Kernels ----

static struct gg_error *count(void *data, const struct gg_kernel_info *info)
{
	assert_int_equal(info->choice.note, NOTE);
	(*(unsigned int *)data)++;
	return NULL;
}

static void test_list(void **state)
{
	unsigned int counted = 0;
	struct gg_kernels_options options = { .visit = count, .data = &counted };
	(void)state;
	stub_guest_create();
	assert_success(gg_print_kernels(guest, &options, &to_output, &to_told));
	assert_string_equal(output, "*1  Linux 6.1.0, x86_64, running on CPU 0\n"
				    "    VMCOREINFO at guest-physical 0x300000, "
				    "found by the CPUs' page tables\n");
	options.json = true;
	forget_output();
	assert_success(gg_print_kernels(guest, &options, &to_output, &to_told));
	assert_string_equal(
		output,
		"{\"number\":1,\"release\":\"6.1.0\",\"architecture\":\"x86_64\",\"chosen\":true,"
		"\"cpus\":[0],\"crash_time\":null,\"vmcoreinfo\":\"0x0000000000300000\","
		"\"vmcoreinfo_by\":\"tables\",\"panic\":null,\"last_record_ns\":null,"
		"\"last_text\":null}\n");
	assert_int_equal(counted, 2);
	assert_string_equal(told, "");
}

static struct gg_error *stop(void *data, const struct gg_kernel_info *info)
{
	(void)data;
	(void)info;
	return gg_error_create(GG_INTERRUPTED, "enough");
}

static void test_list_ends(void **state)
{
	const struct gg_kernels_options options = { .visit = stop };
	(void)state;
	stub_guest_create();
	assert_error(gg_print_kernels(guest, &options, &to_output, &to_told), GG_INTERRUPTED,
		     "enough");
	assert_string_equal(output, "");
}

static void expect_kernel(const struct gg_kernel_info *info, const char *expected)
{
	struct gg_buffer text = { 0 };
	gg_append_kernel_text(&text, 2, info);
	gg_buffer_append(&text, "", 1);
	assert_string_equal((const char *)text.bytes, expected);
	gg_buffer_deinit(&text);
}

static void test_crashed(void **state)
{
	uint32_t cpus[256];
	struct gg_kernel_info info = { .choice = { .note = 0x19a0000 },
				       .release = "6.1.0",
				       .architecture = "x86_64",
				       .finder = GG_FOUND_BY_KDUMP,
				       .cpus = cpus,
				       .cpu_count = 256,
				       .has_crashed = true,
				       .crash_time = 1795709142,
				       .panic = "Kernel panic",
				       .last = " </TASK>",
				       .has_time = true,
				       .time = 10885201999 };
	(void)state;
	for (uint32_t i = 0; i < 256; i++)
		cpus[i] = i;
	expect_kernel(&info,
		      " 2  Linux 6.1.0, x86_64, has parked CPUs 0-255, crashed at 2026-11-26 "
		      "16:05:42 UTC\n"
		      "    VMCOREINFO at guest-physical 0x19a0000, as the kernel that was booted "
		      "after the crash has it\n"
		      "    panic: Kernel panic\n"
		      "    last log line: [   10.885201]  </TASK>\n");
	info.cpu_count = 0;
	info.panic = info.last = NULL;
	info.crash_time = UINT64_MAX;
	info.finder = GG_FOUND_BY_CHOICE;
	expect_kernel(&info, " 2  Linux 6.1.0, x86_64, no CPU runs it, crashed at "
			     "18446744073709551615 s after 1970\n"
			     "    VMCOREINFO at guest-physical 0x19a0000, where guest-kernel found "
			     "it\n");
	info.crash_time = 0;
	info.finder = GG_FOUND_BY_DEVICE;
	info.last = "x";
	info.has_time = false;
	expect_kernel(&info, " 2  Linux 6.1.0, x86_64, no CPU runs it, crashed\n"
			     "    VMCOREINFO at guest-physical 0x19a0000, as the vmcoreinfo device "
			     "has it\n"
			     "    last log line: x\n");
}

// ---- Dumps ----

static void test_progress_text(void **state)
{
	static const struct {
		uint64_t done, total;
		double seconds;
		const char *expected;
	} rows[] = {
		{ 1 << 30, UINT64_C(64) << 30, 68.6,
		  "1 GiB of 64 GiB, 14.9 MiB/s, 1 h 12 min left" },
		{ 0, UINT64_C(64) << 30, 1.5, "0 bytes of 64 GiB, 0 bytes/s, ..." },
		{ 10, 11, 10, "10 bytes of 11 bytes, 1 bytes/s, 1 s left" },
		{ 10, 30, 10, "10 bytes of 30 bytes, 1 bytes/s, 20 s left" },
		{ 10, 10, 10, "10 bytes of 10 bytes, 1 bytes/s, 0 s left" },
		{ 20, 10, 10, "20 bytes of 10 bytes, 2 bytes/s, 0 s left" },
		{ 1, 2, 0, "1 bytes of 2 bytes, 0 bytes/s, ..." },
		{ 1, UINT64_MAX, 1e9, "1 bytes of 16.0 EiB, 0 bytes/s, ..." },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = gg_progress_text(rows[i].done, rows[i].total, 0, rows[i].seconds);
		assert_string_equal(text, rows[i].expected);
		free(text);
	}
	char *text = gg_progress_text(1 << 20, 2 << 20, 1 << 18, 1);
	assert_string_equal(text, "1 MiB of 2 MiB, 256 KiB written (25 %), 1 MiB/s, 1 s left");
	free(text);
}

static char path[] = "/tmp/test-print-XXXXXX";

static int begin_dump(void **state)
{
	begin(state);
	strcpy(path, "/tmp/test-print-XXXXXX");
	close(mkstemp(path));
	strcat(stub.texts[GG_MONITOR_MEMORY_MAP],
	       "  0000000100000000-000000010fffffff (prio 0, ram): vm0\r\n");
	strcpy(stub.texts[GG_MONITOR_MEMORY_DEVICES],
	       "Memory device [virtio-mem]: \"v\"\r\n  memaddr: 0x100000000\r\n"
	       "  size: 2097152\r\n  max-size: 268435456\r\n");
	stub_guest_create();
	return 0;
}

static int end_dump(void **state)
{
	unlink(path);
	return stub_guest_end(state);
}

static struct gg_error *count_progress(void *data, const struct gg_dump_progress *progress)
{
	assert_true(progress->done <= progress->total);
	(*(unsigned int *)data)++;
	return NULL;
}

static void test_dump(void **state)
{
	unsigned int counted = 0;
	const struct gg_dump_options options = { .path = path,
						 .force = true,
						 .no_notes = true,
						 .skip_absent = true,
						 .suggest_monitor = true,
						 .progress = count_progress,
						 .data = &counted };
	double seconds;
	char unit[8], expected[200];
	int length = 0;
	(void)state;
	assert_success(gg_print_dump(guest, &options, &to_output, &to_told));
	const int start = snprintf(expected, sizeof(expected),
				   "0x0000000000000000-0x0000000000ffffff      16 MiB  pc.ram\n"
				   "%s: 16 MiB of guest memory in ",
				   path);
	assert_int_equal(strncmp(output, expected, (size_t)start), 0);
	assert_int_equal(
		sscanf(output + start, "%lf s (%*f %7[A-Za-z]/s)%n", &seconds, unit, &length), 2);
	assert_string_equal(output + start + length, "\n");
	assert_true(counted > 0);
	// The memory that was left out; that it went fast is no reason to think of the monitor.
	assert_non_null(strstr(told, "vm0"));
	assert_null(strstr(told, "-via monitor is faster"));
}

static void test_failing_dump(void **state)
{
	const struct gg_dump_options options = { .path = path, .force = true, .no_notes = true };
	(void)state;
	assert_error(gg_print_dump(guest, &options, &to_output, &to_told), GG_ABSENT,
		     "-via monitor");
	assert_null(strstr(output, "of guest memory in"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_WITH(begin, stub_guest_end, "the kernels are a list, as text and as JSON",
			       test_list),
		UNIT_TEST_WITH(begin, stub_guest_end, "a list that is ended is not printed",
			       test_list_ends),
		UNIT_TEST("a crashed kernel has its time, its panic and its last line",
			  test_crashed),
		UNIT_TEST("progress has the rate and the time left, once they are known",
			  test_progress_text),
		UNIT_TEST_WITH(begin_dump, end_dump,
			       "a dump says its ranges, then its size, time and rate", test_dump),
		UNIT_TEST_WITH(begin_dump, end_dump, "a dump that fails says no size",
			       test_failing_dump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
