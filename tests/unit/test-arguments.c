// SPDX-License-Identifier: GPL-3.0-or-later
//
// The command line on a program's stack, as Linux lays a stack out (fs/binfmt_elf.c).
#include "unit.h"
#include "files/arguments.h"

#include <string.h>
#include <unistd.h>

enum {
	START = 0x7ffc0000,
	WORDS = 256,
	FIRST = 100,    // word of the argument count
	STRINGS = 1600, // offset of the strings
};

static uint64_t words[WORDS];
static const uint64_t auxv[] = { 6, 4096, 31, START + 2000, 0, 0 };
static const char strings[] = "qemu\0-m\0\0x=\xff\0HOME=/\0A=b";

// Lays out a stack of 4 arguments and 2 variables.
static int begin(void **state)
{
	static const size_t places[] = { 0, 5, 8, 9, 13, 20 };
	(void)state;
	memset(words, 0, sizeof(words));
	memcpy((char *)words + STRINGS, strings, sizeof(strings));
	words[FIRST] = 4;
	for (size_t i = 0; i < 6; i++)
		words[FIRST + 1 + i + (i > 3)] = START + STRINGS + places[i];
	memcpy(words + FIRST + 9, auxv, sizeof(auxv));
	// Something below the count that looks like a count.
	words[FIRST - 2] = 2;
	return 0;
}

static struct gg_error *find(struct gg_buffer *ret)
{
	const struct gg_stack_bytes stack = {
		.bytes = (const uint8_t *)words, .start = START, .size = sizeof(words), .word = 8
	};
	*ret = (struct gg_buffer){ 0 };
	return gg_arguments_find(&stack, (const uint8_t *)auxv, sizeof(auxv), ret);
}

static void expect_error(enum gg_error_kind kind, const char *text)
{
	struct gg_buffer found;
	assert_error(find(&found), kind, text);
	gg_buffer_deinit(&found);
}

static void test_found(void **state)
{
	static const char expected[] = "qemu\0-m\0\0x=\xff";
	struct gg_buffer found;
	(void)state;
	assert_success(find(&found));
	assert_int_equal(found.size, sizeof(expected));
	assert_memory_equal(found.bytes, expected, sizeof(expected));
	gg_buffer_deinit(&found);
}

static void test_damage(void **state)
{
	(void)state;
	words[FIRST + 2] += 1;
	expect_error(GG_BAD_DATA, "argument 1 is at 0x7ffc0646, not in its place on the stack");
	begin(NULL);
	words[FIRST + 1] = 0x1000;
	expect_error(GG_BAD_DATA, "argument 0 is at 0x1000");
	begin(NULL);
	words[FIRST] = 5;
	expect_error(GG_BAD_DATA, "the stack's pointers have no start");
	begin(NULL);
	words[FIRST + 8] = 1;
	expect_error(GG_BAD_DATA, "a list of the stack's pointers has no end");
	begin(NULL);
	words[FIRST + 9]++;
	expect_error(GG_NOT_FOUND, "does not hold the auxiliary vector");
	begin(NULL);
	memset((char *)words + STRINGS, 'x', sizeof(words) - STRINGS);
	expect_error(GG_BAD_DATA, "argument 0 has no end");
}

static void test_process(void **state)
{
	struct gg_buffer found = { 0 };
	(void)state;
	assert_success(gg_arguments_of_process(getpid(), &found));
	assert_non_null(strstr((const char *)found.bytes, "test-arguments"));
	gg_buffer_deinit(&found);
	assert_error(gg_arguments_of_process(0, &found), GG_SYSTEM, "/proc/0/cmdline");
	gg_buffer_deinit(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_WITH(begin, NULL, "the arguments are read, empty ones too", test_found),
		UNIT_TEST_WITH(begin, NULL, "a damaged stack is an error that says where",
			       test_damage),
		UNIT_TEST("a process's arguments are as the system has them", test_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
