// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"
#include "fake-qemu.h"

#include "qemu/ram.h"

#include <string.h>

// A PC's: RAM below and above the PCI hole from one block, I/O in the hole, a ROM.
static const struct fake_range pc[] = {
	{ 0x0, 0xa000, 0x0, FAKE_RAM, 0 },
	{ 0xa000, 0x2000, 0x0, FAKE_IO, 1 },
	{ 0xc000, 0x4000, 0xc000, FAKE_RAM, 0 },
	{ 0x10000, 0x10000, 0x10000, FAKE_RAM, 0 },
	{ 0x100000000, 0x8000, 0x20000, FAKE_RAM, 0 },
	{ 0x200000000, 0x1000, 0, FAKE_RAM_DEVICE, 2 },
	{ 0x200001000, 0x1000, 0, FAKE_NONVOLATILE, 3 },
	{ 0xfffffffffffff000, 0x1000, 0, FAKE_RAM, 4 },
};
enum { PC_RANGES = sizeof(pc) / sizeof(*pc) };

static struct fake_qemu qemu;
static struct gg_qemu_ram ram;

static struct gg_error *read_ram(void)
{
	return gg_qemu_ram_read(gg_bytes_host(qemu.bytes), &ram);
}

static void expect_range(size_t index, uint64_t start, uint64_t size, uint64_t hva,
			 const char *block)
{
	assert_true(index < ram.count);
	assert_int_equal(ram.ranges[index].start, start);
	assert_int_equal(ram.ranges[index].size, size);
	assert_int_equal(ram.ranges[index].hva, hva);
	assert_string_equal(ram.ranges[index].block, block);
}

static int end_test(void **state)
{
	(void)state;
	gg_qemu_ram_deinit(&ram);
	fake_qemu_deinit(&qemu);
	return 0;
}

static void expect_pc(void)
{
	assert_success(read_ram());
	expect_range(0, 0x0, 0xa000, qemu.hva[0], "block.0");
	expect_range(1, 0xc000, 0x14000, qemu.hva[0] + 0xc000, "block.0");
	expect_range(2, 0x100000000, 0x8000, qemu.hva[0] + 0x20000, "block.0");
}

static void test_new(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, pc, PC_RANGES);
	expect_pc();
	expect_range(3, 0xfffffffffffff000, 0x1000, qemu.hva[4], "block.4");
	assert_int_equal(ram.count, 4);
}

static void test_ram_addr(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_2_5, pc, 6);
	expect_pc();
	assert_int_equal(ram.count, 3);
}

static void test_length(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_2_2, pc, 5);
	expect_pc();
	assert_int_equal(ram.count, 3);
}

static void test_missing_member(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_2_2, NULL, 0);
	struct gg_bytes_host *bare;
	assert_success(gg_bytes_host_create(&bare));
	assert_error(gg_qemu_ram_read(gg_bytes_host(bare), &ram), GG_NOT_FOUND,
		     "not a QEMU system emulator");
	assert_success(gg_bytes_host_add_symbol(bare, "address_space_memory", 0));
	assert_error(gg_qemu_ram_read(gg_bytes_host(bare), &ram), GG_NOT_FOUND, "debuginfo");
	assert_success(gg_bytes_host_add_member(bare, "AddressSpace", "", 0, 64));
	assert_error(gg_qemu_ram_read(gg_bytes_host(bare), &ram), GG_NOT_FOUND,
		     "type AddressSpace has no member current_map");
	gg_bytes_host_destroy(bare);
}

static void test_alias(void **state)
{
	(void)state;
	const struct fake_range ranges[] = {
		{ 0x0, 0x1000, 0x3000, FAKE_RAM, 0 },
		{ 0x8000, 0x1000, 0x1000, FAKE_RAM, 1 },
	};
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 2);
	// Region 1 becomes an alias of region 0, 0x2000 bytes into it.
	uint8_t *region = qemu.structures + FAKE_REGION + FAKE_REGION_SIZE;
	put_uint(region + 128, 8, FAKE_STRUCTURES + FAKE_REGION);
	put_uint(region + 136, 8, 0x2000);
	assert_success(read_ram());
	expect_range(1, 0x8000, 0x1000, qemu.hva[0] + 0x3000, "block.0");

	gg_qemu_ram_deinit(&ram);
	put_uint(region + 128, 8, FAKE_STRUCTURES + FAKE_REGION + FAKE_REGION_SIZE);
	assert_error(read_ram(), GG_BAD_DATA, "aliases in a row");
}

static void test_virtio_mem(void **state)
{
	(void)state;
	const struct fake_range ranges[] = {
		{ 0x100000, 0x8000, 0x2800, FAKE_VIRTIO_MEM, 0 },
	};
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	assert_success(read_ram());
	assert_int_equal(ram.count, 0);

	// Blocks 1, 2, 3, 6, 10 and 12 are plugged; the range shows the blocks from the middle of 2
	// to that of 10.
	put_uint(qemu.structures + FAKE_VIRTIO_MEM_BITMAP, 2, 0x144e);
	gg_qemu_ram_deinit(&ram);
	assert_success(read_ram());
	expect_range(0, 0x100000, 0x1800, qemu.hva[0] + 0x2800, "block.0");
	expect_range(1, 0x103800, 0x1000, qemu.hva[0] + 0x6000, "block.0");
	expect_range(2, 0x107800, 0x800, qemu.hva[0] + 0xa000, "block.0");
	assert_int_equal(ram.count, 3);
}

static void test_virtio_mem_damage(void **state)
{
	(void)state;
	const struct fake_range ranges[] = {
		{ 0x100000, 0x8000, 0, FAKE_VIRTIO_MEM, 0 },
	};
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	put_uint(qemu.structures + FAKE_VIRTIO_MEM_OBJECT + 32, 8, 0);
	assert_error(read_ram(), GG_BAD_DATA, "block_size is 0");
	put_uint(qemu.structures + FAKE_VIRTIO_MEM_OBJECT + 32, 8, 1);
	put_uint(qemu.structures + FAKE_VIRTIO_MEM_OBJECT + 24, 4, UINT32_MAX);
	assert_error(read_ram(), GG_BAD_DATA, "bitmap_size 4294967295");
	memcpy(qemu.structures + FAKE_TYPE_NAME, "ram-block-\x1b", 12);
	assert_error(read_ram(), GG_UNSUPPORTED, "it is a ram-block-\\x1b, not a virtio-mem");
}

static uint8_t *receive(unsigned int region, uint64_t bitmap)
{
	uint8_t *block = qemu.structures + FAKE_BLOCK + region * FAKE_BLOCK_STRUCT_SIZE;
	put_uint(block + FAKE_BLOCK_RECEIVEDMAP, 8, bitmap);
	return block;
}

static void test_arriving(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, pc, PC_RANGES);
	uint8_t *block = receive(0, FAKE_STRUCTURES + FAKE_RECEIVED);
	put_uint(qemu.structures + FAKE_RECEIVED, 8, 0xfedcba9876);
	assert_success(read_ram());
	assert_int_equal(ram.absence_count, 1);
	assert_int_equal(ram.absences[0].reason, GG_NOT_ARRIVED);
	assert_int_equal(ram.absences[0].hva, qemu.hva[0]);
	assert_int_equal(ram.absences[0].size, 0x28000);
	assert_int_equal(ram.absences[0].page_size, 4096);
	assert_memory_equal(ram.absences[0].present, "\x76\x98\xba\xdc\xfe", 5);

	// A bitmap that cannot be read has no page that has arrived.
	gg_qemu_ram_deinit(&ram);
	receive(0, 0x10);
	assert_success(read_ram());
	assert_memory_equal(ram.absences[0].present, "\0\0\0\0\0", 5);

	gg_qemu_ram_deinit(&ram);
	put_uint(block + 40, 8, UINT64_C(1) << 45);
	assert_error(read_ram(), GG_BAD_DATA, "its length is 0x200000000000, above 0x100000000000");
}

static void test_arriving_unknown(void **state)
{
	(void)state;
	enum { ADVISE = 1, RUNNING = 4, END = 5 };
	fake_qemu_init(&qemu, FAKE_2_5, pc, 5);
	assert_success(gg_bytes_host_add_symbol(qemu.bytes, "incoming_postcopy_state",
						FAKE_STRUCTURES + FAKE_RECEIVED));
	uint8_t *postcopy = qemu.structures + FAKE_RECEIVED;
	for (unsigned int now = ADVISE; now <= RUNNING; now++) {
		put_uint(postcopy, 4, now);
		assert_error(read_ram(), GG_ABSENT, "the pages that have arrived are not known");
	}
	put_uint(postcopy, 4, END);
	assert_success(read_ram());
}

static void test_private(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, pc, PC_RANGES);
	put_uint(qemu.structures + FAKE_BLOCK + FAKE_BLOCK_GUEST_MEMFD, 4, 17);
	assert_success(read_ram());
	assert_int_equal(ram.absence_count, 1);
	assert_int_equal(ram.absences[0].reason, GG_PRIVATE);
	assert_null(ram.absences[0].present);
}

static void test_counts(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, pc, PC_RANGES);
	put_uint(qemu.structures + FAKE_FLAT_VIEW_NR, 4, 0x80000000);
	assert_error(read_ram(), GG_BAD_DATA,
		     "FlatView.nr is 2147483648, more than its nr_allocated 32");
	put_uint(qemu.structures + FAKE_FLAT_VIEW_NR_ALLOCATED, 4, 0xffffffff);
	assert_error(read_ram(), GG_BAD_DATA, "FlatView.nr is 2147483648, more than 1048576");
	put_uint(qemu.structures + FAKE_FLAT_VIEW_NR, 4, 0x100000);
	assert_error(read_ram(), GG_FAULT, "FlatView.ranges");
	put_uint(qemu.structures + FAKE_ADDRESS_SPACE + 32, 8, 0);
	assert_error(read_ram(), GG_BAD_DATA, "current_map is NULL");
}

static void test_order(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, pc, PC_RANGES);
	uint8_t *second = qemu.structures + FAKE_FLAT_RANGE + FAKE_FLAT_RANGE_SIZE;
	put_uint(second + 16, 8, 0x9fff);
	assert_error(read_ram(), GG_BAD_DATA, "FlatView.ranges[1] has 0x2000 bytes at 0x9fff");
	put_uint(second + 16, 8, 0xa000);
	put_uint(second + 32, 8, UINT64_MAX);
	assert_error(read_ram(), GG_BAD_DATA, "FlatView.ranges[1]");
	put_uint(second + 40, 8, 5);
	assert_error(read_ram(), GG_BAD_DATA, "addr.size is 0x5ffffffffffffffff");
}

static void test_block_damage(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, pc, PC_RANGES);
	uint8_t *block = qemu.structures + FAKE_BLOCK;
	put_uint(block + 40, 8, 0x8000);
	assert_error(read_ram(), GG_BAD_DATA, "into block.0, which has 0x8000");
	put_uint(block + 24, 8, 0);
	assert_error(read_ram(), GG_BAD_DATA, "its host is 0x0");
	put_uint(block + 16, 8, 0x1234);
	assert_error(read_ram(), GG_BAD_DATA, "its mr is 0x1234, not 0x101000");
	put_uint(qemu.structures + FAKE_REGION + 56, 8, 0);
	assert_error(read_ram(), GG_BAD_DATA, "ram_block is NULL");
	put_uint(qemu.structures + FAKE_REGION + 56, 8, UINT64_MAX - 20);
	assert_error(read_ram(), GG_FAULT, "RAMBlock at 0xffffffffffffffeb");
}

static void test_looping_list(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_2_5, pc, 5);
	put_uint(qemu.structures + FAKE_BLOCK + 0x180, 8, FAKE_STRUCTURES + FAKE_BLOCK);
	put_uint(qemu.structures + FAKE_BLOCK + 32, 8, 0x123450000);
	assert_error(read_ram(), GG_BAD_DATA, "more than 65536 blocks");
	put_uint(qemu.structures + FAKE_BLOCK + 0x180, 8, 0);
	assert_error(read_ram(), GG_BAD_DATA, "no block of ram_list holds ram_addr 0x0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("the RAM map is QEMU's dump's: RAM and ROM, joined, no device's",
			  test_new),
		UNIT_TEST("a QEMU 2.5 finds its blocks by ram_addr_t", test_ram_addr),
		UNIT_TEST("a QEMU 2.2 has RAMBlock.length and a QTAILQ", test_length),
		UNIT_TEST("what is missing is named: symbol, type, member", test_missing_member),
		UNIT_TEST("aliases lead to the block, and not in a circle", test_alias),
		UNIT_TEST("of a virtio-mem only plugged blocks are RAM", test_virtio_mem),
		UNIT_TEST("a damaged virtio-mem is an error", test_virtio_mem_damage),
		UNIT_TEST("a guest that is being received has the pages that have arrived",
			  test_arriving),
		UNIT_TEST("a QEMU 2.5 that receives a guest by post-copy is refused",
			  test_arriving_unknown),
		UNIT_TEST("a guest's private memory is absent (QEMU v9.1, RAMBlock.guest_memfd)",
			  test_private),
		UNIT_TEST("absurd counts are errors that name the limit", test_counts),
		UNIT_TEST("ranges that overlap or wrap are errors", test_order),
		UNIT_TEST("a RAMBlock that contradicts its region is an error", test_block_damage),
		UNIT_TEST("a looping block list ends", test_looping_list),
	};
	struct CMUnitTest with_teardown[sizeof(tests) / sizeof(*tests)];
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		with_teardown[i] = tests[i];
		with_teardown[i].teardown_func = end_test;
	}
	return cmocka_run_group_tests(with_teardown, NULL, NULL);
}
