// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "../../gdb-ext/host/bytes.h"
#include "../../gdb-ext/host/checked.h"
#include "core-image.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Addresses 0x1000-0x1fff and 0x2000-0x2fff are held, of 0x3000-0x4fff the first half, of
// 0x8000-0x8fff nothing; 0x5000-0x7fff is in no segment.
static const struct core_segment segments[] = {
	{ 0x8000, 0x1000, 0 },
	{ 0x1000, 0x1000, 0x1000 },
	{ 0x2000, 0x1000, 0x1000 },
	{ 0x3000, 0x2000, 0x1000 },
};

static char path[] = "/tmp/test-core-file-XXXXXX";
static struct gg_core_file *core;

static int begin_test(void **state)
{
	(void)state;
	core_image_write(path, segments, 4, ET_CORE);
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
	const struct core_segment overlapping[] = { { 0x1000, 0x2000, 0x2000 },
						    { 0x2fff, 0x1000, 0x1000 } };
	const struct core_segment wrapping[] = { { UINT64_MAX - 1, 0x1000, 0x1000 } };
	core_image_write(path, overlapping, 2, ET_CORE);
	assert_error(gg_core_file_open(path, &core), GG_BAD_DATA,
		     "two segments hold the address 0x2fff");
	core_image_write(path, wrapping, 1, ET_CORE);
	assert_error(gg_core_file_open(path, &core), GG_BAD_DATA, "wraps around");
	core_image_write(path, segments, 4, ET_EXEC);
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
	// As GDB does: it reads zeros where the core holds nothing.
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

int main(void)
{
	close(mkstemp(path));
	struct CMUnitTest tests[] = {
		UNIT_TEST("a core's extents are what its file holds", test_extents),
		UNIT_TEST("reads cross segments, and stop at what is absent", test_read),
		UNIT_TEST("what was cut off is absent", test_cut_off),
		UNIT_TEST("what is no core, or contradicts itself, is refused", test_not_a_core),
		UNIT_TEST("no zeros are read for what the core lacks", test_checked_host),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		tests[i].setup_func = begin_test;
		tests[i].teardown_func = end_test;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
