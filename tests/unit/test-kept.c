// SPDX-License-Identifier: GPL-3.0-or-later
//
// What a guest at a gdbstub leaves to the next guest of the connection: pages of its kernel that never
// change.
#include "stub-guest.h"

#include "guest/guest.h"
#include "memory/kept.h"

#include <string.h>

enum {
	PAGE = 4096,
	KEPT = 512, // what the store reads at once
	TEXT = 0x800000,
	NOTE = 0x300000,
	TABLES = 0x100000,
	PAGES = 32, // in the image's first part
	HELD = (32 << 20) / PAGE,
};

static const struct fake_kernel sound = { .tables = TABLES,
					  .note = NOTE,
					  .text_gpa = TEXT,
					  .release = "6.1.0",
					  .build = "0123456789abcdef" };

static struct gg_kept *kept;

static int start(void **state)
{
	(void)state;
	assert_success(gg_kept_create(&kept));
	return 0;
}

static int end(void **state)
{
	stub_guest_end(state);
	gg_kept_destroy(kept);
	kept = NULL;
	return 0;
}

// Boots KERNEL, with a number in each of its pages, the first of which is FIRST.
static void boot(const struct fake_kernel *kernel, unsigned int first)
{
	fake_stub_init(&stub, kernel->tables);
	fake_kernel_write(stub.ram, kernel);
	for (unsigned int i = 0; i < PAGES; i++)
		put_uint(stub.ram + TEXT + i * PAGE, 4, first + i);
	stub.target.note = NOTE;
	stub.target.kept = kept;
	stub_guest_create();
}

static const struct gg_kernel_memory *memory(void)
{
	const struct gg_kernel *kernel;
	assert_success(gg_guest_kernel(guest, NULL, NULL, &kernel));
	return &kernel->answerers.memory;
}

// Reads the number of the page INDEX as what never changes.
static uint64_t constant(unsigned int index)
{
	const struct gg_host host = gg_kernel_constants(memory());
	uint64_t value;
	assert_success(gg_host_read_uint(&host, FAKE_KERNEL_STEXT + index * PAGE, 4, &value));
	return value;
}

static void test_kept(void **state)
{
	uint8_t bytes[4 * PAGE];
	(void)state;
	boot(&sound, 100);
	const struct gg_host *host = &memory()->host;
	const struct gg_host constants = gg_kernel_constants(memory());
	assert_int_equal(constant(3), 103);
	const uint64_t before = stub.bytes_read;
	// A part of what is asked for is there.
	assert_success(gg_host_read(&constants, FAKE_KERNEL_STEXT + 2 * PAGE, bytes, 4 * PAGE));
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(bytes[i * PAGE], 102 + i);
	assert_int_equal(stub.bytes_read, before + 4 * PAGE - KEPT);
	stub_guest_create();
	assert_int_equal(constant(2), 102);
	const uint64_t found = stub.bytes_read;
	assert_int_equal(constant(5), 105);
	assert_int_equal(stub.bytes_read, found);
	// Memory that may change is read anew.
	uint64_t value;
	put_uint(stub.ram + TEXT + 2 * PAGE, 4, 7);
	host = &memory()->host;
	assert_success(gg_host_read_uint(host, FAKE_KERNEL_STEXT + 2 * PAGE, 4, &value));
	assert_int_equal(value, 7);
}

static void test_other_kernel(void **state)
{
	struct fake_kernel other = sound;
	(void)state;
	boot(&sound, 100);
	assert_int_equal(constant(3), 103);
	stub_guest_end(NULL);
	other.build = "fedcba9876543210";
	boot(&other, 200);
	assert_int_equal(constant(3), 203);
	stub_guest_end(NULL);
	boot(&sound, 100);
	assert_int_equal(constant(3), 103);
}

static void test_no_build(void **state)
{
	struct fake_kernel old = sound;
	(void)state;
	old.build = NULL;
	boot(&old, 100);
	assert_int_equal(constant(3), 103);
	stub_guest_end(NULL);
	boot(&old, 200);
	assert_int_equal(constant(3), 203);
}

static void test_absent(void **state)
{
	uint8_t bytes[2 * PAGE];
	(void)state;
	boot(&sound, 100);
	const struct gg_host constants = gg_kernel_constants(memory());
	// The hole behind the image's first part.
	const uint64_t hole = FAKE_KERNEL_STEXT + PAGES * PAGE;
	for (unsigned int i = 0; i < 2; i++) {
		assert_error(gg_host_read(&constants, hole - 8, bytes, 16), GG_FAULT,
			     "0xffffffff81220000 is not mapped");
		assert_success(gg_host_read(&constants, hole - 8, bytes, 8));
	}
	assert_error(gg_host_read(&constants, UINT64_MAX - 7, bytes, 16), GG_FAULT, "wrap around");
}

static void test_full(void **state)
{
	uint8_t bytes[PAGES * PAGE];
	(void)state;
	boot(&sound, 100);
	struct gg_kept_memory own = memory()->kept;
	for (unsigned int i = 0; i * PAGES <= 2 * HELD; i++) {
		own.identity = i;
		assert_success(gg_kept_read(&own, FAKE_KERNEL_STEXT, bytes, sizeof(bytes)));
		for (unsigned int page = 0; page < PAGES; page++)
			assert_int_equal(bytes[page * PAGE], 100 + page);
		assert_true(gg_kept_from(&own, FAKE_KERNEL_STEXT, sizeof(bytes)) > 0 ||
			    i * PAGES + PAGES > HELD);
	}
	own.identity = 0;
	assert_int_equal(gg_kept_from(&own, FAKE_KERNEL_STEXT, sizeof(bytes)), 0);
}

#define TEST(sentence, function) UNIT_TEST_WITH(start, end, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what never changes is read once, for the next guest of the connection too",
		     test_kept),
		TEST("the pages of a kernel are never another kernel's", test_other_kernel),
		TEST("of a kernel that does not name its build nothing is kept", test_no_build),
		TEST("memory that is not there is an error, with a store as without", test_absent),
		TEST("a store that is full is emptied, and its memory stays bounded", test_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
