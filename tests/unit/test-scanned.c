// SPDX-License-Identifier: GPL-3.0-or-later
//
// Nested guests that are found by their VMCBs in a made-up guest's RAM: layouts of AMD APM, volume 2, appendix B.
#include "x86-guest.h"
#include "printed.h"

#include "guest/scanned.h"

#include <string.h>

enum {
	HSAVE = 0x3000,
	BLOCK = 0x5000,
	OTHER = 0x6000,
	TABLES = 0x20000,
	PAGE = 4096,
	RAM = 1 << 20,
	EFER = 0x1500,
	SAVED = 0x400,
};

// Puts nested page tables at GPA that map the first 2 MiB to guest-physical 0.
static void put_tables(uint64_t gpa)
{
	put_uint(qemu.ram[0] + gpa, 8, (gpa + PAGE) | 7);
	put_uint(qemu.ram[0] + gpa + PAGE, 8, (gpa + 2 * PAGE) | 7);
	put_uint(qemu.ram[0] + gpa + 2 * PAGE, 8, 0x87);
}

static void put_block(uint64_t gpa, uint64_t tables)
{
	uint8_t *page = qemu.ram[0] + gpa, *saved = page + SAVED;
	put_uint(page + 0x10, 4, 1);
	put_uint(page + 0x58, 4, 1);
	put_uint(page + 0x70, 8, 0x78);
	put_uint(page + 0x90, 8, 1);
	put_uint(page + 0xb0, 8, tables);
	put_uint(saved + 0x10, 8, UINT64_C(0xffffffff0a9b0010)); // CS
	put_uint(saved + 0xd0, 8, EFER);
	put_uint(saved + 0x148, 8, CR4_PAE);
	put_uint(saved + 0x150, 8, 0x1000);
	put_uint(saved + 0x158, 8, CR0_PG | 1);
	put_uint(saved + 0x170, 8, 2);
	put_uint(saved + 0x178, 8, 0x1234);
}

// Makes a hypervisor's state of the CPU that is inside a nested guest, or of the CPU itself. LEVELS are 0, 4 or 5.
static void put_paging(unsigned int levels)
{
	enum { LA57 = 1 << 12, SAVED_CR4 = 0x148, SAVED_CR0 = 0x158 };
	const uint64_t cr0 = levels ? CR0_PG | 1 : 1, cr4 = CR4_PAE | (levels == 5 ? LA57 : 0);
	uint8_t *saved = qemu.ram[0] + HSAVE + SAVED;
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_PE | (levels ? X86_HF_LMA : 0));
	put_uint(cpu + FAKE_CPU_CR, 8, cr0);
	put_uint(cpu + FAKE_CPU_CR + 4 * 8, 8, cr4);
	put_uint(cpu + FAKE_CPU_VM_HSAVE, 8, HSAVE);
	put_uint(cpu + FAKE_CPU_VM_VMCB, 8, OTHER);
	put_uint(saved + 0x10, 8, UINT64_C(0xffffffff0a9b0010)); // CS
	put_uint(saved + 0xd0, 8, EFER);
	put_uint(saved + SAVED_CR4, 8, cr4);
	put_uint(saved + 0x150, 8, PAGES);
	put_uint(saved + SAVED_CR0, 8, cr0);
	put_uint(saved + 0x170, 8, 2);
	put_uint(saved + 0x1f8, 8, OTHER);
}

static void scan(struct gg_scanned *ret)
{
	forget_output();
	gg_guest_ran(guest);
	assert_success(gg_guest_scan_nested(guest, &to_told, ret));
}

static void test_found(void **state)
{
	(void)state;
	struct gg_scanned scanned;
	put_tables(TABLES);
	put_block(BLOCK, TABLES);
	put_block(OTHER, TABLES);
	put_block(0x7000, TABLES);
	put_uint(qemu.ram[0] + 0x7090, 8, 0);
	put_paging(4);
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_GUEST | X86_HF_PE);
	put_uint(cpu + FAKE_CPU_VM_VMCB, 8, OTHER);
	scan(&scanned);
	assert_int_equal(scanned.machine_count, 2);
	assert_int_equal(scanned.vcpu_count, 3);
	assert_success(gg_scanned_count(guest, &scanned));
	const struct gg_scanned_machine *machine = &scanned.machines[1];
	assert_int_equal(machine->count, 2);
	assert_int_equal(machine->mapped, 2 << 20);
	assert_int_equal(gg_scanned_place(&scanned, machine), TABLES);
	assert_int_equal(scanned.vcpus[machine->first].block, BLOCK);
	assert_null(scanned.vcpus[machine->first].inside);
	assert_non_null(scanned.vcpus[machine->first + 1].inside);
	assert_false(scanned.vcpus[scanned.machines[0].first].state.has_tables);
	assert_string_equal(told, "");
	gg_scanned_deinit(&scanned);
}

// Counts the memory of the only machine, of a hypervisor with so many levels of page tables; UINT64_MAX where it is not counted.
static uint64_t count_with(unsigned int levels, bool is_inside)
{
	struct gg_scanned scanned;
	put_paging(levels);
	if (is_inside)
		put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_GUEST | X86_HF_PE);
	scan(&scanned);
	assert_int_equal(scanned.machine_count, 1);
	assert_success(gg_scanned_count(guest, &scanned));
	const uint64_t mapped = scanned.machines->counted ? scanned.machines->mapped : UINT64_MAX;
	gg_scanned_deinit(&scanned);
	return mapped;
}

static void test_levels(void **state)
{
	(void)state;
	uint8_t *ram = qemu.ram[0];
	// A page of 4 KiB in tables of five levels; with four the tables would map the tables of the last level.
	for (uint64_t gpa = TABLES; gpa < TABLES + 4 * PAGE; gpa += PAGE)
		put_uint(ram + gpa, 8, (gpa + PAGE) | 7);
	put_uint(ram + TABLES + 4 * PAGE, 8, 0x1007);
	put_uint(ram + TABLES + 4 * PAGE + 8, 8, 0x2007);
	put_block(OTHER, TABLES);
	assert_int_equal(count_with(5, false), 2 * PAGE);
	assert_int_equal(count_with(5, true), 2 * PAGE);
	assert_int_equal(count_with(4, false), PAGE);
	assert_int_equal(count_with(4, true), PAGE);
	// The CPUs' paging is off.
	assert_int_equal(count_with(0, false), UINT64_MAX);
}

// Puts VALUE at OFFSET of a sound VMCB, and expects that it is taken for none.
static void expect_none(size_t offset, unsigned int size, uint64_t value)
{
	struct gg_scanned scanned;
	put_tables(TABLES);
	put_block(BLOCK, TABLES);
	put_uint(qemu.ram[0] + BLOCK + offset, size, value);
	scan(&scanned);
	assert_int_equal(scanned.vcpu_count, 0);
	gg_scanned_deinit(&scanned);
}

static void test_refused(void **state)
{
	(void)state;
	expect_none(0x10, 4, 2);
	expect_none(0x58, 4, 0);
	expect_none(SAVED + 0xd0, 8, 0x500);
	expect_none(SAVED + 0xd0, 8, EFER | 1 << 16);
	expect_none(SAVED + 0x158, 8, CR0_PG);
	expect_none(SAVED + 0x158, 8, 1 | UINT64_C(1) << 32);
	expect_none(SAVED + 0x170, 8, 0);
	expect_none(SAVED + 0x170, 8, 0xa);
	expect_none(SAVED + 0x12, 2, 0x1a9b);
	expect_none(SAVED + 0xcb, 1, 4);
	expect_none(0xb0, 8, TABLES + 8);
}

static void test_stale(void **state)
{
	(void)state;
	struct gg_scanned scanned;
	put_block(BLOCK, TABLES); // empty
	put_block(OTHER, 2 * RAM);
	put_block(0x7000, TABLES + PAGE);
	put_uint(qemu.ram[0] + TABLES + PAGE, 8, 2 * RAM | 7);
	scan(&scanned);
	assert_int_equal(scanned.vcpu_count, 0);
	assert_int_equal(scanned.stale, 3);
	gg_scanned_deinit(&scanned);
}

// Expects that the RAM of the first nested guest is refused.
static void expect_too_many(void)
{
	const uint64_t number = 1;
	const struct gg_target target = { .nested = &number, .nested_count = 1 };
	const struct gg_ram_map *map;
	struct gg_guest *nested;
	assert_success(gg_guest_create(gg_bytes_host(qemu.bytes), &target, &nested));
	assert_error(gg_guest_ram_map(nested, &map), GG_BAD_DATA,
		     "the nested page tables have more than 5120 runs of pages, too many for "
		     "the outer guest's RAM");
	gg_guest_destroy(nested);
}

// Each page is a VMCB, and page tables whose entries lead to pages that are the same.
static void test_planted(void **state)
{
	(void)state;
	enum { MOST_LOOKS = (4 << 10) + 4 * RAM / PAGE };
	struct gg_scanned scanned;
	for (uint64_t gpa = 0; gpa < RAM; gpa += PAGE) {
		for (size_t at = 0; at < PAGE; at += 8)
			put_uint(qemu.ram[0] + gpa + at, 8, ((gpa + at * 16) % RAM & ~0xfffUL) | 7);
		memset(qemu.ram[0] + gpa + SAVED, 0, 0x200);
		put_block(gpa, gpa);
		put_uint(qemu.ram[0] + gpa + SAVED + 0x158, 8, 1);
	}
	put_paging(4);
	scan(&scanned);
	assert_int_equal(scanned.vcpu_count, RAM / PAGE - 1); // but for HSAVE
	assert_success(gg_scanned_count(guest, &scanned));
	assert_false(scanned.machines[scanned.machine_count - 1].counted);
	uint64_t mapped = 0;
	for (size_t i = 0; i < scanned.machine_count; i++)
		mapped += scanned.machines[i].mapped;
	assert_in_range(mapped, PAGE, (uint64_t)MOST_LOOKS * PAGE);
	gg_scanned_deinit(&scanned);
	expect_too_many();
}

// More VMCBs than are listed, all of one machine.
static void test_thousands(void **state)
{
	(void)state;
	enum { MOST = 4096, FIRST = 1 << 20, LARGE = FIRST + 2 * MOST * PAGE };
	static const struct fake_range ranges[] = { { 0x0, LARGE, 0x0, FAKE_RAM, 0 } };
	struct gg_scanned scanned;
	end();
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	cpu = qemu.structures + FAKE_CPU;
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	put_tables(TABLES);
	put_paging(4);
	for (uint64_t gpa = FIRST; gpa < LARGE; gpa += PAGE)
		put_block(gpa, TABLES);
	scan(&scanned);
	assert_int_equal(scanned.vcpu_count, MOST);
	assert_int_equal(scanned.machine_count, 1);
	assert_non_null(strstr(told, "more than 4096 pages look like VMCBs: nested guests behind "
				     "0x10ff000 are not listed"));
	gg_scanned_deinit(&scanned);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("A nested guest is the VMCBs with the same nested page tables; the VMCB "
			  "that a CPU "
			  "executes is marked",
			  test_found),
		UNIT_TEST("Nested page tables have the levels of the hypervisor's own page tables, "
			  "four "
			  "or five; where these are not known, nothing is read",
			  test_levels),
		UNIT_TEST("A page that VMRUN would refuse is no VMCB", test_refused),
		UNIT_TEST("A VMCB whose nested page tables are empty, or lead out of RAM, is stale",
			  test_stale),
		UNIT_TEST("Planted VMCBs with page tables in circles end in bounded time",
			  test_planted),
		UNIT_TEST("Of thousands of planted VMCBs so many are listed, and a notice says so",
			  test_thousands),
	};
	return RUN_WITH_GUEST(tests);
}
