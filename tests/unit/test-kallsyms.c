// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"
#include "fake-kallsyms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t image[FAKE_IMAGE_SIZE];
static struct gg_kallsyms_hints hints;

static void forget_places(void)
{
	hints.num_syms = hints.names = hints.token_table = hints.token_index = 0;
	hints.offsets = hints.relative_base = hints.addresses = 0;
}

static struct gg_error *read_kallsyms(struct gg_kallsyms **ret)
{
	const struct gg_host host = fake_image_host(image);
	return gg_kallsyms_create(&host, &hints, ret);
}

static void write_version(size_t version)
{
	memset(image, 0, sizeof(image));
	fake_kallsyms_write(&fake_kallsyms[version], image, &hints);
}

// Each symbol by its number, by its address and by its name.
static void check_symbols(const struct fake_kallsyms *fake, const struct gg_kallsyms *kallsyms)
{
	assert_int_equal(gg_kallsyms_count(kallsyms), FAKE_SYMBOLS);
	for (unsigned int i = 0; i < FAKE_SYMBOLS; i++) {
		char name[512], type;
		uint64_t address;
		struct gg_symbol symbol;
		fake_symbol(fake, i, name, &type, &address);
		gg_kallsyms_get(kallsyms, i, &symbol);
		assert_string_equal(symbol.name, name);
		assert_int_equal(symbol.type, type);
		assert_int_equal(symbol.address, address);
		assert_true(gg_kallsyms_find(kallsyms, name, &symbol));
		assert_string_equal(symbol.name, name);
		assert_true(symbol.address <= address);
		assert_true(gg_kallsyms_at(kallsyms, address, &symbol));
		assert_int_equal(symbol.address, address);
	}
}

static void test_versions(void **state)
{
	(void)state;
	for (size_t i = 0; i < fake_kallsyms_count; i++) {
		struct gg_kallsyms *kallsyms;
		print_message("# %s, by VMCOREINFO\n", fake_kallsyms[i].version);
		write_version(i);
		assert_success(read_kallsyms(&kallsyms));
		check_symbols(&fake_kallsyms[i], kallsyms);
		gg_kallsyms_destroy(kallsyms);
	}
}

static void test_search(void **state)
{
	(void)state;
	for (size_t i = 0; i < fake_kallsyms_count; i++) {
		struct gg_kallsyms *kallsyms;
		print_message("# %s, by structure\n", fake_kallsyms[i].version);
		write_version(i);
		forget_places();
		// Bytes that only look like the tokens, before and behind.
		memcpy(image + 0x100, "0\0001\0002\0003\0004\0005\0006\0007\0008\0009", 20);
		memcpy(image + FAKE_IMAGE_SIZE - 40,
		       "0\0001\0002\0003\0004\0005\0006\0007\0008\0009", 20);
		assert_success(read_kallsyms(&kallsyms));
		check_symbols(&fake_kallsyms[i], kallsyms);
		gg_kallsyms_destroy(kallsyms);
	}
}

static void test_look_ups(void **state)
{
	(void)state;
	struct gg_kallsyms *kallsyms;
	struct gg_symbol symbol;
	const struct fake_kallsyms *fake = &fake_kallsyms[5];
	char name[512], type;
	uint64_t address;
	write_version(5);
	assert_success(read_kallsyms(&kallsyms));

	// The first of two at one address, and its size is up to the next address.
	fake_symbol(fake, FAKE_ALIAS - 1, name, &type, &address);
	assert_true(gg_kallsyms_at(kallsyms, address + 5, &symbol));
	assert_string_equal(symbol.name, name);
	assert_int_equal(symbol.size, 0x80);
	assert_false(gg_kallsyms_find(kallsyms, "no_such_symbol", &symbol));
	assert_false(gg_kallsyms_find(kallsyms, "", &symbol));

	// The lower of two with one name; their names follow from the number modulo 550.
	fake_symbol(fake, 560, name, &type, &address);
	assert_true(gg_kallsyms_find(kallsyms, name, &symbol));
	assert_int_equal(symbol.address, address - 550 * 0x40);

	// Behind the last symbol there is only that, below the first none.
	assert_true(gg_kallsyms_at(kallsyms, UINT64_MAX, &symbol));
	fake_symbol(fake, FAKE_SYMBOLS - 1, name, &type, &address);
	assert_int_equal(symbol.address, address);
	gg_kallsyms_destroy(kallsyms);

	write_version(0);
	assert_success(read_kallsyms(&kallsyms));
	assert_false(gg_kallsyms_at(kallsyms, FAKE_IMAGE, &symbol));
	gg_kallsyms_destroy(kallsyms);
}

static uint8_t *at(gg_gva_t gva)
{
	return image + (gva - FAKE_IMAGE);
}

static void test_damage(void **state)
{
	(void)state;
	enum { V6_1 = 5 };
	struct gg_kallsyms *kallsyms;
	write_version(V6_1);
	hints.text += 8;
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "_stext is at 0xffffffff81200008");

	write_version(V6_1);
	put_uint(at(hints.num_syms), 4, UINT32_MAX);
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA,
		     "kallsyms_num_syms is 4294967295, not 1 to 4194304");
	put_uint(at(hints.num_syms), 4, 0);
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "kallsyms_num_syms is 0");
	put_uint(at(hints.num_syms), 4, FAKE_SYMBOLS * 1000);
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "kallsyms_names");

	write_version(V6_1);
	put_uint(at(hints.token_index) + 2 * 't', 2, 0xffff);
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "kallsyms_token_index[116] is 65535");

	write_version(V6_1);
	*at(hints.token_table + 2 * 'q') = 0x1b;
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "has the byte 0x1b");

	write_version(V6_1);
	*at(hints.names) = 0;
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "is empty");

	write_version(V6_1);
	put_uint(at(hints.offsets) + 4 * 300, 4, (uint32_t)-1);
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "with all symbols in order");

	write_version(V6_1);
	hints.names = hints.token_table + 8;
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "not at most 0x2000000 bytes behind");
	hints.names = hints.token_table - 0x8000;
	hints.token_index = FAKE_IMAGE + FAKE_IMAGE_SIZE - 4;
	assert_error(read_kallsyms(&kallsyms), GG_FAULT, "not in the image");

	memset(image, 0, sizeof(image));
	forget_places();
	assert_error(read_kallsyms(&kallsyms), GG_NOT_FOUND, "not in the kernel's image");
}

// Each token stands for more bytes than a name may have.
static void test_huge_names(void **state)
{
	(void)state;
	struct gg_kallsyms *kallsyms;
	write_version(5);
	memset(at(hints.token_table), 'a', 255);
	*at(hints.token_table + 255) = 0;
	for (unsigned int i = 0; i < 256; i++)
		put_uint(at(hints.token_index) + 2 * i, 2, 0);
	assert_error(read_kallsyms(&kallsyms), GG_BAD_DATA, "has more than 512 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("kallsyms of v4.6 to v7.0 are read where VMCOREINFO says", test_versions),
		UNIT_TEST("kallsyms of v4.6 to v7.0 are found by their structure", test_search),
		UNIT_TEST("of several symbols at an address, or of a name, it is the first",
			  test_look_ups),
		UNIT_TEST("tables that contradict themselves are errors", test_damage),
		UNIT_TEST("names have a limit", test_huge_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
