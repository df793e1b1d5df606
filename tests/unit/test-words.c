// SPDX-License-Identifier: GPL-3.0-or-later
//
// Sizes, ranges, numbers and times as the commands' texts have them.
#include "unit.h"
#include "print/words.h"

#include <locale.h>
#include <string.h>

static struct gg_buffer text;

static void expect(const char *expected)
{
	gg_buffer_append(&text, "", 1);
	assert_success(gg_buffer_check(&text));
	assert_string_equal((const char *)text.bytes, expected);
	gg_buffer_deinit(&text);
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *expected;
	} rows[] = {
		{ 0, "0 bytes" },
		{ 1023, "1023 bytes" },
		{ 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },
		{ 268435456, "256 MiB" },
		{ 268697600, "256.2 MiB" },
		// Halves go to the even neighbour.
		{ 256 * 1024 + 256, "256.2 KiB" },
		{ 256 * 1024 + 768, "256.8 KiB" },
		{ 1048575, "1024.0 KiB" },
		{ 5368709120, "5 GiB" },
		{ UINT64_C(1) << 60, "1 EiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		gg_append_size(&text, rows[i].bytes);
		expect(rows[i].expected);
	}
}

static void test_range(void **state)
{
	const struct gg_ram_range range = { .start = 0xfffc0000,
					    .size = 0x40000,
					    .block = "pc.bios" };
	const struct gg_ram_range last = { .start = UINT64_MAX, .size = 1, .block = "" };
	(void)state;
	gg_append_range(&text, &range);
	expect("0x00000000fffc0000-0x00000000ffffffff     256 KiB  pc.bios");
	gg_append_range(&text, &last);
	expect("0xffffffffffffffff-0xffffffffffffffff     1 bytes  ");
}

static void test_numbers(void **state)
{
	static const uint32_t gaps[] = { 0, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20 };
	uint32_t all[256];
	(void)state;
	for (uint32_t i = 0; i < 256; i++)
		all[i] = i;
	gg_append_numbers(&text, all, 0);
	expect("");
	gg_append_numbers(&text, all, 8);
	expect("0,1,2,3,4,5,6,7");
	gg_append_numbers(&text, all, 256);
	expect("0-255");
	gg_append_numbers(&text, gaps, sizeof(gaps) / sizeof(*gaps));
	expect("0,2,3,4,5,8-16,20");
}

static void test_times(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *expected;
	} rows[] = { { 0, "0 s" },          { 59, "59 s" },         { 60, "1 min 0 s" },
		     { 599, "9 min 59 s" }, { 600, "10 min" },      { 3599, "59 min" },
		     { 3600, "1 h 0 min" }, { 4320, "1 h 12 min" }, { 360000, "4 d 4 h" } };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		gg_append_duration(&text, rows[i].seconds);
		expect(rows[i].expected);
	}
	gg_append_kernel_time(&text, 1138111999, 0);
	expect("1.138111");
	gg_append_kernel_time(&text, 4220642000, 5);
	expect("    4.220642");
}

static struct gg_error *take(void *data, const char *bytes, size_t size)
{
	size_t *sizes = data;
	sizes[size == 2 && !memcmp(bytes, "a\n", 2)]++;
	return size == 3 ? gg_error_create(GG_SYSTEM, "full") : NULL;
}

static void test_write_out(void **state)
{
	size_t sizes[2] = { 0 };
	const struct gg_writer writer = { .write = take, .data = sizes };
	(void)state;
	assert_success(gg_write_out(&text, &writer));
	gg_buffer_append(&text, "a\n", 2);
	assert_success(gg_write_out(&text, &writer));
	assert_success(gg_write_out(&text, &writer));
	assert_int_equal(sizes[0], 0);
	assert_int_equal(sizes[1], 1);
	gg_buffer_append(&text, "bb\n", 3);
	assert_error(gg_write_out(&text, &writer), GG_SYSTEM, "full");
	gg_buffer_deinit(&text);
}

static void assert_name(const char *locale, const char *name, const char *shown, int columns)
{
	assert_non_null(setlocale(LC_CTYPE, locale));
	assert_int_equal(gg_append_name(&text, name), columns);
	expect(shown);
	setlocale(LC_CTYPE, "C");
}

static void test_names(void **state)
{
	(void)state;
	assert_name("C.UTF-8", "é€ 😀 x", "é€ 😀 x", 7);
	assert_name("C", "é x", "\\xc3\\xa9 x", 10);
	// A backslash, a control character, C1's, a direction, a byte order mark.
	assert_name("C.UTF-8", "a\\\033[m", "a\\x5c\\x1b[m", 11);
	assert_name("C.UTF-8", "\xc2\x9b\xe2\x80\xae", "\\xc2\\x9b\\xe2\\x80\\xae", 20);
	assert_name("C.UTF-8", "\xef\xbb\xbf", "\\xef\\xbb\\xbf", 12);
	// Cut off, too long, a half of a pair, an accent.
	assert_name("C.UTF-8", "b\xe2\x82", "b\\xe2\\x82", 9);
	assert_name("C.UTF-8", "\xc0\x80", "\\xc0\\x80", 8);
	assert_name("C.UTF-8", "\xed\xa0\x80", "\\xed\\xa0\\x80", 12);
	assert_name("C.UTF-8", "e\xcc\x81", "e\xcc\x81", 1);
	assert_name("C.UTF-8", "", "", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("a size has a unit and a decimal at most", test_sizes),
		UNIT_TEST("a range has its first and last address, size and block", test_range),
		UNIT_TEST("nine successive numbers or more are their first and last", test_numbers),
		UNIT_TEST("a time has two units at most, a kernel's time microseconds", test_times),
		UNIT_TEST(
			"a guest's name is shown as it is where the terminal shows UTF-8, else and "
			"where it would harm the terminal in escapes",
			test_names),
		UNIT_TEST("a text is written once, an empty text never", test_write_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
