// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page tables of x86 CPUs.
#include "x86-guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walked {
	char text[512];
};

static struct gg_error *collect_entry(void *data, const struct gg_walk_entry *entry)
{
	struct walked *walked = data;
	const size_t used = strlen(walked->text);
	snprintf(walked->text + used, sizeof(walked->text) - used, "%s %lx=%lx %s; ", entry->level,
		 entry->gpa, entry->value, entry->flags);
	return NULL;
}

static void expect_walk(struct gg_address_space *space, uint64_t gva, const char *entries,
			bool mapped, uint64_t gpa, uint64_t page_size)
{
	struct walked walked = { "" };
	struct gg_translation translation;
	assert_success(gg_address_space_walk(space, gva, collect_entry, &walked, &translation));
	assert_string_equal(walked.text, entries);
	assert_int_equal(translation.mapped, mapped);
	assert_int_equal(translation.page_size, page_size);
	if (!mapped)
		return;
	assert_int_equal(translation.gpa, gpa);
	if (gpa < 1 << 20) {
		assert_string_equal(translation.block, "block.0");
		assert_int_equal(translation.block_offset, gpa);
	} else {
		assert_null(translation.block);
	}
}

static void test_ia32(void **state)
{
	(void)state;
	uint8_t *ram = qemu.ram[0];
	uint8_t bytes[8];
	struct gg_address_space *space = use_tables(CR0_PG, PAGES | 0x18, CR4_PSE);
	put_uint(ram + PAGES + 4 * 512, 4, (PAGES + 0x1000) | 0x67);
	put_uint(ram + PAGES + 0x1000 + 4 * 3, 4, 0x5000 | 0x101);
	put_uint(ram + PAGES + 0x1000 + 4 * 4, 4, 0x6000 | 0x62);
	put_uint(ram + PAGES + 4 * 513, 4, 0x800000 | 0x81);
	memcpy(ram + 0x5ffc, "abcd", 4);
	expect_walk(space, 0x80003123, "PDE 10800=11067 P RW US A D; PTE 1100c=5101 P G; ", true,
		    0x5123, 0x1000);
	expect_walk(space, 0x80004000, "PDE 10800=11067 P RW US A D; PTE 11010=6062 not present; ",
		    false, 0, 0x1000);
	expect_walk(space, 0x80412345, "PDE 10804=800081 P PS; ", true, 0x812345, 0x400000);
	expect_walk(space, 0, "PDE 10000=0 not present; ", false, 0, 0x400000);
	assert_success(gg_address_space_read(space, 0x80003ffc, bytes, 4));
	assert_memory_equal(bytes, "abcd", 4);
	assert_error(gg_address_space_read(space, 0x80003ffc, bytes, 8), GG_FAULT,
		     "0x80004000 is not mapped: its PTE at guest-physical 0x11010 is 0x6062, not "
		     "present");
	assert_error(gg_address_space_read(space, 0x80412345, bytes, 8), GG_FAULT, "is not RAM");
	assert_error(gg_address_space_read(space, UINT64_C(1) << 32, bytes, 1), GG_BAD_DATA,
		     "beyond the 32 bits");

	// Without CR4.PSE bit 7 of a directory's entry means nothing.
	space = use_tables(CR0_PG, PAGES, 0);
	put_uint(ram + PAGES + 4 * 513, 4, (PAGES + 0x1000) | 0x81);
	expect_walk(space, 0x80403123, "PDE 10804=11081 P PS; PTE 1100c=5101 P G; ", true, 0x5123,
		    0x1000);
}

static void test_pae(void **state)
{
	(void)state;
	uint8_t *ram = qemu.ram[0];
	struct gg_address_space *space = use_tables(CR0_PG, PAGES + 0x20, CR4_PAE);
	put_uint(ram + PAGES + 0x20 + 8 * 2, 8, (PAGES + 0x1000) | 1);
	put_uint(ram + PAGES + 0x1000, 8, (PAGES + 0x2000) | 0x27);
	put_uint(ram + PAGES + 0x1000 + 8, 8, UINT64_C(0x8000000000000000) | 0x200000 | 0xe3);
	put_uint(ram + PAGES + 0x2000 + 8 * 5, 8, 0x7000 | 0x3);
	expect_walk(space, 0x80005678,
		    "PDPTE 10030=11001 P; PDE 11000=12027 P RW US A; PTE 12028=7003 P RW; ", true,
		    0x7678, 0x1000);
	expect_walk(space, 0x80212345,
		    "PDPTE 10030=11001 P; PDE 11008=80000000002000e3 P RW A D PS NX; ", true,
		    0x212345, 0x200000);
	expect_walk(space, 0xffffffff, "PDPTE 10038=0 not present; ", false, 0, 0x40000000);
}

static void test_no_paging(void **state)
{
	(void)state;
	uint8_t byte;
	struct gg_address_space *space = use_tables(1, 0x1234000, CR4_PAE);
	qemu.ram[0][0x8123] = 0x5a;
	expect_walk(space, 0x8123, "", true, 0x8123, UINT64_C(1) << 32);
	assert_success(gg_address_space_read(space, 0x8123, &byte, 1));
	assert_int_equal(byte, 0x5a);
	assert_error(gg_address_space_read(space, UINT64_C(1) << 40, &byte, 1), GG_BAD_DATA,
		     "beyond the 32 bits");
	assert_error(gg_guest_address_space(guest, 2, NULL, &space), GG_NOT_FOUND,
		     "there is no CPU 2");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("page tables of 32-bit entries are walked", test_ia32),
		UNIT_TEST("page tables of PAE are walked", test_pae),
		UNIT_TEST("without paging addresses are guest-physical", test_no_paging),
	};
	return RUN_WITH_GUEST(tests);
}
