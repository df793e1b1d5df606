// SPDX-License-Identifier: GPL-3.0-or-later
//
// The emitter of JSON, and the buffer that it appends to.
#include "unit.h"
#include "base/json.h"

#include <string.h>

static void expect(struct gg_buffer *text, const char *expected)
{
	gg_buffer_append(text, "", 1);
	assert_success(gg_buffer_check(text));
	assert_string_equal((const char *)text->bytes, expected);
	gg_buffer_deinit(text);
}

static void test_structure(void **state)
{
	(void)state;
	struct gg_buffer text = { 0 };
	for (unsigned int line = 0; line < 2; line++) {
		gg_json_open_object(&text, NULL);
		gg_json_string(&text, "name", "vmcore");
		gg_json_open_array(&text, "sizes");
		gg_json_uint(&text, NULL, 1);
		gg_json_open_array(&text, NULL);
		gg_json_close_array(&text);
		gg_json_open_object(&text, NULL);
		gg_json_close_object(&text);
		gg_json_close_array(&text);
		gg_json_bool(&text, "whole", line);
		gg_json_string(&text, "path", NULL);
		gg_json_format(&text, "time", "%d.%02d", 1, 5);
		gg_json_close_object(&text);
		gg_json_end_line(&text);
	}
	expect(&text, "{\"name\":\"vmcore\",\"sizes\":[1,[],{}],\"whole\":false,\"path\":null,"
		      "\"time\":1.05}\n"
		      "{\"name\":\"vmcore\",\"sizes\":[1,[],{}],\"whole\":true,\"path\":null,"
		      "\"time\":1.05}\n");
}

static void test_strings(void **state)
{
	// The last bytes of these are what no comma stands behind, were they not quoted.
	static const char odd[] = "a\"b\\c\x1b[2J\n\xc3\xa9\xf0\x9f\x98\x80\xff{";
	(void)state;
	struct gg_buffer text = { 0 };
	gg_json_open_object(&text, NULL);
	gg_json_string(&text, "text:", odd);
	gg_json_bytes(&text, "nul[", "\0:", 2);
	gg_json_key(&text, "\x1b=", 2);
	gg_json_string(&text, NULL, "");
	gg_json_close_object(&text);
	expect(&text, "{\"text:\":\"a\\\"b\\\\c\\u001b[2J\\u000a\\u00e9\\ud83d\\ude00\\udcff{\","
		      "\"nul[\":\"\\u0000:\",\"\\u001b=\":\"\"}");
}

static void test_numbers(void **state)
{
	(void)state;
	struct gg_buffer text = { 0 };
	gg_json_open_array(&text, NULL);
	gg_json_uint(&text, NULL, UINT64_MAX);
	gg_json_address(&text, NULL, 0xfd000);
	gg_json_address(&text, NULL, UINT64_MAX);
	gg_json_null(&text, NULL);
	gg_json_close_array(&text);
	expect(&text, "[18446744073709551615,\"0x00000000000fd000\",\"0xffffffffffffffff\",null]");
}

static void test_no_address(void **state)
{
	(void)state;
	struct gg_buffer text = { 0 };
	gg_json_open_array(&text, NULL);
	gg_json_string(&text, NULL, "0x00000000000fd000");
	gg_json_string(&text, NULL, "0x00000000000fd00");
	gg_json_close_array(&text);
	expect(&text, "[\"\\u0030x00000000000fd000\",\"0x00000000000fd00\"]");
}

static void test_format(void **state)
{
	enum { MANY = 3000 };
	char word[MANY + 1];
	(void)state;
	memset(word, 'x', MANY);
	for (size_t size = 0; size <= MANY; size += size < 250 || size > 260 ? 50 : 1) {
		struct gg_buffer text = { 0 };
		word[size] = 0;
		gg_buffer_format(&text, "%s!", word);
		assert_int_equal(text.size, size + 1);
		assert_int_equal(text.bytes[size], '!');
		gg_buffer_deinit(&text);
		word[size] = 'x';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("values have commas between them, lines have none", test_structure),
		UNIT_TEST("a string is ASCII, whatever bytes it has", test_strings),
		UNIT_TEST("an integer has all its digits, an address is a string", test_numbers),
		UNIT_TEST("a text that looks like an address begins with an escape",
			  test_no_address),
		UNIT_TEST("a formatted text of any length is appended whole", test_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
