// SPDX-License-Identifier: GPL-3.0-or-later
//
// What QEMU's monitor prints, of QEMU 5.2 to 11.1, and what it never printed.
#include "unit.h"

#include "qemu/monitor/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A machine with all kinds of memory: QEMU 7.2, with lines of a KVM's.
static const char map[] =
	"FlatView #0\r\n"
	" AS \"I/O\", root: io\r\n"
	" Root memory region: io\r\n"
	"  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\r\n"
	"\r\n"
	"FlatView #1\r\n"
	" AS \"memory\", root: system\r\n"
	" AS \"cpu-memory-0\", root: system\r\n"
	" Root memory region: system\r\n"
	"  0000000000000000-00000000000bffff (prio 0, ram): pc.ram KVM\r\n"
	"  00000000000c0000-00000000000cffff (prio 0, rom): pc.ram @00000000000c0000 KVM\r\n"
	"  00000000000d0000-00000000000dffff (prio 1, rom): pc.rom @0000000000010000\r\n"
	"  0000000000100000-000000003fffffff (prio 0, ram): pc.ram @0000000000100000\r\n"
	"  00000000fd000000-00000000fdffffff (prio 1, ram): vga.vram\r\n"
	"  00000000fe000000-00000000fe000fff (prio 1, ramd): 0000:00:04.0 BAR 0 mmaps[0]\r\n"
	"  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\r\n"
	"  00000000ffc00000-00000000ffffffff (prio 0, romd): system.flash0\r\n"
	"  0000000100000000-000000010fffffff (prio 0, ram): vm0\r\n"
	"  0000000140000000-000000014fffffff (prio 0, nv-ram): nv0\r\n"
	"  ffffffffffff0000-ffffffffffffffff (prio 0, ram): last, (of) all @x\r\n"
	"\r\n"
	"FlatView #2\r\n"
	" AS \"cpu-smm-0\", root: memory\r\n"
	" Root memory region: memory\r\n"
	"  0000000000000000-00000000ffffffff (prio 0, ram): another\r\n";

static const char devices_text[] = "Memory device [dimm]: \"d0\"\r\n"
				   "  addr: 0x180000000\r\n"
				   "  size: 268435456\r\n"
				   "Memory device [virtio-mem]: \"vmd\"\r\n"
				   "  memaddr: 0x100000000\r\n"
				   "  node: 0\r\n"
				   "  requested-size: 67108864\r\n"
				   "  size: %u\r\n"
				   "  max-size: 268435456\r\n"
				   "  block-size: 2097152\r\n"
				   "  memdev: /objects/vm0\r\n";

static void read_map(const char *text, unsigned int plugged, struct gg_qemu_ram *ram)
{
	char devices_now[1024];
	struct gg_memory_devices devices;
	snprintf(devices_now, sizeof(devices_now), devices_text, plugged);
	assert_success(gg_memory_devices_read(devices_now, &devices));
	assert_int_equal(devices.count, 1);
	assert_int_equal(devices.devices[0].start, 0x100000000);
	assert_int_equal(devices.devices[0].max_size, 256 << 20);
	assert_int_equal(devices.devices[0].plugged, plugged);
	assert_success(gg_mtree_read(text, &devices, ram));
	gg_memory_devices_deinit(&devices);
}

static void test_map(void **state)
{
	static const struct {
		uint64_t start, size, offset;
		const char *block;
	} expected[] = {
		{ 0x0, 0xd0000, 0, "pc.ram" },
		{ 0xd0000, 0x10000, 0x10000, "pc.rom" },
		{ 0x100000, 0x3ff00000, 0x100000, "pc.ram" },
		{ 0xfd000000, 0x1000000, 0, "vga.vram" },
		{ 0x100000000, 0x10000000, 0, "vm0" },
		{ 0xffffffffffff0000, 0x10000, 0, "last, (of) all @x" },
	};
	const size_t count = sizeof(expected) / sizeof(*expected);
	struct gg_qemu_ram ram;
	(void)state;
	read_map(map, 64 << 20, &ram);
	assert_int_equal(ram.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(ram.ranges[i].start, expected[i].start);
		assert_int_equal(ram.ranges[i].hva, expected[i].start);
		assert_int_equal(ram.ranges[i].size, expected[i].size);
		assert_int_equal(ram.ranges[i].offset, expected[i].offset);
		assert_string_equal(ram.ranges[i].block, expected[i].block);
	}
	gg_qemu_ram_deinit(&ram);
}

static void test_unplugged(void **state)
{
	struct gg_qemu_ram ram;
	(void)state;
	read_map(map, 0, &ram);
	assert_int_equal(ram.count, 5);
	assert_int_equal(ram.ranges[4].start, 0xffffffffffff0000);
	gg_qemu_ram_deinit(&ram);
}

static void expect_no_map(const char *text, const char *why)
{
	struct gg_qemu_ram ram;
	const struct gg_memory_devices none = { 0 };
	assert_error(gg_mtree_read(text, &none, &ram), GG_BAD_DATA, why);
}

static void test_no_map(void **state)
{
	(void)state;
	expect_no_map("", "no address space");
	expect_no_map("unknown command: 'info mtree'\r\n", "no address space");
	expect_no_map("FlatView #0\n AS \"memory\", root: system\n  No rendered FlatView\n",
		      "no address space");
	expect_no_map("FlatView #0\n AS \"memory\", root: system\n"
		      "  0000000000002000-0000000000002fff (prio 0, ram): a\n"
		      "  0000000000001000-0000000000001fff (prio 0, ram): b\n",
		      "0x1000 is out of order");
	expect_no_map("FlatView #0\n AS \"memory\", root: system\n"
		      "  0000000000001000-0000000000002fff (prio 0, ram): a\n"
		      "  0000000000002000-0000000000003fff (prio 0, ram): b\n",
		      "0x2000 is out of order");
	expect_no_map("FlatView #0\n AS \"memory\", root: system\n"
		      "  0000000000000000-ffffffffffffffff (prio 0, ram): a\n",
		      "out of order");
	expect_no_map("FlatView #0\n AS \"memory\", root: system\n"
		      "  0000000000001000-0000000000000fff (prio 0, ram): a\n",
		      "no address space");
}

static void test_escaped(void **state)
{
	struct gg_qemu_ram ram;
	const struct gg_memory_devices none = { 0 };
	(void)state;
	assert_success(
		gg_mtree_read("FlatView #0\n AS \"memory\", root: system\n"
			      "  0000000000001000-0000000000001fff (prio 0, ram): a\033[2J\n",
			      &none, &ram));
	assert_string_equal(ram.ranges[0].block, "a\\x1b[2J");
	gg_qemu_ram_deinit(&ram);
}

// ---- What people ask ----

static struct gg_monitor *monitor;

static void use_text(enum gg_monitor_text which, const char *text)
{
	const char *texts[GG_MONITOR_TEXTS];
	for (size_t i = 0; i < GG_MONITOR_TEXTS; i++)
		texts[i] = i == which ? text : "";
	gg_monitor_destroy(monitor);
	assert_success(gg_monitor_create(texts, &monitor));
}

static int end_test(void **state)
{
	(void)state;
	gg_monitor_destroy(monitor);
	monitor = NULL;
	return 0;
}

typedef struct gg_error *ask_fn(const struct gg_monitor *monitor, char **ret);

static void expect(enum gg_monitor_text which, const char *text, ask_fn *ask, const char *answer)
{
	char *got;
	use_text(which, text);
	assert_success(ask(monitor, &got));
	assert_string_equal(got, answer);
	free(got);
}

static void expect_none(enum gg_monitor_text which, const char *text, ask_fn *ask,
			enum gg_error_kind kind, const char *why)
{
	char *got;
	use_text(which, text);
	assert_error(ask(monitor, &got), kind, why);
}

static void test_facts(void **state)
{
	(void)state;
	expect(GG_MONITOR_VERSION, "7.2.22Debian 1:7.2+dfsg-7+deb12u18\r\n", gg_monitor_version,
	       "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)");
	expect(GG_MONITOR_VERSION, "9.0.0\n", gg_monitor_version, "9.0.0");
	expect_none(GG_MONITOR_VERSION, "\033[2J\n", gg_monitor_version, GG_BAD_DATA, "\\x1b[2J");
	expect_none(GG_MONITOR_VERSION, "", gg_monitor_version, GG_NOT_FOUND, "info version");
	expect(GG_MONITOR_MACHINE, "\"pc-i440fx-7.2-machine\"\r\n", gg_monitor_machine,
	       "pc-i440fx-7.2");
	expect_none(GG_MONITOR_MACHINE, "unknown command: 'qom-get'\n", gg_monitor_machine,
		    GG_NOT_FOUND, "qom-get");
	expect(GG_MONITOR_STATUS, "VM status: paused\r\n", gg_monitor_run_state, "paused");
	expect(GG_MONITOR_STATUS, "VM status: paused (guest-panicked)\r\n", gg_monitor_run_state,
	       "guest-panicked");
	expect_none(GG_MONITOR_STATUS, "nonsense", gg_monitor_run_state, GG_NOT_FOUND,
		    "info status");
}

static void test_accelerators(void **state)
{
	(void)state;
	use_text(GG_MONITOR_KVM, "kvm support: enabled\r\n");
	assert_int_equal(gg_monitor_accelerator(monitor), GG_ACCELERATOR_KVM);
	use_text(GG_MONITOR_KVM, "kvm support: disabled\r\n");
	assert_int_equal(gg_monitor_accelerator(monitor), GG_ACCELERATOR_UNKNOWN);
	use_text(GG_MONITOR_JIT, "Accelerator settings:\r\n\r\nTranslation buffer state:\r\n");
	assert_int_equal(gg_monitor_accelerator(monitor), GG_ACCELERATOR_TCG);
	use_text(GG_MONITOR_JIT, "JIT information is only available with accel=tcg\r\n");
	assert_int_equal(gg_monitor_accelerator(monitor), GG_ACCELERATOR_UNKNOWN);
	assert_null(gg_monitor_command(GG_MONITOR_TEXTS));
}

// ---- A dump ----

static void test_dump(void **state)
{
	char *command;
	double done;
	bool ended;
	(void)state;
	assert_success(gg_monitor_dump_command("/a b/\"c\"\\d\ne", &command));
	assert_string_equal(command, "dump-guest-memory -d \"/a b/\\\"c\\\"\\\\d\\ne\"");
	free(command);
	assert_success(
		gg_monitor_dump_progress("Status: active\r\nFinished: 25.00 %\r\n", &done, &ended));
	assert_true(done == 0.25 && !ended);
	assert_success(gg_monitor_dump_progress("Status: completed\r\nFinished: 100.00 %\r\n",
						&done, &ended));
	assert_true(done == 1 && ended);
	assert_success(
		gg_monitor_dump_progress("Status: active\nFinished: nan %\n", &done, &ended));
	assert_true(done == 0 && !ended);
	assert_error(gg_monitor_dump_progress("Status: failed\r\n", &done, &ended), GG_SYSTEM,
		     "could not write");
	assert_error(gg_monitor_dump_progress("Status: none\r\n", &done, &ended), GG_BAD_DATA,
		     "Status: none");
	assert_error(gg_monitor_dump_progress("", &done, &ended), GG_BAD_DATA, "nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("the memory map has what QEMU's own dump would have", test_map),
		UNIT_TEST("a virtio-mem with nothing plugged in is not RAM", test_unplugged),
		UNIT_TEST("what is no memory map is an error", test_no_map),
		UNIT_TEST("names are escaped", test_escaped),
		{ .name = "version, machine and run state are as the monitor tells them",
		  .test_func = test_facts,
		  .teardown_func = end_test },
		{ .name = "the accelerator is known, or said not to be",
		  .test_func = test_accelerators,
		  .teardown_func = end_test },
		UNIT_TEST("a dump by QEMU is asked for, and followed", test_dump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
