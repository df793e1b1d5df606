// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "base/cursor.h"
#include "base/text.h"

#include <stdlib.h>

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 'a', 'b', 0, 'c', 'd' };

static void test_byte_orders(void **state)
{
	(void)state;
	uint64_t value;
	struct gg_cursor little = gg_cursor(bytes, sizeof(bytes), false, "x");
	assert_success(gg_cursor_uint(&little, 3, &value));
	assert_int_equal(value, 0x030201);
	struct gg_cursor big = gg_cursor(bytes, sizeof(bytes), true, "x");
	assert_success(gg_cursor_uint(&big, 8, &value));
	assert_int_equal(value, 0x0102030405060708);
}

static void test_bounds(void **state)
{
	(void)state;
	uint64_t value;
	struct gg_cursor cursor = gg_cursor(bytes, 4, false, "four bytes"), sub;
	assert_success(gg_cursor_seek(&cursor, 4));
	assert_error(gg_cursor_uint(&cursor, 1, &value), GG_BAD_DATA,
		     "four bytes: 1 bytes at offset 4");
	assert_error(gg_cursor_seek(&cursor, 5), GG_BAD_DATA, "offset 5");
	assert_success(gg_cursor_seek(&cursor, 1));
	assert_error(gg_cursor_uint(&cursor, 4, &value), GG_BAD_DATA, "reach beyond");
	assert_error(gg_cursor_uint(&cursor, 0, &value), GG_BAD_DATA, "0 bytes");
	assert_error(gg_cursor_uint(&cursor, 9, &value), GG_BAD_DATA, "9 bytes");
	assert_error(gg_cursor_sub(&cursor, UINT64_MAX, &sub), GG_BAD_DATA, "reach beyond");
	const struct gg_member huge = { .offset = 0, .size = UINT64_C(1) << 32 | 1 };
	assert_error(gg_cursor_member(&cursor, &huge, &value), GG_BAD_DATA, "not 1 to 8");
}

static void test_sub(void **state)
{
	(void)state;
	uint64_t value;
	struct gg_cursor cursor = gg_cursor(bytes, sizeof(bytes), false, "x"), sub;
	assert_success(gg_cursor_seek(&cursor, 2));
	assert_success(gg_cursor_sub(&cursor, 2, &sub));
	assert_success(gg_cursor_uint(&sub, 2, &value));
	assert_int_equal(value, 0x0403);
	assert_error(gg_cursor_uint(&sub, 1, &value), GG_BAD_DATA, "its 2 bytes");
	assert_success(gg_cursor_uint(&cursor, 1, &value));
	assert_int_equal(value, 5);
}

static void test_escape(void **state)
{
	(void)state;
	char *text = gg_text_escape("pc.ram \x1b[2J\xff\n\\x");
	assert_string_equal(text, "pc.ram \\x1b[2J\\xff\\x0a\\x5cx");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("integers come in either byte order", test_byte_orders),
		UNIT_TEST("no step goes beyond the bytes", test_bounds),
		UNIT_TEST("a part of the bytes has its own bounds", test_sub),
		UNIT_TEST("nothing in an escaped text drives a terminal", test_escape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
