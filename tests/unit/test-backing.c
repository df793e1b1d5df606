// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing of a process, on this one.
#include "unit.h"

#include "../../gdb-ext/memory/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 64 * PAGE };

static struct gg_backing *backing;

static void expect_extent(const uint8_t *at, uint64_t size, enum gg_extent_kind kind,
			  uint64_t expected)
{
	struct gg_extent extent;
	assert_success(backing->ops->extent(backing, (uintptr_t)at, size, true, &extent));
	assert_int_equal(extent.kind, kind);
	assert_int_equal(extent.size, expected);
}

static int end_test(void **state)
{
	(void)state;
	gg_backing_destroy(backing);
	backing = NULL;
	return 0;
}

static uint8_t *map(int flags, int fd)
{
	uint8_t *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	return memory;
}

static void test_untouched(void **state)
{
	(void)state;
	uint8_t *memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1), bytes[PAGE + 2];
	memory[10 * PAGE] = 1;
	memory[11 * PAGE] = 2;
	assert_success(gg_backing_create_process(getpid(), &backing));
	expect_extent(memory, SIZE, GG_EXTENT_HOLE, 10 * PAGE);
	expect_extent(memory + 10 * PAGE + 8, SIZE - 10 * PAGE - 8, GG_EXTENT_DATA, 2 * PAGE - 8);
	expect_extent(memory + 12 * PAGE, 4 * PAGE, GG_EXTENT_HOLE, 4 * PAGE);
	assert_success(backing->ops->read(backing, (uintptr_t)memory + 10 * PAGE, bytes, PAGE + 2));
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[PAGE], 2);
	munmap(memory, SIZE);
	assert_error(backing->ops->read(backing, (uintptr_t)memory, bytes, 1), GG_FAULT,
		     "cannot be");
	struct gg_extent extent;
	assert_error(backing->ops->extent(backing, 0x10, 1, true, &extent), GG_FAULT,
		     "nothing mapped at 0x10");
}

static void test_large(void **state)
{
	(void)state;
	const size_t size = (size_t)1 << 30;
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_success(gg_backing_create_process(getpid(), &backing));
	expect_extent(memory, size, GG_EXTENT_HOLE, size / 4);
	expect_extent(memory + size - 2 * PAGE, 2 * PAGE, GG_EXTENT_HOLE, 2 * PAGE);
	munmap(memory, size);
}

static void test_shared(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root may open /proc/PID/map_files\n");
		skip();
	}
	int fd = memfd_create("ram", 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	uint8_t *memory = map(MAP_SHARED, fd), byte;
	// Written by another than this mapping: it is there all the same.
	assert_int_equal(pwrite(fd, "x", 1, 20 * PAGE), 1);
	assert_success(gg_backing_create_process(getpid(), &backing));
	expect_extent(memory, SIZE, GG_EXTENT_HOLE, 20 * PAGE);
	expect_extent(memory + 20 * PAGE, 2 * PAGE, GG_EXTENT_DATA, PAGE);
	assert_success(backing->ops->read(backing, (uintptr_t)memory + 20 * PAGE, &byte, 1));
	assert_int_equal(byte, 'x');

	// Behind the file's end there is nothing, and no zeros.
	assert_int_equal(ftruncate(fd, 30 * PAGE), 0);
	expect_extent(memory + 21 * PAGE, SIZE - 21 * PAGE, GG_EXTENT_HOLE, 9 * PAGE);
	expect_extent(memory + 30 * PAGE, PAGE, GG_EXTENT_ABSENT, PAGE);
	munmap(memory, SIZE);
	close(fd);
}

static void test_no_process(void **state)
{
	(void)state;
	enum { NO_PID = 0x7fffffff };
	assert_error(gg_backing_create_process(NO_PID, &backing), GG_SYSTEM,
		     "/proc/2147483647/mem");
}

static void test_incoming(void **state)
{
	(void)state;
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0) {
		print_message("userfaultfd is not permitted (vm.unprivileged_userfaultfd)\n");
		skip();
	}
	assert_error(gg_backing_create_process(getpid(), &backing), GG_ABSENT, "userfaultfd");
	close(fd);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("what a process never touched is a hole", test_untouched),
		UNIT_TEST("a long extent is not followed to its end at once", test_large),
		UNIT_TEST("shared memory is read as its file", test_shared),
		UNIT_TEST("a process that is not there is an error", test_no_process),
		UNIT_TEST("memory that is still arriving is refused", test_incoming),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tests[i].teardown_func = end_test;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
