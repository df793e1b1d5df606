// SPDX-License-Identifier: GPL-3.0-or-later
#include "x86-guest.h"

static const struct fake_range ranges[] = { { 0x0, 1 << 20, 0x0, FAKE_RAM, 0 } };

struct fake_qemu qemu;
uint8_t *cpu;
struct gg_guest *guest;
struct gg_registers registers;

void begin(enum fake_version version)
{
	fake_qemu_init(&qemu, version, ranges, 1);
	cpu = qemu.structures + FAKE_CPU;
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
}

void end(void)
{
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
}

int begin_test(void **state)
{
	(void)state;
	begin(FAKE_7_2);
	return 0;
}

int end_test(void **state)
{
	(void)state;
	end();
	return 0;
}

void read_first(void)
{
	const struct gg_qemu_cpus *cpus;
	gg_guest_ran(guest);
	assert_success(gg_guest_qemu_cpus(guest, &cpus));
	assert_success(x86_read_registers(gg_guest_host(guest), &cpus->cpus[0], &registers));
}

int run_with_guest(struct CMUnitTest *tests, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tests[i].setup_func = begin_test;
		tests[i].teardown_func = end_test;
	}
	return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}

struct gg_address_space *use_tables(uint64_t cr0, uint64_t cr3, uint64_t cr4)
{
	struct gg_address_space *space;
	put_uint(cpu + FAKE_CPU_HFLAGS, 4, X86_HF_PE);
	put_uint(cpu + FAKE_CPU_CR, 8, cr0);
	put_uint(cpu + FAKE_CPU_CR + 3 * 8, 8, cr3);
	put_uint(cpu + FAKE_CPU_CR + 4 * 8, 8, cr4);
	gg_guest_destroy(guest);
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	assert_success(gg_guest_address_space(guest, 0, NULL, &space));
	return space;
}
