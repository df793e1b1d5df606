// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"
#include "fake-kallsyms.h"
#include "linux/symbols/kallsyms-far.h"

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

// The memory of an image, and the bytes that were read of it.
static size_t bytes_read;

static struct gg_error *read_counted(void *data, uint64_t gva, void *buffer, size_t size)
{
	bytes_read += size;
	return gg_host_read(data, gva, buffer, size);
}

static const struct gg_host_ops counted_ops = { .read = read_counted };

static struct gg_error *open_far(struct gg_host *host, struct gg_kallsyms_far **ret)
{
	static struct gg_host of_image, counted;
	of_image = fake_image_host(image);
	counted = (struct gg_host){ .ops = &counted_ops, .data = &of_image, .address_size = 8 };
	*host = counted;
	return gg_kallsyms_far_create(&counted, &hints, ret);
}

static void assert_alike(const struct gg_kallsyms *kallsyms, struct gg_kallsyms_far *far,
			 uint64_t address)
{
	struct gg_symbol symbol, other = { 0 };
	if (!gg_kallsyms_at(kallsyms, address, &symbol)) {
		assert_error(gg_kallsyms_far_at(far, address, &other), GG_NOT_FOUND, "symbol");
		return;
	}
	assert_success(gg_kallsyms_far_at(far, address, &other));
	assert_string_equal(other.name, symbol.name);
	assert_int_equal(other.address, symbol.address);
	assert_int_equal(other.size, symbol.size);
	assert_int_equal(other.type, symbol.type);
}

static void check_far_at(const struct fake_kallsyms *fake)
{
	struct gg_kallsyms *kallsyms;
	struct gg_kallsyms_far *far;
	struct gg_host host;
	assert_success(read_kallsyms(&kallsyms));
	assert_success(open_far(&host, &far));
	for (unsigned int i = 0; i < FAKE_SYMBOLS; i += 3) {
		char name[512], type;
		uint64_t address;
		fake_symbol(fake, i, name, &type, &address);
		assert_alike(kallsyms, far, address);
		assert_alike(kallsyms, far, address - 1);
		assert_alike(kallsyms, far, address + 1);
	}
	assert_alike(kallsyms, far, UINT64_MAX);
	gg_kallsyms_far_destroy(far);
	gg_kallsyms_destroy(kallsyms);
}

static void check_far(const struct fake_kallsyms *fake)
{
	struct gg_kallsyms *kallsyms;
	struct gg_kallsyms_far *far;
	struct gg_host host;
	assert_success(read_kallsyms(&kallsyms));
	assert_success(open_far(&host, &far));
	for (unsigned int i = 0; i < FAKE_SYMBOLS; i++) {
		char name[512], type;
		uint64_t address;
		struct gg_symbol symbol, other = { 0 };
		fake_symbol(fake, i, name, &type, &address);
		assert_true(gg_kallsyms_find(kallsyms, name, &symbol));
		assert_success(gg_kallsyms_far_find(far, name, &other));
		assert_int_equal(other.address, symbol.address);
		assert_int_equal(other.size, symbol.size);
		assert_int_equal(other.type, symbol.type);
	}
	struct gg_symbol none;
	assert_error(gg_kallsyms_far_find(far, "no_such_symbol", &none), GG_NOT_FOUND, "kallsyms");
	assert_error(gg_kallsyms_far_find(far, "", &none), GG_NOT_FOUND, "kallsyms");
	gg_kallsyms_far_destroy(far);
	gg_kallsyms_destroy(kallsyms);
}

static void test_far(void **state)
{
	(void)state;
	for (size_t i = 0; i < fake_kallsyms_count; i++) {
		struct gg_kallsyms_far *far = NULL;
		struct gg_host host;
		print_message("# %s\n", fake_kallsyms[i].version);
		write_version(i);
		if (fake_kallsyms[i].sequences)
			check_far(&fake_kallsyms[i]);
		else
			assert_error(open_far(&host, &far), GG_NOT_FOUND, "kallsyms");
		forget_places();
		assert_error(open_far(&host, &far), GG_NOT_FOUND, "kallsyms");
	}
}

static void test_far_at(void **state)
{
	(void)state;
	unsigned int count = 0;
	for (size_t i = 0; i < fake_kallsyms_count; i++)
		if (fake_kallsyms[i].sequences) {
			print_message("# %s\n", fake_kallsyms[i].version);
			write_version(i);
			check_far_at(&fake_kallsyms[i]);
			count++;
		}
	assert_true(count > 2);
}

static void test_far_bytes(void **state)
{
	(void)state;
	enum { V6_15 = 9 };
	struct gg_kallsyms_far *far;
	struct gg_host host;
	struct gg_symbol symbol = { 0 };
	write_version(V6_15);
	assert_success(open_far(&host, &far));
	bytes_read = 0;
	assert_success(gg_kallsyms_far_find(far, "sys_call_1", &symbol));
	// Ten steps, each through a block of 256 short names at most, and some numbers.
	assert_in_range(bytes_read, 1, 10 * 5 * 1024);
	gg_kallsyms_far_destroy(far);

	// A number that no symbol has.
	memset(image + (hints.relative_base + 8 - hints.image), 0xff, FAKE_SYMBOLS * 3);
	far = NULL;
	assert_error(open_far(&host, &far), GG_NOT_FOUND, "kallsyms");
	write_version(V6_15);
	assert_success(open_far(&host, &far));
	memset(image + (hints.relative_base + 8 - hints.image), 0xff, FAKE_SYMBOLS * 3);
	assert_error(gg_kallsyms_far_find(far, "sys_call_1", &symbol), GG_BAD_DATA,
		     "kallsyms_seqs_of_names has 16777215");
	gg_kallsyms_far_destroy(far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("kallsyms of v4.6 to v7.0 are read where VMCOREINFO says", test_versions),
		UNIT_TEST("kallsyms of v4.6 to v7.0 are found by their structure", test_search),
		UNIT_TEST("of several symbols at an address, or of a name, it is the first",
			  test_look_ups),
		UNIT_TEST("kallsyms of v6.2 and later are searched by name, with the same answers",
			  test_far),
		UNIT_TEST(
			"kallsyms of v6.2 and later are searched by address, with the same answers",
			test_far_at),
		UNIT_TEST("a search by name reads little, and no number beyond the symbols",
			  test_far_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
