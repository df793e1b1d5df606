// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "arch/arm64/arm64.h"
#include "fake-head.h"

#include <string.h>

static struct fake_head fake;

static int begin(void **state)
{
	(void)state;
	fake_head_write(&fake);
	fake_head_init(&fake);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_head_deinit(&fake);
	return 0;
}

static void put_pointer(size_t offset, size_t target)
{
	fake_head_put(&fake, offset, 8, FAKE_HEAD_START + target);
}

static void assert_found(void)
{
	gg_gva_t address;
	assert_success(gg_symbols_address(fake.kernel.symbols, "modules", &address));
	assert_int_equal(address, FAKE_HEAD_START + FAKE_HEAD);
}

static void assert_missing(void)
{
	gg_gva_t address;
	assert_error(gg_symbols_address(fake.kernel.symbols, "modules", &address), GG_NOT_FOUND,
		     "the kernel has no symbol modules");
}

static void test_found(void **state)
{
	enum { MODULE = 0x1800 };
	(void)state;
	assert_found();
	put_pointer(FAKE_HEAD, MODULE);
	put_pointer(FAKE_HEAD + 8, MODULE);
	put_pointer(MODULE, FAKE_HEAD);
	put_pointer(MODULE + 8, FAKE_HEAD);
	assert_found();
}

static void test_no_list(void **state)
{
	(void)state;
	put_pointer(FAKE_HEAD, FAKE_OTHER);
	assert_missing();
	put_pointer(FAKE_HEAD, FAKE_HEAD);
	put_pointer(FAKE_HEAD + 8, FAKE_OTHER);
	assert_missing();
	put_pointer(FAKE_HEAD + 8, FAKE_HEAD_SIZE);
	assert_missing();
}

static void test_few_readers(void **state)
{
	(void)state;
	fake.functions = 2;
	assert_found();
	fake.functions = 1;
	assert_missing();
	fake.functions = 0;
	assert_missing();
}

static void test_two_lists(void **state)
{
	// ldr x1, [x21] and ldr x1, [x20]
	const uint32_t reads[] = { 0xf94002a1, 0xf9400281 };
	(void)state;
	put_pointer(FAKE_OTHER, FAKE_OTHER);
	put_pointer(FAKE_OTHER + 8, FAKE_OTHER);
	fake_head_put(&fake, FAKE_HEAD_NOP, 4, reads[0]);
	assert_found();
	fake_head_put(&fake, FAKE_HEAD_FUNCTION + FAKE_HEAD_NOP, 4, reads[1]);
	assert_missing();
}

static void test_words(void **state)
{
	static const struct {
		uint32_t code[4];
		size_t count;
		gg_gva_t place;
	} cases[] = {
		// adrp x0, a page back; add x0, x0, #1, lsl #12; ldr x1, [x0, #8]
		{ { 0xf0ffffe0, 0x91400400, 0xf9400401 }, 1, FAKE_HEAD_START + 8 },
		// adrp x0; ldr x1, [x0, #-8]!; ldr x2, [x0, #16]
		{ { 0xb0000000, 0xf85f8c01, 0xf9400802 }, 2, FAKE_HEAD_START + 0xff8 },
		// adrp x0; bl; ldr x1, [x0]
		{ { 0xb0000000, 0x94000000, 0xf9400001 }, 0, 0 },
		// adrp x19; bl; ldr x1, [x19]
		{ { 0xb0000013, 0x94000000, 0xf9400261 }, 1, FAKE_HEAD_START + 0x1000 },
		// adrp x0; ldr x0, [x0]; ldr x1, [x0]
		{ { 0xb0000000, 0xf9400000, 0xf9400001 }, 1, FAKE_HEAD_START + 0x1000 },
		// adrp x0; mov x0, x1; ldr x1, [x0]
		{ { 0xb0000000, 0xaa0103e0, 0xf9400001 }, 0, 0 },
		// ldr x1, [sp, #8]
		{ { 0xf94007e1 }, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t code[16];
		gg_gva_t places[4] = { 0 };
		for (size_t j = 0; j < 4; j++)
			put_uint(code + 4 * j, 4, cases[i].code[j]);
		assert_int_equal(arm64_words_read(code, sizeof(code), FAKE_HEAD_START, places, 4),
				 cases[i].count);
		if (cases[i].count)
			assert_int_equal(places[0], cases[i].place);
		assert_true(arm64_words_read(code, sizeof(code), FAKE_HEAD_START, places, 1) <= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(sentence, function) UNIT_TEST_WITH(begin, end, sentence, function)
		TEST("the head of the modules is the word that functions which walk the list read",
		     test_found),
		TEST("a word whose neighbours do not lead back is no head of a list", test_no_list),
		TEST("a word that one function alone reads is not taken for the head",
		     test_few_readers),
		TEST("of two lists that functions read none is taken for the modules",
		     test_two_lists),
		UNIT_TEST("code of arm64 reads the words that its registers lead to", test_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
