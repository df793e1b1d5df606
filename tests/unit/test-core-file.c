// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "host/bytes.h"
#include "host/checked.h"
#include "core-image.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Addresses 0x1000-0x1fff and 0x2000-0x2fff are held, of 0x3000-0x4fff the first half, of
// 0x8000-0x8fff nothing; 0x5000-0x7fff is in no segment.
static const struct core_segment segments[] = {
	{ .address = 0x8000, .memory_size = 0x1000 },
	{ .address = 0x1000, .memory_size = 0x1000, .file_size = 0x1000 },
	{ .address = 0x2000, .memory_size = 0x1000, .file_size = 0x1000 },
	{ .address = 0x3000, .memory_size = 0x2000, .file_size = 0x1000 },
};

static char path[] = "/tmp/test-core-file-XXXXXX";
static struct gg_core_file *core;

static void write_core(uint16_t type, const struct core_segment *load, size_t count)
{
	core_image_write(path,
			 &(struct core_image){ .type = type, .segments = load, .count = count });
}

static int begin_test(void **state)
{
	(void)state;
	write_core(ET_CORE, segments, 4);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	gg_core_file_close(core);
	core = NULL;
	unlink(path);
	return 0;
}

static void test_extents(void **state)
{
	(void)state;
	struct gg_core_extent extent;
	assert_success(gg_core_file_open(path, &core));
	assert_false(gg_core_file_is_cut_off(core));
	assert_int_equal(gg_core_file_address_size(core), 8);

	gg_core_file_extent(core, 0x1800, 0x10000, &extent);
	assert_true(extent.held);
	assert_int_equal(extent.size, 0x800);
	gg_core_file_extent(core, 0x3000, 0x800, &extent);
	assert_true(extent.held);
	assert_int_equal(extent.size, 0x800);
	gg_core_file_extent(core, 0x4000, 0x10000, &extent);
	assert_false(extent.held);
	assert_int_equal(extent.size, 0x10000);
	gg_core_file_extent(core, 0, 0x10000, &extent);
	assert_false(extent.held);
	assert_int_equal(extent.size, 0x1000);
	gg_core_file_extent(core, UINT64_MAX, 1, &extent);
	assert_false(extent.held);
}

static void test_read(void **state)
{
	(void)state;
	uint8_t buffer[0x3000];
	assert_success(gg_core_file_open(path, &core));
	assert_success(gg_core_file_read(core, 0x1800, buffer, 0x2000));
	assert_int_equal(buffer[0], 0x18);
	assert_int_equal(buffer[0x1fff], 0x37);
	assert_error(gg_core_file_read(core, 0x3800, buffer, 0x1000), GG_ABSENT,
		     "does not hold the memory at 0x4000");
}

static void test_cut_off(void **state)
{
	(void)state;
	assert_success(gg_core_file_open(path, &core));
	struct gg_core_extent extent;
	gg_core_file_extent(core, 0x3000, 1, &extent);
	gg_core_file_close(core);
	assert_int_equal(truncate(path, (off_t)extent.offset + 0x123), 0);

	assert_success(gg_core_file_open(path, &core));
	assert_true(gg_core_file_is_cut_off(core));
	assert_success(gg_core_file_check(core, 0x1000, 0x2123));
	assert_error(gg_core_file_check(core, 0x1000, 0x2124), GG_ABSENT, "0x3123");

	// Cut off while it is open.
	uint8_t byte;
	assert_int_equal(truncate(path, 4096), 0);
	assert_error(gg_core_file_read(core, 0x3000, &byte, 1), GG_ABSENT, "was it cut off");
}

static void test_not_a_core(void **state)
{
	(void)state;
	const struct core_segment overlapping[] = {
		{ .address = 0x1000, .memory_size = 0x2000, .file_size = 0x2000 },
		{ .address = 0x2fff, .memory_size = 0x1000, .file_size = 0x1000 },
	};
	const struct core_segment wrapping[] = {
		{ .address = UINT64_MAX - 1, .memory_size = 0x1000, .file_size = 0x1000 },
	};
	write_core(ET_CORE, overlapping, 2);
	assert_error(gg_core_file_open(path, &core), GG_BAD_DATA,
		     "two segments hold the address 0x2fff");
	write_core(ET_CORE, wrapping, 1);
	assert_error(gg_core_file_open(path, &core), GG_BAD_DATA, "wraps around");
	write_core(ET_EXEC, segments, 4);
	assert_error(gg_core_file_open(path, &core), GG_BAD_DATA, "e_type is 2, not 4");
	assert_int_equal(truncate(path, 10), 0);
	assert_error(gg_core_file_open(path, &core), GG_BAD_DATA, path);
	assert_error(gg_core_file_open("/", &core), GG_BAD_DATA, "not a regular file");
	assert_error(gg_core_file_open("/nonexistent", &core), GG_SYSTEM, "No such file");
}

static void test_checked_host(void **state)
{
	(void)state;
	struct gg_bytes_host *bytes;
	void *memory;
	uint8_t byte = 1;
	assert_success(gg_core_file_open(path, &core));
	// GDB reads zeros where the core holds nothing.
	assert_success(gg_bytes_host_create(&bytes));
	assert_success(gg_bytes_host_add_memory(bytes, 0, 0x10000, &memory));

	struct gg_mapped_files *files;
	struct gg_checked_host checked;
	assert_success(gg_mapped_files_create(core, NULL, &files));
	gg_checked_host_init(&checked, gg_bytes_host(bytes), core, files);
	assert_success(gg_host_read(&checked.host, 0x1000, &byte, 1));
	assert_error(gg_host_read(&checked.host, 0x8000, &byte, 1), GG_ABSENT, "0x8000");
	assert_error(gg_host_read(&checked.host, 0x5000, &byte, 1), GG_ABSENT, "0x5000");
	assert_int_equal(gg_bytes_host_reads(bytes), 1);

	gg_checked_host_init(&checked, gg_bytes_host(bytes), NULL, NULL);
	assert_success(gg_host_read(&checked.host, 0x8000, &byte, 1));
	gg_mapped_files_destroy(files);
	gg_bytes_host_destroy(bytes);
}

// A program of three pages: the kernel dumps the first, the second may have been written to.
static void test_mapped_files(void **state)
{
	(void)state;
	static uint8_t program[3 * 4096];
	char program_path[] = "/tmp/test-core-file-program-XXXXXX";
	int fd = mkstemp(program_path);
	memcpy(program, "\177ELF, and a build ID", 21);
	memcpy(program + 4096, "data", 4);
	memcpy(program + 8192, "text", 4);
	assert_int_equal(write(fd, program, sizeof(program)), sizeof(program));
	const struct core_segment load[] = {
		{ 0x10000, 0x1000, 0x1000, true, program, false },
		{ 0x11000, 0x1000, 0, false, NULL, false },
		{ 0x12000, 0x1000, 0, true, NULL, false },
	};
	const struct core_mapping mappings[] = {
		{ 0x10000, 0x11000, 0, program_path },
		{ 0x11000, 0x12000, 1, program_path },
		{ 0x12000, 0x13000, 2, program_path },
		{ 0x20000, 0x21000, 0, "/nonexistent\033[2J" },
	};
	core_image_write(path, &(struct core_image){ ET_CORE, load, 3, mappings, 4 });

	struct gg_mapped_files *files;
	char bytes[8];
	assert_success(gg_core_file_open(path, &core));
	assert_success(gg_mapped_files_create(core, NULL, &files));
	assert_success(gg_mapped_files_read(files, 0x12000, bytes, 4));
	assert_memory_equal(bytes, "text", 4);
	assert_error(gg_mapped_files_read(files, 0x11000, bytes, 4), GG_ABSENT, "0x11000");
	assert_error(gg_mapped_files_read(files, 0x12ffe, bytes, 4), GG_ABSENT, "0x12ffe");
	assert_error(gg_mapped_files_read(files, 0x20000, bytes, 4), GG_ABSENT,
		     "/nonexistent\\x1b[2J, which was mapped there, is gone");
	gg_mapped_files_destroy(files);

	// Another build under the same name; and the right one elsewhere.
	char moved_path[sizeof(program_path) + 4];
	snprintf(moved_path, sizeof(moved_path), "%s.old", program_path);
	assert_int_equal(rename(program_path, moved_path), 0);
	int other = open(program_path, O_CREAT | O_WRONLY, 0600);
	program[16]++;
	assert_int_equal(write(other, program, sizeof(program)), sizeof(program));
	close(other);
	assert_success(gg_mapped_files_create(core, NULL, &files));
	assert_error(gg_mapped_files_read(files, 0x12000, bytes, 4), GG_ABSENT, "is another file");
	gg_mapped_files_destroy(files);
	assert_success(gg_mapped_files_create(core, moved_path, &files));
	assert_success(gg_mapped_files_read(files, 0x12000, bytes, 4));
	gg_mapped_files_destroy(files);
	unlink(program_path);
	unlink(moved_path);
	close(fd);
}

static void test_memory_at_zero(void **state)
{
	(void)state;
	struct core_segment ram = { .memory_size = 0x1000, .file_size = 0x1000 };
	write_core(ET_CORE, &ram, 1);
	assert_false(gg_core_file_is_vmcore(path));
	ram.of_machine = true;
	write_core(ET_CORE, &ram, 1);
	assert_true(gg_core_file_is_vmcore(path));
	ram.file_size = 0;
	write_core(ET_CORE, &ram, 1);
	assert_false(gg_core_file_is_vmcore(path));
}

int main(void)
{
	close(mkstemp(path));
	struct CMUnitTest tests[] = {
		UNIT_TEST("a core's extents are what its file holds", test_extents),
		UNIT_TEST("reads cross segments, and stop at what is absent", test_read),
		UNIT_TEST("what was cut off is absent", test_cut_off),
		UNIT_TEST("what is no core, or contradicts itself, is refused", test_not_a_core),
		UNIT_TEST(
			"read-only memory is read from the file that was mapped, if it is the same",
			test_mapped_files),
		UNIT_TEST("a process's memory at 0 makes no vmcore of its core, a machine's does",
			  test_memory_at_zero),
		UNIT_TEST("no zeros are read for what the core lacks", test_checked_host),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		tests[i].setup_func = begin_test;
		tests[i].teardown_func = end_test;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
