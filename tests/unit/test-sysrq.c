// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include <gdb-guest/sysrq.h>

#include <ctype.h>
#include <string.h>

static void test_all_keys(void **state)
{
	(void)state;
	size_t count;
	unsigned int seen[128] = { 0 };
	const struct gg_sysrq_key *keys = gg_sysrq_keys(&count);
	for (size_t i = 0; i < count; i++) {
		assert_true(isalnum((unsigned char)keys[i].key));
		seen[(unsigned char)keys[i].key]++;
	}
	for (unsigned int key = 0; key < 128; key++)
		assert_int_equal(seen[key], isdigit((int)key) || islower((int)key) || key == 'R');
}

static void test_destroying(void **state)
{
	(void)state;
	size_t count, length = 0;
	char destroying[64];
	const struct gg_sysrq_key *keys = gg_sysrq_keys(&count);
	for (size_t i = 0; i < count; i++)
		if (keys[i].destroys)
			destroying[length++] = keys[i].key;
	destroying[length] = 0;
	assert_string_equal(destroying, "bcefgikou");
}

static void test_codes_differ(void **state)
{
	(void)state;
	size_t count;
	unsigned int seen[256] = { 0 };
	const struct gg_sysrq_key *keys = gg_sysrq_keys(&count);
	for (size_t i = 0; i < count; i++) {
		struct gg_sysrq_codes codes;
		gg_sysrq_type(keys[i].key, &codes);
		if (keys[i].key != 'R')
			seen[codes.press[codes.press_count - 1]]++;
	}
	for (unsigned int code = 0; code < 256; code++)
		assert_true(seen[code] <= 1);
	assert_int_equal(seen[0], 0);
}

static void assert_typed(char key, const char *press, const char *release)
{
	struct gg_sysrq_codes codes;
	gg_sysrq_type(key, &codes);
	assert_int_equal(codes.press_count, strlen(press));
	assert_memory_equal(codes.press, press, strlen(press));
	assert_int_equal(codes.release_count, strlen(release));
	assert_memory_equal(codes.release, release, strlen(release));
}

// The bytes of QEMU's sendkey, seen at the guest's port 0x60.
static void test_typing(void **state)
{
	(void)state;
	assert_typed('t', "\x38\x54\x14", "\x94\xd4\xb8");
	assert_typed('m', "\x38\x54\x32", "\xb2\xd4\xb8");
	assert_typed('l', "\x38\x54\x26", "\xa6\xd4\xb8");
	assert_typed('0', "\x38\x54\x0b", "\x8b\xd4\xb8");
	assert_typed('9', "\x38\x54\x0a", "\x8a\xd4\xb8");
	assert_typed('R', "\x38\x54\x2a\x13", "\x93\xaa\xd4\xb8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("every letter and digit is in the table once", test_all_keys),
		UNIT_TEST("the keys at which work is lost are marked", test_destroying),
		UNIT_TEST("each key has a code of its own", test_codes_differ),
		UNIT_TEST("a key is typed with Alt and SysRq, and let go in reverse", test_typing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
