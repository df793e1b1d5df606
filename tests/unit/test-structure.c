// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine/find-arch.h"
#include "base/cleanup.h"
#include "qemu/ram.h"
#include "qemu/layout/structure.h"
#include "fake-stripped.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct fake_stripped qemu;
static struct gg_structure *structure;
static struct gg_qemu_ram ram;
static struct gg_qemu_cpus cpus;

// A machine with a hole, a ROM that is shown twice, a flash that is no RAM.
static const struct stripped_range usual[] = {
	{ 0x0, 0xa000, 0x0, STRIPPED_RAM, 0 },
	{ 0xa000, 0x2000, 0x0, STRIPPED_IO, 1 },
	{ 0xc000, 0x4000, 0xc000, STRIPPED_RAM, 0 },
	{ 0x10000, 0x1000, 0x1000, STRIPPED_ROM, 2 },
	{ 0x20000, 0x2000, 0x0, STRIPPED_FLASH, 3 },
	{ 0xffff0000, 0x2000, 0x0, STRIPPED_ROM, 2 },
	{ 0x100000000, 0x8000, 0x10000, STRIPPED_RAM, 0 },
};

enum { USUAL = sizeof(usual) / sizeof(*usual) };

static void start(const struct stripped_range *ranges, size_t count)
{
	fake_stripped_init(&qemu, ranges, count);
	assert_success(gg_structure_create(gg_bytes_host(qemu.bytes), NULL, &structure));
}

static int teardown(void **state)
{
	(void)state;
	gg_qemu_ram_deinit(&ram);
	gg_qemu_cpus_deinit(&cpus);
	gg_structure_destroy(structure);
	structure = NULL;
	fake_stripped_deinit(&qemu);
	qemu = (struct fake_stripped){ 0 };
	return 0;
}

static struct gg_error *read_ram(void)
{
	return gg_qemu_ram_read(gg_structure_host(structure), &ram);
}

static struct gg_error *read_cpus(void)
{
	return gg_qemu_cpus_read(gg_structure_host(structure), &cpus);
}

static void put(uint64_t offset, unsigned int size, uint64_t value)
{
	fake_stripped_put(&qemu, offset, size, value);
}

static uint64_t get(uint64_t offset)
{
	uint64_t value;
	memcpy(&value, qemu.memory + offset, sizeof(value));
	return value;
}

static uint64_t region(unsigned int n)
{
	return STRIPPED_REGION + n * STRIPPED_REGION_SIZE;
}

static uint64_t block(unsigned int n)
{
	return STRIPPED_BLOCK + n * STRIPPED_BLOCK_SIZE;
}

static uint64_t cpu(unsigned int n)
{
	return STRIPPED_CPU + n * STRIPPED_CPU_SIZE;
}

static void assert_range(size_t i, uint64_t start_gpa, uint64_t size, unsigned int region_number,
			 uint64_t offset)
{
	char name[16];
	snprintf(name, sizeof(name), "block.%u", region_number);
	assert_true(i < ram.count);
	assert_int_equal(ram.ranges[i].start, start_gpa);
	assert_int_equal(ram.ranges[i].size, size);
	assert_int_equal(ram.ranges[i].hva, fake_stripped_hva(region_number) + offset);
	assert_string_equal(ram.ranges[i].block, name);
}

// ---- RAM ----

static void test_ram(void **state)
{
	(void)state;
	start(usual, USUAL);
	assert_success(read_ram());
	assert_false(gg_structure_has_types(structure));
	assert_int_equal(ram.count, 5);
	assert_range(0, 0x0, 0xa000, 0, 0x0);
	assert_range(1, 0xc000, 0x4000, 0, 0xc000);
	assert_range(2, 0x10000, 0x1000, 2, 0x1000);
	assert_range(3, 0xffff0000, 0x2000, 2, 0x0);
	assert_range(4, 0x100000000, 0x8000, 0, 0x10000);
}

static void test_one_range(void **state)
{
	(void)state;
	start((const struct stripped_range[]){ { 0x0, 0x10000, 0x0, STRIPPED_RAM, 0 } }, 1);
	assert_success(read_ram());
	assert_int_equal(ram.count, 1);
	assert_range(0, 0x0, 0x10000, 0, 0x0);
}

// A block that is never migrated has no name.
static void test_nameless(void **state)
{
	(void)state;
	start(usual, USUAL);
	memset(qemu.memory + block(2) + STRIPPED_BLOCK_IDSTR, 0, 8);
	assert_success(read_ram());
	assert_int_equal(ram.count, 5);
	assert_string_equal(ram.ranges[2].block, "");
	teardown(NULL);

	start(usual, USUAL);
	for (unsigned int n = 0; n < STRIPPED_REGIONS; n++)
		memset(qemu.memory + block(n) + STRIPPED_BLOCK_IDSTR, 0, 8);
	assert_error(read_ram(), GG_BAD_DATA, "no name");
}

static void test_left_out(void **state)
{
	(void)state;
	const struct stripped_range ranges[] = {
		{ 0x0, 0xa000, 0x0, STRIPPED_RAM, 0 },
		{ 0xa000, 0x2000, 0x0, STRIPPED_IO, 1 },
		{ 0x10000, 0x1000, 0x0, STRIPPED_ROM, 2 },
		{ 0x20000, 0x2000, 0x0, STRIPPED_NONVOLATILE, 3 },
		{ 0x40000, 0x2000, 0x0, STRIPPED_DEVICE, 4 },
	};
	start(ranges, 5);
	assert_success(read_ram());
	assert_int_equal(ram.count, 2);
	assert_range(0, 0x0, 0xa000, 0, 0x0);
	assert_range(1, 0x10000, 0x1000, 2, 0x0);
}

// Without a ROM beside it, a range's copies tell readonly from nonvolatile.
static void test_only_nonvolatile(void **state)
{
	(void)state;
	const struct stripped_range ranges[] = {
		{ 0x0, 0xa000, 0x0, STRIPPED_RAM, 0 },
		{ 0xa000, 0x2000, 0x0, STRIPPED_IO, 1 },
		{ 0x20000, 0x2000, 0x0, STRIPPED_NONVOLATILE, 3 },
	};
	start(ranges, 3);
	assert_success(read_ram());
	assert_int_equal(ram.count, 1);
}

static void test_only_rom(void **state)
{
	(void)state;
	const struct stripped_range ranges[] = {
		{ 0x0, 0xa000, 0x0, STRIPPED_RAM, 0 },
		{ 0x20000, 0x2000, 0x0, STRIPPED_ROM, 3 },
	};
	start(ranges, 2);
	assert_success(read_ram());
	assert_int_equal(ram.count, 2);
}

static void test_virtio_mem(void **state)
{
	(void)state;
	const struct stripped_range ranges[] = {
		{ 0x0, 0xa000, 0x0, STRIPPED_RAM, 0 },
		{ 0xa000, 0x2000, 0x0, STRIPPED_IO, 1 },
		{ 0x100000, 0x10000, 0x0, STRIPPED_VIRTIO_MEM, 2 },
	};
	start(ranges, 3);
	put(STRIPPED_BITMAP, 2, 0x8003);
	assert_success(read_ram());
	assert_int_equal(ram.count, 3);
	assert_range(1, 0x100000, 0x2000, 2, 0x0);
	assert_range(2, 0x10f000, 0x1000, 2, 0xf000);
}

static void assert_ram_error(const char *text)
{
	assert_error(read_ram(), GG_BAD_DATA, text);
}

static void test_damaged_view(void **state)
{
	(void)state;
	start(usual, USUAL);
	put(STRIPPED_NR, 4, UINT64_C(1) << 31);
	put(STRIPPED_NR_ALLOCATED, 4, UINT64_C(1) << 31);
	assert_ram_error("2147483648");
	teardown(NULL);

	start(usual, USUAL);
	put(STRIPPED_RANGES_POINTER, 8, UINT64_C(0xdead0000));
	assert_ram_error("ranges that ascend");
	teardown(NULL);

	start(usual, USUAL);
	put(STRIPPED_RANGES + STRIPPED_RANGE_SIZE + 16, 8, 0x9000); // overlaps the one before
	assert_ram_error("ranges that ascend");
	teardown(NULL);

	start(usual, USUAL);
	put(STRIPPED_RANGES + STRIPPED_RANGE_SIZE, 8, STRIPPED_MEMORY + STRIPPED_MANAGER);
	assert_ram_error("each with a MemoryRegion");
	teardown(NULL);

	start(usual, USUAL);
	put(STRIPPED_CURRENT_MAP, 8, 0);
	assert_ram_error("ranges that ascend");
}

static void test_damaged_blocks(void **state)
{
	(void)state;
	start(usual, USUAL);
	put(block(2) + STRIPPED_BLOCK_MR, 8, STRIPPED_MEMORY + region(0));
	assert_ram_error("leads back");
	teardown(NULL);

	start(usual, USUAL);
	qemu.memory[block(2) + STRIPPED_BLOCK_IDSTR] = 0x1b;
	assert_ram_error("no name");
	teardown(NULL);

	start(usual, USUAL);
	put(block(2) + STRIPPED_BLOCK_HOST, 8, UINT64_C(0x660000000000));
	assert_ram_error("memory that is mapped for all its length");
	teardown(NULL);

	start(usual, USUAL);
	put(block(0) + STRIPPED_BLOCK_LENGTH, 8, 0x4000); // less than the ranges show
	put(block(0) + STRIPPED_BLOCK_LENGTH + 8, 8, 0x4000);
	assert_ram_error("a length that is the size of its MemoryRegion");
	teardown(NULL);

	start(usual, USUAL);
	qemu.memory[region(0) + STRIPPED_REGION_RAM] = 0;
	assert_ram_error("no flag is set");
}

static void test_not_qemu(void **state)
{
	(void)state;
	start(usual, USUAL);
	strcpy((char *)qemu.memory + STRIPPED_NAMES, "RAM");
	const uint64_t name = get(STRIPPED_ADDRESS_SPACE + 16) - STRIPPED_MEMORY;
	strcpy((char *)qemu.memory + name, "mimicry");
	assert_ram_error("its name, \"memory\"");
}

// A second word that leads to a FlatView, which is as good.
static void test_decoy(void **state)
{
	(void)state;
	start(usual, USUAL);
	memcpy(qemu.memory + STRIPPED_DECOY_VIEW, qemu.memory + STRIPPED_FLAT_VIEW, 0x40);
	put(STRIPPED_LISTENERS, 8, STRIPPED_MEMORY + STRIPPED_DECOY_VIEW);
	assert_ram_error("current_map is ambiguous: it can be at +32 and at +56");
	teardown(NULL);

	// A machine that is none: its ranges have no RAMBlocks.
	start(usual, USUAL);
	memcpy(qemu.memory + STRIPPED_DECOY_VIEW, qemu.memory + STRIPPED_FLAT_VIEW, 0x40);
	put(STRIPPED_DECOY_VIEW + 24, 8, STRIPPED_MEMORY + STRIPPED_RANGES + STRIPPED_RANGE_SIZE);
	put(STRIPPED_DECOY_VIEW + 32, 4, 1);
	put(STRIPPED_LISTENERS, 8, STRIPPED_MEMORY + STRIPPED_DECOY_VIEW);
	assert_success(read_ram());
	assert_int_equal(ram.count, 5);
}

static void test_types_come_first(void **state)
{
	(void)state;
	start(usual, USUAL);
	assert_success(gg_bytes_host_add_member(qemu.bytes, "AddressSpace", "current_map", 1, 8));
	assert_true(gg_structure_has_types(structure));
	struct gg_member member;
	const struct gg_host *host = gg_structure_host(structure);
	assert_success(host->ops->member(host->data, "AddressSpace", "current_map", &member));
	assert_int_equal(member.offset, 1);
	assert_error(host->ops->member(host->data, "FlatView", "nr", &member), GG_NOT_FOUND, "");
}

// ---- CPUs ----

static void test_cpus(void **state)
{
	(void)state;
	start(usual, USUAL);
	assert_success(read_cpus());
	assert_int_equal(cpus.count, STRIPPED_CPUS);
	for (unsigned int i = 0; i < STRIPPED_CPUS; i++) {
		assert_int_equal(cpus.cpus[i].address, STRIPPED_MEMORY + cpu(i));
		assert_int_equal(cpus.cpus[i].index, i);
		// Nothing tells whether they are current.
		assert_int_equal(cpus.cpus[i].freshness, GG_UNKNOWN);
	}
}

static void test_damaged_cpus(void **state)
{
	(void)state;
	start(usual, USUAL);
	put(cpu(2) + STRIPPED_CPU_NODE, 8, STRIPPED_MEMORY + cpu(0)); // a loop
	assert_error(read_cpus(), GG_BAD_DATA, "leads back to it and on to the last CPU");
	teardown(NULL);

	start(usual, USUAL);
	put(cpu(1) + STRIPPED_CPU_NODE, 8, UINT64_C(0xdead0000));
	assert_error(read_cpus(), GG_BAD_DATA, "leads back to it and on to the last CPU");
	teardown(NULL);

	start(usual, USUAL);
	put(STRIPPED_CPUS_HEAD, 8, STRIPPED_MEMORY + STRIPPED_MANAGER);
	assert_error(read_cpus(), GG_BAD_DATA, "does not lead to a CPU");
	teardown(NULL);

	start(usual, USUAL);
	put(cpu(1) + STRIPPED_CPU_INDEX, 4, UINT64_C(1) << 31);
	assert_error(read_cpus(), GG_BAD_DATA, "no word of the CPUs counts them");
	teardown(NULL);
	teardown(NULL);

	// Two words that count say the same.
	start(usual, USUAL);
	for (unsigned int i = 0; i < STRIPPED_CPUS; i++)
		put(cpu(i) + 0x100, 4, i);
	assert_success(read_cpus());
	assert_int_equal(cpus.cpus[2].index, 2);
}

static void test_registers(void **state)
{
	(void)state;
	const struct gg_host *host;
	struct gg_member member;
	start(usual, USUAL);
	host = gg_structure_host(structure);
	const struct {
		const char *type, *path;
		uint64_t offset, size;
	} expected[] = {
		{ "X86CPU", "env.regs", STRIPPED_CPU_REGS, 128 },
		{ "X86CPU", "env.eip", STRIPPED_CPU_EIP, 8 },
		{ "X86CPU", "env.hflags", 0x490, 4 },
		{ "X86CPU", "env.segs", 0x4a0, 144 },
		{ "X86CPU", "env.cr", 0x590, 40 },
		{ "SegmentCache", "", 0, 24 },
		{ "SegmentCache", "base", 8, 8 },
		{ "SegmentCache", "flags", 20, 4 },
	};
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		assert_success(
			host->ops->member(host->data, expected[i].type, expected[i].path, &member));
		assert_int_equal(member.offset, expected[i].offset);
		assert_int_equal(member.size, expected[i].size);
	}
	assert_error(host->ops->member(host->data, "X86CPU", "env.none", &member), GG_NOT_FOUND,
		     "X86CPU.env.none");
}

static struct gg_error *ask_registers(void)
{
	const struct gg_host *host = gg_structure_host(structure);
	struct gg_member member;
	return host->ops->member(host->data, "X86CPU", "env.regs", &member);
}

static void test_damaged_fields(void **state)
{
	(void)state;
	// Nothing leads to the description.
	start(usual, USUAL);
	put(STRIPPED_TYPES + STRIPPED_TYPE_SIZE + 0x40, 8, 0);
	assert_error(ask_registers(), GG_NOT_FOUND, "no VMStateDescription \"cpu\"");
	teardown(NULL);

	// The list of fields has no end: it leads out of the memory.
	start(usual, USUAL);
	put(STRIPPED_DESCRIPTIONS + 72, 8,
	    STRIPPED_MEMORY + STRIPPED_MEMORY_SIZE - STRIPPED_FIELD_SIZE);
	assert_error(ask_registers(), GG_BAD_DATA, "leads to fields with names");
	teardown(NULL);

	// A length that makes an array reach into the next field is none.
	start(usual, USUAL);
	put(STRIPPED_FIELDS + 40, 4, 17);
	assert_error(ask_registers(), GG_BAD_DATA, "0 places in a VMStateField can be the length");
}

struct tally {
	unsigned int rows, agree, differ, unknown;
};

static struct gg_error *count_row(void *data, const struct gg_structure_row *row)
{
	struct tally *tally = data;
	tally->rows++;
	if (!row->by_structure || !row->by_types)
		tally->unknown++;
	else if (row->by_structure->offset == row->by_types->offset)
		tally->agree++;
	else
		tally->differ++;
	assert_true(*row->proof);
	return NULL;
}

static void test_comparison(void **state)
{
	(void)state;
	struct tally tally = { 0 };
	start(usual, USUAL);
	assert_success(gg_bytes_host_add_member(qemu.bytes, "FlatView", "nr", 32, 4));
	assert_success(gg_bytes_host_add_member(qemu.bytes, "RAMBlock", "host", 32, 8));
	assert_success(gg_structure_compare(structure, count_row, &tally));
	assert_int_equal(tally.agree, 1);
	assert_int_equal(tally.differ, 1);
	assert_true(tally.unknown > 20);
}

static char lines[16384];

static void collect_line(void *data, const char *line)
{
	(void)data;
	assert_true(strlen(lines) + strlen(line) + 2 < sizeof(lines));
	strcat(lines, line);
	strcat(lines, "\n");
}

static void test_debug(void **state)
{
	(void)state;
	const struct gg_debug debug = { collect_line, NULL };
	start(usual, USUAL);
	gg_structure_set_debug(structure, &debug);
	assert_success(read_ram());
	assert_non_null(strstr(lines, "debug: layout: the debugger's types of QEMU: "));
	assert_non_null(strstr(lines, "debug: layout: AddressSpace.current_map is not at +"));
	assert_non_null(strstr(lines, ": none of its words points to ranges that ascend"));
	assert_non_null(strstr(lines, "debug: layout: RAMBlock.host at +"));
	assert_non_null(strstr(lines, "debug: layout: symbol address_space_memory: found\n"));
}

int main(void)
{
#define TEST(sentence, function)                                                                   \
	{                                                                                          \
		.name = (sentence), .test_func = (function), .teardown_func = teardown             \
	}
	const struct CMUnitTest tests[] = {
		TEST("the debug log has what was found, and the reason each candidate was rejected",
		     test_debug),
		TEST("RAM is found by structure; a flash is none", test_ram),
		TEST("a single range of RAM is enough", test_one_range),
		TEST("a block may have no name where others have one", test_nameless),
		TEST("non-volatile memory and that of devices is left out", test_left_out),
		TEST("non-volatile is told from read-only", test_only_nonvolatile),
		TEST("read-only is told from non-volatile", test_only_rom),
		TEST("of a virtio-mem what is plugged in is found by structure", test_virtio_mem),
		TEST("a damaged FlatView is an error that names the constraint", test_damaged_view),
		TEST("a damaged RAMBlock is an error that names the constraint",
		     test_damaged_blocks),
		TEST("an AddressSpace of another name is none", test_not_qemu),
		TEST("two FlatViews are an error, one and a half are one", test_decoy),
		TEST("the debugger's types come first", test_types_come_first),
		TEST("the CPUs are found by their list's links", test_cpus),
		TEST("a damaged list of CPUs is an error", test_damaged_cpus),
		TEST("registers are where VMState says", test_registers),
		TEST("damaged VMState is an error", test_damaged_fields),
		TEST("both answerers are compared", test_comparison),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
