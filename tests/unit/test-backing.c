// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing of a process, on this one; and what a backing lacks.
#include "unit.h"

#include "memory/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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
	expect_extent((const uint8_t *)0x1000, PAGE, GG_EXTENT_ABSENT, PAGE);
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

// Skips the test; tests/unit/run makes the line a part of the test's own.
static void not_here(const char *reason)
{
	print_message("# SKIP %s\n", reason);
}

static void test_shared(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		not_here("only root may open /proc/PID/map_files");
		return;
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

static void test_private_file(void **state)
{
	(void)state;
	char path[] = "test-backing-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_int_equal(pwrite(fd, "x", 1, 20 * PAGE), 1);
	uint8_t *memory = map(MAP_PRIVATE, fd), byte;
	memory[2 * PAGE] = 'y';
	assert_int_equal(ftruncate(fd, 30 * PAGE + 1), 0);
	assert_success(gg_backing_create_process(getpid(), &backing));
	expect_extent(memory, SIZE, GG_EXTENT_DATA, 31 * PAGE);
	expect_extent(memory + 31 * PAGE, SIZE - 31 * PAGE, GG_EXTENT_ABSENT, SIZE - 31 * PAGE);
	assert_success(backing->ops->read(backing, (uintptr_t)memory + 20 * PAGE, &byte, 1));
	assert_int_equal(byte, 'x');
	assert_success(backing->ops->read(backing, (uintptr_t)memory + 2 * PAGE, &byte, 1));
	assert_int_equal(byte, 'y');
	munmap(memory, SIZE);
	unlink(path);
	close(fd);
}

static void test_ended(void **state)
{
	(void)state;
	uint8_t byte, *memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memory[0] = 1;
	const pid_t child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	assert_success(gg_backing_create_process(child, &backing));
	assert_success(backing->ops->read(backing, (uintptr_t)memory, &byte, 1));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_error(backing->ops->read(backing, (uintptr_t)memory, &byte, 1), GG_LOST,
		     "has ended");
	assert_true(backing->lost);
	munmap(memory, SIZE);
}

// ---- What another backing lacks ----

enum { PAGES = 1024, WHOLE = PAGES * PAGE };

// Memory from WHOLE_AT on, each page full of its number's lowest byte; some cannot be read.
static const uint64_t whole_at = UINT64_C(0x7f0000000000);
static bool unreadable[PAGES];
static unsigned int reads;
static bool read_twice; // the next page that cannot be read is read by "another thread" too

static struct gg_error *whole_extent(struct gg_backing *whole, gg_hva_t hva, uint64_t size,
				     bool holes, struct gg_extent *ret)
{
	(void)whole, (void)hva, (void)holes;
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_DATA };
	return NULL;
}

static struct gg_error *whole_read(struct gg_backing *whole, gg_hva_t hva, void *buffer,
				   size_t size)
{
	(void)whole;
	reads++;
	for (size_t i = 0; i < size; i++) {
		const uint64_t page = (hva + i - whole_at) / PAGE;
		if (unreadable[page] && size <= PAGE && read_twice) {
			uint8_t byte;
			read_twice = false;
			assert_error(backing->ops->read(backing, hva + i, &byte, 1), GG_ABSENT, "");
		}
		if (unreadable[page])
			return gg_error_fault(hva + i, "it is bad");
		((uint8_t *)buffer)[i] = (uint8_t)page;
	}
	return NULL;
}

static void whole_destroy(struct gg_backing *whole)
{
	(void)whole;
}

static const struct gg_backing_ops whole_ops = {
	.extent = whole_extent,
	.read = whole_read,
	.destroy = whole_destroy,
};

static uint8_t bytes[WHOLE];

static void create_partial(struct gg_qemu_ram *ram)
{
	static struct gg_backing whole = { .ops = &whole_ops, .name = "whole" };
	memset(unreadable, 0, sizeof(unreadable));
	assert_success(gg_backing_create_partial(&whole, ram, &backing));
	assert_null(ram->absences);
}

static const uint8_t *whole_page(unsigned int page)
{
	return (const uint8_t *)(uintptr_t)(whole_at + page * PAGE); // NOLINT
}

static void test_not_arrived(void **state)
{
	(void)state;
	struct gg_qemu_ram ram = { .absence_count = 2 };
	ram.absences = calloc(2, sizeof(*ram.absences));
	// Behind each other, the higher first: of one nothing is there.
	ram.absences[0] =
		(struct gg_qemu_absence){ whole_at + 96 * PAGE, 8 * PAGE, GG_PRIVATE, 0, NULL };
	ram.absences[1] = (struct gg_qemu_absence){ whole_at + 16 * PAGE, 64 * PAGE, GG_NOT_ARRIVED,
						    PAGE, calloc(8, 1) };
	memcpy(ram.absences[1].present, "\xff\xff\x0f\0\0\0\0\x80", 8);
	create_partial(&ram);
	expect_extent(whole_page(0), WHOLE, GG_EXTENT_DATA, 16 * PAGE);
	expect_extent(whole_page(16), WHOLE, GG_EXTENT_DATA, 20 * PAGE);
	expect_extent(whole_page(35) + 8, WHOLE, GG_EXTENT_DATA, PAGE - 8);
	expect_extent(whole_page(36), WHOLE, GG_EXTENT_ABSENT, 43 * PAGE);
	expect_extent(whole_page(36), 2 * PAGE, GG_EXTENT_ABSENT, 2 * PAGE);
	expect_extent(whole_page(79), WHOLE, GG_EXTENT_DATA, PAGE);
	expect_extent(whole_page(80), WHOLE, GG_EXTENT_DATA, 16 * PAGE);
	expect_extent(whole_page(97), WHOLE, GG_EXTENT_ABSENT, 7 * PAGE);
	assert_success(backing->ops->read(backing, whole_at, bytes, 36 * PAGE));
	assert_error(backing->ops->read(backing, whole_at, bytes, 36 * PAGE + 1), GG_ABSENT,
		     "had not arrived");
	assert_error(backing->ops->read(backing, whole_at + 100 * PAGE, bytes, 1), GG_ABSENT,
		     "in a guest_memfd");
	assert_non_null(strstr(backing->advice, "receiving"));
}

static void test_unreadable(void **state)
{
	(void)state;
	struct gg_qemu_ram ram = { 0 };
	uint64_t absent = 0;
	create_partial(&ram);
	unreadable[600] = unreadable[601] = unreadable[7] = true;
	reads = 0;
	assert_success(gg_backing_read_present(backing, whole_at, bytes, WHOLE, &absent));
	assert_int_equal(absent, 3 * PAGE);
	assert_int_equal(backing->unreadable, 3 * PAGE);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(bytes[i * PAGE + 5], unreadable[i] ? 0 : (uint8_t)i);
	// Not one for each page.
	assert_true(reads < 100);
	expect_extent(whole_page(0), WHOLE, GG_EXTENT_DATA, 7 * PAGE);
	expect_extent(whole_page(7), WHOLE, GG_EXTENT_ABSENT, PAGE);
	expect_extent(whole_page(8), WHOLE, GG_EXTENT_DATA, 592 * PAGE);
	expect_extent(whole_page(600), WHOLE, GG_EXTENT_ABSENT, 2 * PAGE);
	// A known state is not tried again.
	reads = 0;
	assert_error(backing->ops->read(backing, whole_at, bytes, WHOLE), GG_ABSENT,
		     "0x7f0000007000 cannot be read");
	assert_int_equal(reads, 0);
}

static void test_found_twice(void **state)
{
	(void)state;
	struct gg_qemu_ram ram = { 0 };
	create_partial(&ram);
	unreadable[7] = unreadable[8] = true;
	for (unsigned int page = 8; page >= 7; page--) {
		read_twice = true;
		assert_error(backing->ops->read(backing, whole_at + page * PAGE, bytes, PAGE),
			     GG_ABSENT, "");
		assert_false(read_twice);
		assert_int_equal(backing->unreadable, (9 - page) * PAGE);
	}
	expect_extent(whole_page(9), PAGE, GG_EXTENT_DATA, PAGE);
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
		not_here("userfaultfd is not permitted (vm.unprivileged_userfaultfd)");
		return;
	}
	assert_error(gg_backing_check_process(getpid()), GG_ABSENT, "userfaultfd");
	close(fd);
	assert_success(gg_backing_check_process(getpid()));
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("what a process never touched is a hole", test_untouched),
		UNIT_TEST("a long extent is not followed to its end at once", test_large),
		UNIT_TEST("shared memory is read as its file", test_shared),
		UNIT_TEST("behind the end of a file that was cut a private mapping is absent",
			  test_private_file),
		UNIT_TEST("a process that has ended is lost, and none of its memory absent",
			  test_ended),
		UNIT_TEST("pages that have not arrived are absent, to extents and to reads",
			  test_not_arrived),
		UNIT_TEST("pages that cannot be read are absent, and found with few reads",
			  test_unreadable),
		UNIT_TEST("an unreadable page that two threads find counts once", test_found_twice),
		UNIT_TEST("a process that is not there is an error", test_no_process),
		UNIT_TEST("memory that is still arriving is refused", test_incoming),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tests[i].teardown_func = end_test;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
