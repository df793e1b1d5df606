// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "fake-sve.h"

#include "machine/cpu-ops.h"

#include <string.h>

static struct fake_sve fake;
static struct gg_registers registers;

static void assert_unknown(void)
{
	assert_false(gg_register_has_known(&registers, ARM64_SVE_LENGTH));
	assert_false(gg_register_has_known(&registers, ARM64_Z0_HIGH));
	assert_false(gg_register_has_known(&registers, ARM64_P0));
}

static void test_read(void **state)
{
	enum { NUMBER = 5 };
	(void)state;
	fake_sve_write(&fake);
	assert_success(fake_sve_read(&fake, &registers));
	assert_int_equal(gg_register(&registers, ARM64_SVE_LENGTH), 32);
	assert_int_equal(gg_register(&registers, ARM64_SVE_MAX), 128);
	assert_memory_equal(gg_register_bytes(&registers, ARM64_Z0_HIGH + NUMBER),
			    fake.bytes + FAKE_VECTORS + NUMBER * ARM64_LONG_VECTOR +
				    ARM64_VECTOR_SIZE,
			    ARM64_LONG_VECTOR - ARM64_VECTOR_SIZE);
	assert_memory_equal(gg_register_bytes(&registers, ARM64_FFR),
			    fake.bytes + FAKE_PREDICATES +
				    (ARM64_PREDICATES - 1) * ARM64_LONG_PREDICATE,
			    ARM64_LONG_PREDICATE);
}

static void test_controls(void **state)
{
	const struct gg_host host = fake_sve_host(&fake);
	const struct gg_qemu_cpu cpu = { .address = FAKE_SVE };
	static const struct {
		enum arm64_register id;
		uint64_t value;
	} cases[] = { { ARM64_HCR_EL2, 0 }, { ARM64_SCR_EL3, 0 }, { ARM64_SVCR, 1 } };
	(void)state;
	fake_sve_write(&fake);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		gg_registers_init(&registers, &arm64_registers, 8);
		gg_register_set(&registers, ARM64_ZCR_EL1, 2);
		gg_register_set(&registers, cases[i].id, cases[i].value);
		assert_success(arm64_read_sve(&host, &cpu, &registers));
		assert_unknown();
	}
	gg_registers_init(&registers, &arm64_registers, 8);
	assert_success(arm64_read_sve(&host, &cpu, &registers));
	assert_unknown();
}

static void test_damage(void **state)
{
	static const struct {
		size_t offset;
		unsigned int size;
		uint64_t value;
	} cases[] = {
		{ FAKE_PROPERTIES, 8, 0 },
		{ FAKE_PROPERTIES, 8, FAKE_SVE + FAKE_SVE_SIZE - 8 },
		{ FAKE_TABLE, 8, 9 },
		{ FAKE_TABLE, 8, 1 << 17 },
		{ FAKE_TABLE + 12, 4, 3 },
		{ FAKE_TABLE + 24, 4, 1 },
		{ FAKE_TABLE + 32, 8, 1 },
		{ FAKE_HASHES + 4, 4, 1 },
		{ FAKE_NAMES + 3, 1, 'x' },
		{ FAKE_VALUES + 8, 8, FAKE_SVE - 8 },
		{ FAKE_PROPERTY + FAKE_OPAQUE, 8, FAKE_SVE + FAKE_MAP + 4 },
		{ FAKE_MAP, 4, 0 },
		{ FAKE_MAP, 4, 0x8a },
		{ FAKE_MAP, 4, 0x18b },
		{ FAKE_MAP, 4, 0x1008b },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake_sve_write(&fake);
		fake_sve_put(&fake, cases[i].offset, cases[i].size, cases[i].value);
		assert_success(fake_sve_read(&fake, &registers));
		assert_unknown();
	}
	// A second address in the CPU that all properties have.
	fake_sve_write(&fake);
	for (size_t i = 0; i < 3; i++)
		fake_sve_put(&fake, FAKE_PROPERTY + i * FAKE_PROPERTY_SIZE + 32, 8, FAKE_SVE);
	assert_success(fake_sve_read(&fake, &registers));
	assert_unknown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("vectors and predicates are read, as long as the control allows and the "
			  "CPU has them",
			  test_read),
		UNIT_TEST(
			"where other controls count, or none is known, SVE's registers are unknown",
			test_controls),
		UNIT_TEST("where the lengths that the CPU has are not found, SVE's registers are "
			  "unknown",
			  test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
