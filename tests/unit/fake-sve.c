// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-sve.h"

#include "machine/cpu-ops.h"

#include <inttypes.h>
#include <string.h>

enum { ELEMENTS = 8, LENGTHS = 3, WORD = 8 };

static const char *const names[LENGTHS] = { "sve128", "sve256", "sve512" };
static const unsigned int elements[LENGTHS] = { 1, 3, 6 };

static struct gg_error *fake_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct fake_sve *fake = data;
	const uint64_t offset = address - FAKE_SVE;
	if (offset >= FAKE_SVE_SIZE || size > FAKE_SVE_SIZE - offset)
		return gg_error_fault(address, "nothing is mapped at 0x%" PRIx64, address);
	memcpy(buffer, fake->bytes + offset, size);
	return NULL;
}

static struct gg_error *fake_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	static const struct {
		const char *path;
		struct gg_member member;
	} members[] = {
		{ "env.vfp.zregs", { FAKE_VECTORS, ARM64_VECTORS * ARM64_LONG_VECTOR } },
		{ "env.vfp.pregs", { FAKE_PREDICATES, ARM64_PREDICATES * ARM64_LONG_PREDICATE } },
	};
	(void)data;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (!strcmp(path, members[i].path)) {
			*ret = members[i].member;
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "type %s has no member %s", type, path);
}

struct gg_host fake_sve_host(struct fake_sve *fake)
{
	static const struct gg_host_ops ops = { .read = fake_read, .member = fake_member };
	return (struct gg_host){ .ops = &ops, .data = fake, .address_size = WORD };
}

void fake_sve_put(struct fake_sve *fake, size_t offset, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		fake->bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

static void put_table(struct fake_sve *fake)
{
	fake_sve_put(fake, FAKE_PROPERTIES, WORD, FAKE_SVE + FAKE_TABLE);
	fake_sve_put(fake, FAKE_TABLE, WORD, ELEMENTS);
	fake_sve_put(fake, FAKE_TABLE + 12, 4, ELEMENTS - 1);
	fake_sve_put(fake, FAKE_TABLE + 24, 4, 3);
	fake_sve_put(fake, FAKE_TABLE + 32, WORD, FAKE_SVE + FAKE_KEYS);
	fake_sve_put(fake, FAKE_TABLE + 40, WORD, FAKE_SVE + FAKE_HASHES);
	fake_sve_put(fake, FAKE_TABLE + 48, WORD, FAKE_SVE + FAKE_VALUES);
}

static void put_property(struct fake_sve *fake, unsigned int number)
{
	const size_t name = FAKE_NAMES + (size_t)number * FAKE_NAME;
	const size_t property = FAKE_PROPERTY + (size_t)number * FAKE_PROPERTY_SIZE;
	const unsigned int element = elements[number];
	strcpy((char *)fake->bytes + name, names[number]);
	fake_sve_put(fake, FAKE_HASHES + (size_t)element * 4, 4, 0x1234 + number);
	fake_sve_put(fake, FAKE_KEYS + (size_t)element * WORD, WORD, FAKE_SVE + name);
	fake_sve_put(fake, FAKE_VALUES + (size_t)element * WORD, WORD, FAKE_SVE + property);
	fake_sve_put(fake, property, WORD, FAKE_SVE + name);
	// The address of a function that all three have.
	fake_sve_put(fake, property + 24, WORD, UINT64_C(0x5583fd338a90));
	fake_sve_put(fake, property + FAKE_OPAQUE, WORD, FAKE_SVE + FAKE_MAP);
}

void fake_sve_write(struct fake_sve *fake)
{
	memset(fake->bytes, 0, sizeof(fake->bytes));
	put_table(fake);
	for (unsigned int i = 0; i < LENGTHS; i++)
		put_property(fake, i);
	fake_sve_put(fake, FAKE_MAP, 4, 0x8b);
	fake_sve_put(fake, FAKE_MAP + 8, 4, 0xff);
	for (size_t i = 0; i < (size_t)ARM64_VECTORS * ARM64_LONG_VECTOR; i++)
		fake->bytes[FAKE_VECTORS + i] = (uint8_t)(i * 7 + (i >> 8));
	for (size_t i = 0; i < (size_t)ARM64_PREDICATES * ARM64_LONG_PREDICATE; i++)
		fake->bytes[FAKE_PREDICATES + i] = (uint8_t)(i * 3);
}

struct gg_error *fake_sve_read(struct fake_sve *fake, struct gg_registers *registers)
{
	const struct gg_host host = fake_sve_host(fake);
	const struct gg_qemu_cpu cpu = { .address = FAKE_SVE };
	gg_registers_init(registers, &arm64_registers, WORD);
	gg_register_set(registers, ARM64_ZCR_EL1, 2);
	gg_register_set(registers, ARM64_SVCR, 0);
	return arm64_read_sve(&host, &cpu, registers);
}
