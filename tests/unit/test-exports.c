// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"
#include "fake-exports.h"
#include "linux/symbols/exports.h"

#include <string.h>

static uint8_t image[FAKE_EXPORTS_SIZE];

static struct gg_exports *search(const struct fake_exports_shape *shape, size_t token_index)
{
	const struct gg_host host = fake_exports_host(shape, image);
	const struct gg_kallsyms_hints hints = {
		.image = FAKE_EXPORTS_START,
		.image_size = FAKE_EXPORTS_SIZE,
		.token_index = token_index ? FAKE_EXPORTS_START + token_index : 0
	};
	struct gg_exports *exports = NULL;
	assert_success(gg_exports_create(&host, &hints, &exports));
	return exports;
}

static void assert_all(const struct gg_exports *exports)
{
	gg_gva_t address;
	assert_int_equal(gg_exports_count(exports), FAKE_EXPORTS);
	for (unsigned int i = 0; i < FAKE_EXPORTS; i++) {
		char name[32];
		fake_export_name(i, name);
		assert_true(gg_exports_find(exports, name, &address));
		assert_int_equal(address, fake_export_address(i));
	}
	assert_false(gg_exports_find(exports, "pre", &address));
}

// ---- Tests ----

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < fake_exports_shape_count; i++) {
		// Behind kallsyms, without its place, and with a place behind the array.
		static const size_t places[] = { 0x1f000, 0, 0x34000 };
		print_message("# %s\n", fake_exports_shapes[i].name);
		fake_exports_write(&fake_exports_shapes[i], image);
		for (size_t j = 0; j < sizeof(places) / sizeof(*places); j++) {
			struct gg_exports *exports = search(&fake_exports_shapes[i], places[j]);
			assert_all(exports);
			gg_exports_destroy(exports);
		}
	}
}

static void test_btf(void **state)
{
	(void)state;
	gg_gva_t start, stop;
	for (size_t i = 0; i < fake_exports_shape_count; i++) {
		fake_exports_write(&fake_exports_shapes[i], image);
		struct gg_exports *exports = search(&fake_exports_shapes[i], 0);
		assert_true(gg_exports_find(exports, "__start_BTF", &start));
		assert_true(gg_exports_find(exports, "__stop_BTF", &stop));
		assert_int_equal(start, FAKE_EXPORTS_START + FAKE_BTF);
		assert_int_equal(stop, FAKE_EXPORTS_START + FAKE_BTF + FAKE_BTF_SIZE);
		gg_exports_destroy(exports);
	}
}

static void assert_no_btf(void)
{
	gg_gva_t address;
	struct gg_exports *exports = search(&fake_exports_shapes[0], 0);
	assert_false(gg_exports_find(exports, "__start_BTF", &address));
	assert_int_equal(gg_exports_count(exports), FAKE_EXPORTS);
	gg_exports_destroy(exports);
}

static void test_no_btf(void **state)
{
	(void)state;
	// Each word of the header, the first name and the last.
	static const struct {
		size_t offset;
		unsigned int size;
		uint64_t value;
	} damages[] = { { 0, 2, 0x9feb },
			{ 2, 1, 2 },
			{ 3, 1, 1 },
			{ 4, 4, 8 },
			{ 4, 4, 0x1000 },
			{ 12, 4, 0x10004 },
			{ 16, 4, 0x7fffffff },
			{ 20, 4, 0x7fffffff },
			{ 20, 4, 16 },
			{ 24 + 0x10000, 1, 1 },
			{ FAKE_BTF_SIZE - 1, 1, 'x' } };
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		fake_exports_write(&fake_exports_shapes[0], image);
		fake_exports_put(&fake_exports_shapes[0], image, FAKE_BTF + damages[i].offset,
				 damages[i].size, damages[i].value);
		assert_no_btf();
	}
}

static void test_damage(void **state)
{
	(void)state;
	gg_gva_t address;
	fake_exports_write(&fake_exports_shapes[0], image);
	// The entries around the name that is looked for lead nowhere.
	fake_exports_put(&fake_exports_shapes[0], image, FAKE_ARRAY + (FAKE_INIT_TASK + 1) * 12 + 4,
			 4, 0x7fffffff);
	struct gg_exports *exports = search(&fake_exports_shapes[0], 0);
	assert_int_equal(gg_exports_count(exports), 0);
	assert_false(gg_exports_find(exports, "init_task", &address));
	gg_exports_destroy(exports);
	// A name that is none ends the array.
	fake_exports_write(&fake_exports_shapes[0], image);
	fake_exports_put(&fake_exports_shapes[0], image, FAKE_ARRAY + 300 * 12 + 4, 4,
			 (uint64_t)-64);
	exports = search(&fake_exports_shapes[0], 0);
	assert_int_equal(gg_exports_count(exports), 300);
	gg_exports_destroy(exports);
	memset(image, 0, sizeof(image));
	exports = search(&fake_exports_shapes[0], 0);
	assert_int_equal(gg_exports_count(exports), 0);
	gg_exports_destroy(exports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("exported symbols of all layouts and byte orders have their addresses",
			  test_shapes),
		UNIT_TEST("the BTF behind the exported symbols has its place and its size",
			  test_btf),
		UNIT_TEST("a header of BTF that contradicts itself or its limits is none",
			  test_no_btf),
		UNIT_TEST("without sound neighbours a name is no export; a bad name ends the array",
			  test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
