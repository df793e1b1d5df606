// SPDX-License-Identifier: GPL-3.0-or-later
//
// Nested guests that are found by their VMCBs in a made-up guest's RAM: layouts of AMD APM, volume 2, appendix B.
#include "x86-guest.h"
#include "printed.h"

#include "guest/scanned.h"

#include <string.h>

enum {
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

// Each page is a VMCB, and page tables whose entries lead to pages that are the same.
static void test_planted(void **state)
{
	(void)state;
	struct gg_scanned scanned;
	for (uint64_t gpa = 0; gpa < RAM; gpa += PAGE) {
		for (size_t at = 0; at < PAGE; at += 8)
			put_uint(qemu.ram[0] + gpa + at, 8, ((gpa + at * 16) % RAM & ~0xfffUL) | 7);
		memset(qemu.ram[0] + gpa + SAVED, 0, 0x200);
		put_block(gpa, gpa);
		put_uint(qemu.ram[0] + gpa + SAVED + 0x158, 8, 1);
	}
	scan(&scanned);
	assert_int_equal(scanned.vcpu_count, RAM / PAGE);
	assert_success(gg_scanned_count(guest, &scanned));
	assert_false(scanned.machines[scanned.machine_count - 1].counted);
	gg_scanned_deinit(&scanned);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("A nested guest is the VMCBs with the same nested page tables; the VMCB "
			  "that a CPU "
			  "executes is marked",
			  test_found),
		UNIT_TEST("A page that VMRUN would refuse is no VMCB", test_refused),
		UNIT_TEST("A VMCB whose nested page tables are empty, or lead out of RAM, is stale",
			  test_stale),
		UNIT_TEST("Planted VMCBs with page tables in circles end in bounded time",
			  test_planted),
	};
	return RUN_WITH_GUEST(tests);
}
