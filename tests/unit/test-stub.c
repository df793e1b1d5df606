// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest at a gdbstub: the search for its kernel by page tables, what is kept, what is not there.
#include "stub-guest.h"

#include "guest/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	BLOCK = 256, // of memory that is read in small pieces
	TEXT = 0x800000,
	BSS = TEXT + 70 * PAGE, // in the image's second part
	HOLE = TEXT + 40 * PAGE,
	NOTE = 0x300000,
	TABLES = 0x100000,
};

static const struct fake_kernel sound = {
	.tables = TABLES, .note = NOTE, .text_gpa = TEXT, .release = "6.1.0"
};

static void expect_kernel(const char *release)
{
	const struct gg_kernel *kernel;
	assert_success(gg_guest_kernel(guest, NULL, NULL, &kernel));
	char *found = gg_vmcoreinfo_value(&kernel->info, "OSRELEASE");
	assert_string_equal(found, release);
	free(found);
	assert_int_equal(gg_guest_note(guest), kernel->note);
}

static void expect_no_kernel(const char *why)
{
	const struct gg_kernel *kernel;
	assert_error(gg_guest_kernel(guest, NULL, NULL, &kernel), GG_NOT_FOUND, why);
	assert_int_equal(gg_guest_note(guest), 0);
}

static void test_variables(void **state)
{
	(void)state;
	stub_guest_boot(&sound, BSS);
	stub_guest_create();
	expect_kernel("6.1.0");
	// The image is 64 pages: no more of it, and a few tables.
	assert_true(stub.bytes_read < 100 * PAGE);
}

static void test_odd_root(void **state)
{
	struct fake_kernel odd = sound, other = sound;
	odd.tables = TABLES + PAGE;
	other.tables = TABLES - 7 * PAGE;
	other.release = "5.10.0-before";
	(void)state;
	// Without PTI a root is one page (Linux v6.15), and any page may be beside it: an empty
	// one, and the root of the tables of a kernel that is gone.
	for (unsigned int i = 0; i < 2; i++) {
		fake_stub_init(&stub, odd.tables);
		if (i) {
			fake_kernel_write(stub.ram, &other);
			memcpy(stub.ram + TABLES, stub.ram + other.tables, PAGE);
		}
		fake_kernel_write(stub.ram, &odd);
		fake_stub_write_variables(&stub, &odd, BSS);
		stub_guest_create();
		expect_kernel("6.1.0");
		stub_guest_end(NULL);
	}

	// With PTI it is two, and a program's has a part of the kernel's image.
	enum { USER = TABLES + PAGE, PDPT = 0x110000, PD = PDPT + PAGE, PT = PD + PAGE, ODD = 7 };
	fake_stub_init(&stub, USER);
	fake_kernel_write(stub.ram, &sound);
	fake_stub_write_variables(&stub, &sound, BSS);
	put_uint(stub.ram + USER + 511 * 8, 8, PDPT | ODD);
	put_uint(stub.ram + PDPT + 510 * 8, 8, PD | ODD);
	put_uint(stub.ram + PD + 9 * 8, 8, PT | ODD);
	put_uint(stub.ram + PT, 8, TEXT | ODD);
	stub_guest_create();
	expect_kernel("6.1.0");
}

static void test_lone_pointer(void **state)
{
	(void)state;
	fake_stub_init(&stub, TABLES);
	fake_kernel_write(stub.ram, &sound);
	put_uint(stub.ram + BSS, 8, FAKE_KERNEL_DIRECT_MAP + NOTE);
	stub_guest_create();
	expect_kernel("6.1.0");
}

static void test_array(void **state)
{
	// Before v4.13 the note is in the image, anywhere; it may lie across two pieces.
	static const uint64_t places[] = { BSS + 0x104, BSS, TEXT + 96 * PAGE - 0x800,
					   TEXT + 64 * PAGE };
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct fake_kernel old = sound;
		old.note = places[i];
		old.release = "4.4.0";
		fake_stub_init(&stub, TABLES);
		fake_kernel_write(stub.ram, &old);
		stub_guest_create();
		expect_kernel("4.4.0");
		stub_guest_end(NULL);
	}
	fake_stub_init(&stub, TABLES);
	stub_guest_create();
}

static void test_none(void **state)
{
	(void)state;
	fake_stub_init(&stub, TABLES);
	fake_kernel_write(stub.ram, &sound);
	// In a hole of the image: nobody maps it.
	fake_stub_write_variables(&stub, &sound, HOLE);
	stub_guest_create();
	expect_no_kernel("leads to no VMCOREINFO");
	stub_guest_end(NULL);

	fake_stub_init(&stub, 0);
	fake_kernel_write(stub.ram, &sound);
	stub_guest_create();
	expect_no_kernel("no CPU has page tables");
}

static struct gg_error *count_kernel(void *data, const struct gg_kernel_info *kernel)
{
	assert_string_equal(kernel->release, "6.1.0");
	(*(unsigned int *)data)++;
	return NULL;
}

static void test_scan(void **state)
{
	(void)state;
	unsigned int count = 0;
	// After a reset no CPU leads to the kernel, and its note is not where it was.
	fake_stub_init(&stub, 0);
	fake_kernel_write(stub.ram, &sound);
	stub_guest_create();
	assert_error(gg_guest_kernels(guest, false, count_kernel, &count), GG_NOT_FOUND,
		     "guest-kernel -scan");
	assert_success(gg_guest_kernels(guest, true, count_kernel, &count));
	assert_int_equal(count, 1);
	const gg_gpa_t note = gg_guest_note(guest);
	assert_int_equal(note, NOTE);
	stub_guest_end(NULL);

	// From then on it is where it was.
	fake_stub_init(&stub, 0);
	fake_kernel_write(stub.ram, &sound);
	stub.target.note = note;
	stub_guest_create();
	expect_kernel("6.1.0");
	assert_true(stub.bytes_read < 20 * PAGE);
}

static void test_banner(void **state)
{
	(void)state;
	fake_stub_init(&stub, TABLES);
	fake_kernel_write(stub.ram, &sound);
	strcpy((char *)stub.ram + TEXT + 5 * PAGE, "Linux version %s (%s)");
	strcpy((char *)stub.ram + TEXT + 5 * PAGE + 64, "Linux version 6.1.0-56 (gcc)\n");
	stub_guest_create();
	expect_no_kernel("no VMCOREINFO of the Linux kernel that the CPUs run (\"Linux version "
			 "6.1.0-56\"): the kernel has not come so far");
}

static void test_hint(void **state)
{
	(void)state;
	stub_guest_boot(&sound, BSS);
	stub.target.note = NOTE;
	stub_guest_create();
	expect_kernel("6.1.0");
	assert_true(stub.bytes_read < 20 * PAGE);
}

static void test_wrong_hint(void **state)
{
	// Nothing, no note, and the note of a kernel that no CPU runs.
	static const uint64_t hints[] = { 0xffff0000, BSS, 0x400000 };
	const struct fake_kernel other = {
		.tables = 0x200000, .note = 0x400000, .text_gpa = 0xc00000, .release = "5.10.0"
	};
	(void)state;
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		fake_stub_init(&stub, TABLES);
		fake_kernel_write(stub.ram, &other);
		fake_kernel_write(stub.ram, &sound);
		fake_stub_write_variables(&stub, &sound, BSS);
		stub.target.note = hints[i];
		stub_guest_create();
		expect_kernel("6.1.0");
		stub_guest_end(NULL);
	}
	fake_stub_init(&stub, TABLES);
	stub_guest_create();
}

static struct gg_error *forget(void *data, const struct gg_log_record *record)
{
	(void)data;
	(void)record;
	return NULL;
}

static void test_lost(void **state)
{
	// From the first table to the last bytes of the log.
	const struct gg_log_query query = { 0 };
	struct fake_kernel kernel = sound;
	kernel.log = TEXT + 0x1000;
	uint64_t all = 0;
	(void)state;
	for (uint64_t after = 0; after <= all; after += PAGE) {
		stub_guest_boot(&kernel, BSS);
		stub.break_after = after;
		stub_guest_create();
		struct gg_error *err = gg_guest_log(guest, &query, forget, NULL, NULL);
		if (!after)
			assert_success(err);
		else if (stub.bytes_read > after)
			assert_error(err, GG_LOST, "");
		else
			assert_success(err);
		if (!after)
			all = stub.bytes_read;
		stub_guest_end(NULL);
	}
	assert_true(all > 4 * PAGE);
	fake_stub_init(&stub, TABLES);
	stub_guest_create();
}

// ---- Memory ----

static struct gg_error *sum_sizes(void *data, const struct gg_ram_range *range)
{
	*(uint64_t *)data += range->size;
	return NULL;
}

static void test_untold(void **state)
{
	char path[] = "/tmp/test-stub-XXXXXX";
	uint64_t absent = 0;
	struct gg_dump_result result;
	(void)state;
	fake_stub_init(&stub, TABLES);
	fake_kernel_write(stub.ram, &sound);
	strcat(stub.texts[GG_MONITOR_MEMORY_MAP],
	       "  0000000100000000-000000010fffffff (prio 0, ram): vm0\r\n");
	strcpy(stub.texts[GG_MONITOR_MEMORY_DEVICES],
	       "Memory device [virtio-mem]: \"v\"\r\n  memaddr: 0x100000000\r\n"
	       "  size: 2097152\r\n  max-size: 268435456\r\n");
	stub_guest_create();
	assert_success(gg_guest_absent(guest, sum_sizes, &absent));
	assert_int_equal(absent, 256 << 20);
	close(mkstemp(path));
	struct gg_dump_options options = { .path = path, .force = true, .no_notes = true };
	assert_error(gg_dump(guest, &options, &result), GG_ABSENT, "-via monitor");
	options.skip_absent = true;
	assert_success(gg_dump(guest, &options, &result));
	assert_int_equal(result.memory_size, FAKE_KERNEL_RAM);
	stub_guest_end(NULL);

	// The file as what QEMU wrote of a part of it: what is not in it is not there.
	fake_stub_init(&stub, TABLES);
	strcat(stub.texts[GG_MONITOR_MEMORY_MAP],
	       "  0000000100000000-000000010fffffff (prio 0, ram): vm0\r\n");
	stub.target.memory_path = path;
	stub_guest_create();
	uint64_t there = 0;
	assert_success(gg_guest_ram(guest, sum_sizes, &there));
	assert_int_equal(there, FAKE_KERNEL_RAM);
	const struct gg_ram_map *map;
	uint8_t header[24];
	assert_success(gg_guest_ram_map(guest, &map));
	assert_success(gg_ram_map_read(map, NOTE, header, sizeof(header)));
	assert_string_equal((char *)header + 12, "VMCOREINFO");
	assert_int_equal(stub.bytes_read, 0);
	unlink(path);
}

static void test_small_ranges(void **state)
{
	// A range that is not made of pages is never read beyond: there may be a device behind it.
	uint8_t byte;
	const struct gg_ram_map *map;
	(void)state;
	fake_stub_init(&stub, TABLES);
	strcpy(stub.texts[GG_MONITOR_MEMORY_MAP],
	       "FlatView #0\n AS \"memory\", root: system\n"
	       "  0000000000000000-0000000000000fff (prio 0, ram): pc.ram\n"
	       "  0000000000ffff00-0000000000ffffff (prio 0, ram): small\n");
	stub_guest_create();
	assert_success(gg_guest_ram_map(guest, &map));
	assert_success(gg_ram_map_read(map, FAKE_KERNEL_RAM - 1, &byte, 1));
	assert_int_equal(stub.bytes_read, 1);
	assert_error(gg_ram_map_read(map, 0x1000, &byte, 1), GG_FAULT, "not RAM");
}

static void test_kept(void **state)
{
	uint8_t bytes[6 * PAGE];
	const struct gg_ram_map *map;
	(void)state;
	fake_stub_init(&stub, TABLES);
	stub.ram[5 * PAGE - 1] = 1;
	stub.ram[5 * PAGE] = 2;
	stub_guest_create();
	assert_success(gg_guest_ram_map(guest, &map));
	for (unsigned int i = 0; i < 3; i++) {
		assert_success(gg_ram_map_read(map, 5 * PAGE - 1, bytes, 2));
		assert_int_equal(bytes[0], 1);
		assert_int_equal(bytes[1], 2);
		assert_int_equal(stub.bytes_read, 2 * BLOCK);
	}
	assert_success(gg_ram_map_read(map, 0, bytes, sizeof(bytes)));
	assert_int_equal(stub.bytes_read, 2 * BLOCK + 6 * PAGE);
}

static void test_joined(void **state)
{
	uint8_t bytes[8 * BLOCK];
	const struct gg_ram_map *map;
	(void)state;
	fake_stub_init(&stub, TABLES);
	for (unsigned int i = 0; i < 8; i++)
		stub.ram[5 * PAGE + i * BLOCK] = (uint8_t)(i + 1);
	stub_guest_create();
	assert_success(gg_guest_ram_map(guest, &map));
	// Two of them are there, the others are read, and all are what they were.
	assert_success(gg_ram_map_read(map, 5 * PAGE + 2 * BLOCK, bytes, 1));
	assert_success(gg_ram_map_read(map, 5 * PAGE + 5 * BLOCK, bytes, 1));
	assert_success(gg_ram_map_read(map, 5 * PAGE, bytes, sizeof(bytes)));
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(bytes[i * BLOCK], i + 1);
	assert_int_equal(stub.bytes_read, 8 * BLOCK);
}

static void test_ran(void **state)
{
	uint8_t byte = 1;
	char *text = NULL;
	const struct gg_ram_map *map;
	const struct gg_qemu_cpus *cpus;
	(void)state;
	fake_stub_init(&stub, TABLES);
	strcpy(stub.texts[GG_MONITOR_STATUS], "VM status: paused\r\n");
	stub_guest_create();
	assert_success(gg_guest_ram_map(guest, &map));
	assert_success(gg_ram_map_read(map, 5 * PAGE, &byte, 1));
	assert_int_equal(byte, 0);
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_success(gg_guest_run_state(guest, &text));
	assert_string_equal(text, "paused");
	free(text);
	stub.ram[5 * PAGE] = 2;
	gg_guest_ran(guest);
	assert_success(gg_ram_map_read(map, 5 * PAGE, &byte, 1));
	assert_int_equal(byte, 2);
	assert_error(gg_guest_qemu_cpus(guest, &cpus), GG_INVALID, "the guest ran since");
	assert_error(gg_guest_run_state(guest, &text), GG_INVALID, "the guest ran since");
}

#define TEST(sentence, function) UNIT_TEST_WITH(NULL, stub_guest_end, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the kernel is found by the variables in its image", test_variables),
		TEST("a root with bit 12 set is a kernel's own, or PTI's for programs",
		     test_odd_root),
		TEST("the kernel is found by a pointer alone", test_lone_pointer),
		TEST("the kernel is found by a note in its image", test_array),
		TEST("without a kernel it is said what there is", test_none),
		TEST("a look at all of RAM finds the kernel that no CPU leads to", test_scan),
		TEST("a kernel that has no VMCOREINFO yet is told from no kernel", test_banner),
		TEST("where the note was it is found at once", test_hint),
		TEST("where the note was is not believed as such", test_wrong_hint),
		TEST("a connection that breaks is never taken for the guest's state", test_lost),
		TEST("virtio-mem that is plugged in in part is absent", test_untold),
		TEST("nothing beside RAM is read", test_small_ranges),
		TEST("a block is read once", test_kept),
		TEST("of a small piece the blocks that are not there are read", test_joined),
		TEST("what was so before the guest ran is not taken for now", test_ran),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
