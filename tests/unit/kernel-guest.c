// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel-guest.h"

#include <stdlib.h>

static const struct fake_range ranges[] = { { 0x0, FAKE_KERNEL_RAM, 0x0, FAKE_RAM, 0 } };

const struct fake_kernel plain = {
	.tables = 0x10000, .note = 0x30000, .text_gpa = 0x400000, .release = "6.1.0-plain"
};

struct fake_qemu qemu;
uint8_t *ram;
struct gg_guest *guest;

int begin_test(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	ram = qemu.ram[0];
	forget_output();
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	return 0;
}

int end_test(void **state)
{
	(void)state;
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
	return 0;
}

void look_anew(void)
{
	gg_guest_destroy(guest);
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
}

struct gg_error *find(const struct gg_kernel **ret)
{
	return gg_guest_kernel(guest, NULL, &to_told, ret);
}

void expect_release(const char *release)
{
	const struct gg_kernel *kernel;
	assert_success(find(&kernel));
	char *found = gg_vmcoreinfo_value(&kernel->info, "OSRELEASE");
	assert_string_equal(found, release);
	free(found);
}

void use_tables(unsigned int cpu, uint64_t cr3)
{
	uint8_t *crs = qemu.structures + FAKE_CPU + cpu * FAKE_CPU_SIZE + FAKE_CPU_CR;
	put_uint(crs, 8, 0x80000001);
	put_uint(crs + 3 * 8, 8, cr3);
}

int run_kernel_tests(struct CMUnitTest *tests, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tests[i].setup_func = begin_test;
		tests[i].teardown_func = end_test;
	}
	return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}
