// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"
#include "fake-kallsyms.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("kallsyms of v4.6 to v7.0 are read where VMCOREINFO says", test_versions),
		UNIT_TEST("kallsyms of v4.6 to v7.0 are found by their structure", test_search),
		UNIT_TEST("of several symbols at an address, or of a name, it is the first",
			  test_look_ups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
