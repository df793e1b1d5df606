// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "arch/registers.h"
#include "arch/x86/x86.h"

#include <stdlib.h>
#include <string.h>

// More registers than any architecture had until now, of an SVE vector's size at most.
enum { FLAGS, PC, VECTOR, NARROW, FIRST_OTHER, COUNT = 300, VECTOR_SIZE = 256 };

static struct gg_register_info infos[COUNT] = {
	[FLAGS] = { "flags", 0, 4 },
	[PC] = { "pc", 4, 8 },
	[VECTOR] = { "z0", 12, VECTOR_SIZE },
	[NARROW] = { "f0", 268, 10 },
};
static struct gg_register_set set = { .infos = infos, .count = COUNT };
static struct gg_registers registers;

static int begin_test(void **state)
{
	(void)state;
	set.size = infos[NARROW].offset + infos[NARROW].size;
	for (unsigned int id = FIRST_OTHER; id < COUNT; id++) {
		infos[id] = (struct gg_register_info){ "other", set.size, 8 };
		set.size += 8;
	}
	gg_registers_init(&registers, &set, 8);
	return 0;
}

static void test_integers(void **state)
{
	(void)state;
	for (unsigned int id = 0; id < COUNT; id++)
		assert_false(gg_register_has_known(&registers, id));
	assert_int_equal(gg_register_unknown(&registers, FLAGS), UINT32_MAX);
	assert_int_equal(gg_register_unknown(&registers, PC), UINT64_MAX);
	gg_register_set(&registers, FLAGS, 0x123456789);
	assert_int_equal(gg_register(&registers, FLAGS), 0x23456789);
	assert_true(gg_register_known(&registers, FLAGS));
	for (unsigned int id = FIRST_OTHER; id < COUNT; id++)
		gg_register_set(&registers, id, UINT64_MAX - id);
	for (unsigned int id = FIRST_OTHER; id < COUNT; id++)
		assert_int_equal(gg_register(&registers, id), UINT64_MAX - id);
	assert_int_equal(gg_register(&registers, FLAGS), 0x23456789);
	assert_false(gg_register_has_known(&registers, PC));
}

static void test_bits(void **state)
{
	(void)state;
	gg_register_learn(&registers, PC, 0xffff, 0x0ff0);
	assert_int_equal(gg_register(&registers, PC), 0x0ff0);
	assert_int_equal(gg_register_unknown(&registers, PC), ~UINT64_C(0x0ff0));
	assert_false(gg_register_known(&registers, PC));
	assert_true(gg_register_has_known(&registers, PC));
	gg_register_learn(&registers, PC, 0, UINT64_C(3) << 62);
	assert_int_equal(gg_register_unknown(&registers, PC), ~(UINT64_C(3) << 62 | 0x0ff0));
	gg_register_forget(&registers, PC, 0x00f0);
	assert_int_equal(gg_register(&registers, PC), 0x0f00);
	assert_true(gg_register_unknown(&registers, PC) & 0x00f0);
}

static void test_wide(void **state)
{
	(void)state;
	uint8_t bytes[VECTOR_SIZE];
	for (unsigned int i = 0; i < VECTOR_SIZE; i++)
		bytes[i] = (uint8_t)(i + 1);
	gg_register_set_bytes(&registers, VECTOR, bytes, VECTOR_SIZE);
	assert_true(gg_register_known(&registers, VECTOR));
	assert_memory_equal(gg_register_bytes(&registers, VECTOR), bytes, VECTOR_SIZE);
	assert_int_equal(gg_register(&registers, VECTOR), 0x0807060504030201);
	gg_register_set(&registers, VECTOR, 5);
	assert_true(gg_register_known(&registers, VECTOR));
	assert_int_equal(gg_register_bytes(&registers, VECTOR)[0], 5);
	assert_int_equal(gg_register_bytes(&registers, VECTOR)[VECTOR_SIZE - 1], 0);
	// The upper part is unknown, and not the old value.
	gg_register_set_bytes(&registers, VECTOR, bytes, 16);
	assert_false(gg_register_known(&registers, VECTOR));
	for (unsigned int i = 0; i < VECTOR_SIZE; i++) {
		assert_int_equal(gg_register_bytes(&registers, VECTOR)[i], i < 16 ? bytes[i] : 0);
		assert_int_equal(gg_register_mask(&registers, VECTOR)[i], i < 16 ? 0xff : 0);
	}
	gg_register_set_bytes(&registers, NARROW, bytes, VECTOR_SIZE);
	assert_memory_equal(gg_register_bytes(&registers, NARROW), bytes, 10);
	assert_false(gg_register_has_known(&registers, FIRST_OTHER));
}

static void test_copy(void **state)
{
	(void)state;
	gg_register_set(&registers, FLAGS, 0x11);
	gg_register_learn(&registers, PC, 0x22, 0xff);
	gg_register_set(&registers, VECTOR, 0x33);
	struct gg_registers *copy = gg_registers_copy_first(&registers, VECTOR);
	assert_non_null(copy);
	assert_int_equal(gg_register(copy, FLAGS), 0x11);
	assert_int_equal(gg_register(copy, PC), 0x22);
	assert_int_equal(gg_register_unknown(copy, PC), ~UINT64_C(0xff));
	gg_register_set(copy, PC, 0x44);
	assert_int_equal(gg_register(copy, PC), 0x44);
	assert_int_equal(gg_register(&registers, PC), 0x22);
	// The copy has no place for the others.
	for (unsigned int id = VECTOR; id < COUNT; id++) {
		gg_register_set(copy, id, 1);
		gg_register_learn(copy, id, 1, 1);
		gg_register_copy(copy, id, &registers);
		assert_false(gg_register_has_known(copy, id));
		assert_int_equal(gg_register(copy, id), 0);
		assert_int_equal(gg_register_mask(copy, id)[gg_register_size(copy, id) - 1], 0);
	}
	struct gg_registers other;
	gg_registers_init(&other, &x86_registers, 8);
	gg_registers_copy(&other, &registers);
	for (unsigned int id = 0; id < COUNT; id++) {
		const unsigned int size = gg_register_size(&registers, id);
		assert_memory_equal(gg_register_bytes(&other, id),
				    gg_register_bytes(&registers, id), size);
		assert_memory_equal(gg_register_mask(&other, id), gg_register_mask(&registers, id),
				    size);
	}
	gg_register_copy(&registers, FLAGS, copy);
	gg_register_copy(&registers, VECTOR, copy);
	assert_int_equal(gg_register(&registers, FLAGS), 0x11);
	assert_false(gg_register_has_known(&registers, VECTOR));
	free(copy);
}

static void test_tables(void **state)
{
	(void)state;
	static const struct gg_register_set *const sets[] = { &x86_registers };
	for (size_t s = 0; s < sizeof(sets) / sizeof(*sets); s++) {
		uint8_t used[GG_REGISTERS_SIZE] = { 0 };
		assert_true(sets[s]->size <= GG_REGISTERS_SIZE);
		for (unsigned int id = 0; id < sets[s]->count; id++) {
			const struct gg_register_info *info = &sets[s]->infos[id];
			assert_true(info->size && info->offset + info->size <= sets[s]->size);
			for (unsigned int i = 0; i < info->size; i++)
				if (used[info->offset + i]++)
					fail_msg("register %u is in another one's place", id);
		}
	}
	struct gg_registers all;
	gg_registers_init(&all, &x86_registers, 8);
	struct gg_registers *frame = gg_registers_copy_first(&all, X86_RIP + 1);
	assert_non_null(frame);
	assert_int_equal(frame->count, 17);
	free(frame);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("a register has as many bits as the table says, in a place of its own",
			  test_integers),
		UNIT_TEST("bits are known one by one", test_bits),
		UNIT_TEST("a register of 256 bytes is known as far as it was set", test_wide),
		UNIT_TEST("a copy of the first registers is small, and knows no others", test_copy),
		UNIT_TEST("the registers of each architecture have places of their own",
			  test_tables),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tests[i].setup_func = begin_test;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
