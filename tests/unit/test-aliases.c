// SPDX-License-Identifier: GPL-3.0-or-later
//
// Program headers for what a kernel maps besides its image and its direct map. The areas are those of
// Linux Documentation/arch/x86/x86_64/mm.rst without KASLR.
#include "unit.h"
#include "fake-qemu.h"
#include "page-image.h"

#include "vmcore/aliases.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct gg_arch gg_arch_x86_64;

#define DIRECT_MAP UINT64_C(0xffff888000000000)
#define VMALLOC    UINT64_C(0xffffc90000000000)
#define ENTRY_AREA UINT64_C(0xfffffe0000000000)
#define IMAGE      UINT64_C(0xffffffffa0000000)
#define MODULES    UINT64_C(0xffffffffc0000000)

enum { IMAGE_GPA = 0x30000, SEGMENT_OFFSET = 0x100000 };

// Tables at 0x1000; each area has a table of its own at each level.
struct test_kernel {
	struct page_image *image;
	struct gg_kernel kernel;
	struct fake_qemu qemu;
	struct gg_guest *guest;
	struct gg_vmcore_segment segments[2];
	struct gg_vmcore_elf elf;
	uint64_t next_table;
};

static void put(struct test_kernel *test, uint64_t gpa, uint64_t value)
{
	char line[64];
	snprintf(line, sizeof(line), "word 0x%llx 0x%llx", (unsigned long long)gpa,
		 (unsigned long long)value);
	assert_true(page_image_line(test->image, line));
}

// Returns the last table for GVA's area, which no other area shares.
static uint64_t make_tables(struct test_kernel *test, gg_gva_t gva)
{
	uint64_t table = 0x1000;
	for (unsigned int shift = 39; shift > 12; shift -= 9) {
		put(test, table + (gva >> shift & 511) * 8, test->next_table | 0x67);
		table = test->next_table;
		test->next_table += 0x1000;
	}
	return table;
}

static void map_pages(struct test_kernel *test, uint64_t table, unsigned int index, gg_gpa_t gpa,
		      unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		put(test, table + (index + i) * 8, (gpa + i * 0x1000) | 0x67);
}

static void start(struct test_kernel *test, size_t room)
{
	*test = (struct test_kernel){ .image = page_image_create(), .next_table = 0x2000 };
	assert_true(page_image_line(test->image, "format x86-64 root=0x1000"));
	assert_true(page_image_line(test->image, "ram 0 0x20000"));
	assert_true(page_image_line(test->image, "ram 0x30000 0x20000"));
	fake_qemu_init(&test->qemu, FAKE_7_2, NULL, 0);
	assert_success(gg_guest_create(gg_bytes_host(test->qemu.bytes), &(struct gg_target){ 0 },
				       &test->guest));
	test->segments[0] =
		(struct gg_vmcore_segment){ .gpa = 0, .size = 0x20000, .offset = SEGMENT_OFFSET };
	test->segments[1] = (struct gg_vmcore_segment){ .gpa = 0x30000,
							.size = 0x20000,
							.offset = SEGMENT_OFFSET + 0x20000 };
	test->elf = (struct gg_vmcore_elf){
		.arch = &gg_arch_x86_64, .segments = test->segments, .count = 2, .alias_room = room
	};
	test->kernel = (struct gg_kernel){ .arch = &gg_arch_x86_64,
					   .image = IMAGE,
					   .image_gpa = IMAGE_GPA,
					   .image_size = 0x2000,
					   .has_direct_map = true,
					   .direct_map = DIRECT_MAP };
	test->kernel.paging.paging.levels = 4;
	test->kernel.paging.direct_map_start = DIRECT_MAP;
}

static void find(struct test_kernel *test, bool expected)
{
	bool complete;
	assert_success(page_image_table(test->image, &test->kernel.table));
	assert_success(gg_vmcore_find_aliases(test->guest, &test->kernel, &test->elf, &complete));
	assert_int_equal(complete, expected);
}

static void stop(struct test_kernel *test)
{
	gg_guest_destroy(test->guest);
	fake_qemu_deinit(&test->qemu);
	page_image_destroy(test->image);
	free(test->elf.aliases);
}

static void assert_alias(const struct test_kernel *test, size_t i, gg_gva_t gva, uint64_t size,
			 gg_gpa_t gpa)
{
	const struct gg_vmcore_segment *alias = &test->elf.aliases[i];
	assert_true(i < test->elf.alias_count);
	assert_int_equal(alias->gva, gva);
	assert_int_equal(alias->size, size);
	assert_int_equal(alias->gpa, gpa);
	assert_int_equal(alias->offset, SEGMENT_OFFSET + gpa - (gpa >= 0x30000 ? 0x10000 : 0));
}

static void test_areas(void **state)
{
	(void)state;
	struct test_kernel test;
	start(&test, 100);
	map_pages(&test, make_tables(&test, DIRECT_MAP), 0, 0, 32);
	const uint64_t vmalloc = make_tables(&test, VMALLOC);
	map_pages(&test, vmalloc, 0, 0x10000, 4);
	map_pages(&test, vmalloc, 5, 0x14000, 1);
	map_pages(&test, vmalloc, 6, 0xfec00000, 1); // MMIO
	map_pages(&test, vmalloc, 7, 0x1f000, 1);
	map_pages(&test, vmalloc, 8, 0x20000, 1); // no RAM, adjacent to RAM
	map_pages(&test, make_tables(&test, ENTRY_AREA), 1, 0x31000, 1);
	const uint64_t image = make_tables(&test, IMAGE);
	map_pages(&test, image, 0, IMAGE_GPA, 2);
	map_pages(&test, image, 2, 0x40000, 1); // not the image's
	test.segments[0].gva = DIRECT_MAP;
	find(&test, true);
	assert_int_equal(test.elf.alias_count, 6);
	assert_alias(&test, 0, VMALLOC, 0x4000, 0x10000);
	assert_alias(&test, 1, VMALLOC + 0x5000, 0x1000, 0x14000);
	assert_alias(&test, 2, VMALLOC + 0x7000, 0x1000, 0x1f000);
	assert_alias(&test, 3, ENTRY_AREA + 0x1000, 0x1000, 0x31000);
	assert_alias(&test, 4, IMAGE + 0x2000, 0x1000, 0x40000);
	assert_alias(&test, 5, DIRECT_MAP, 0x1000, 0);
	stop(&test);
}

static void test_bound(void **state)
{
	(void)state;
	struct test_kernel test;
	start(&test, 3);
	const uint64_t vmalloc = make_tables(&test, VMALLOC);
	map_pages(&test, vmalloc, 0, 0x10000, 1);
	map_pages(&test, vmalloc, 2, 0x12000, 1);
	map_pages(&test, make_tables(&test, ENTRY_AREA), 1, 0x31000, 1);
	map_pages(&test, make_tables(&test, MODULES), 0, 0x32000, 1);
	find(&test, false);
	assert_int_equal(test.elf.alias_count, 2);
	assert_alias(&test, 0, ENTRY_AREA + 0x1000, 0x1000, 0x31000);
	assert_alias(&test, 1, MODULES, 0x1000, 0x32000);
	test.elf.alias_room = 5;
	find(&test, true);
	assert_int_equal(test.elf.alias_count, 4);
	stop(&test);
}

static void test_hostile(void **state)
{
	(void)state;
	struct test_kernel test;
	start(&test, 33);
	// Each entry of the root, and each of its entries, is the root.
	for (unsigned int i = 0; i < 512; i++)
		put(&test, 0x1000 + i * 8, 0x1067);
	find(&test, false);
	assert_int_equal(test.elf.alias_count, 32);
	stop(&test);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("the areas' runs are aliases of RAM in the file, without the image, the "
			  "direct map and MMIO; the last header is the direct map's",
			  test_areas),
		UNIT_TEST("without room for all, the CPUs' areas and the modules come first",
			  test_bound),
		UNIT_TEST("tables that map everything end at a bound", test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
