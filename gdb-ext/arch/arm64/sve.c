// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of the Scalable Vector Extension out of QEMU's CPU (target/arm/cpu.h: ARMCPU.sve_vq since v7.1,
// CPUARMState.vfp). The vectors that the CPU may have are a bit each in sve_vq.map, which all its properties sve128, sve256 ...
// lead to (target/arm/cpu64.c: aarch64_add_sve_properties()).
//
// The conditions on the data: the properties of three lengths have one word in common that is an address in the CPU; the
// map there has the shortest vector, which all CPUs with SVE have, and no length that it does not support.
//
// In:  the host, the controls of the length.
// Out: vectors, predicates, the length in use and the greatest length.
// Trusts nothing it reads: a length has 4 bits. At a higher exception level than EL1, or in streaming mode, other controls
// count, and the length is unknown.
#include "arm64.h"
#include "base/cleanup.h"
#include "hash-table.h"

#include <string.h>

enum {
	WORD = 8,
	HALF = 4,
	QUADWORD = 16, // the unit of a length
	MAX_QUADWORDS = 16,
	LENGTHS = 3,         // properties that are looked at
	PROPERTY_WORDS = 12, // of an ObjectProperty (QEMU include/qom/object.h)
	OBJECT_WORDS = 5,    // of a struct Object, one of which is the table of properties
	MAX_NAME = 32,
	MAX_CPU = 1 << 18, // bytes of ARMCPU
};

struct properties {
	uint8_t bytes[LENGTHS][PROPERTY_WORDS * WORD];
	bool found[LENGTHS];
};

static uint64_t word_of(const struct properties *properties, size_t length, size_t index)
{
	uint64_t value = 0;
	for (unsigned int i = WORD; i-- > 0;)
		value = value << 8 | properties->bytes[length][index * WORD + i];
	return value;
}

// Reads the ObjectProperty at ADDRESS whose name is at NAME, if it is of a length that is looked at.
static struct gg_error *take_property(const struct gg_host *host, uint64_t name, uint64_t address,
				      struct properties *ret)
{
	static const char *const names[LENGTHS] = { "sve128", "sve256", "sve512" };
	_cleanup_free_ char *text = NULL;
	struct gg_error *err = gg_host_read_text(host, name, MAX_NAME, &text);
	for (size_t i = 0; !err && i < LENGTHS; i++)
		if (!strcmp(text, names[i])) {
			err = gg_host_read(host, address, ret->bytes[i], sizeof(ret->bytes[i]));
			ret->found[i] = !err;
		}
	return gg_error_unless_final(err);
}

// Reads the properties out of the table at ADDRESS; finds none where no table is there.
static struct gg_error *take_properties(const struct gg_host *host, uint64_t address,
					struct properties *ret)
{
	struct arm64_hash_table table;
	struct gg_error *err = arm64_hash_table_init(&table, host, address);
	for (uint64_t i = 0; !err && i < table.size; i++) {
		uint64_t name, property;
		if (arm64_hash_table_get(&table, i, &name, &property))
			err = take_property(host, name, property, ret);
	}
	arm64_hash_table_deinit(&table);
	return gg_error_unless_final(err);
}

// Finds the address in the CPU that the properties share; 0 without.
static uint64_t shared_address(const struct properties *properties, uint64_t cpu)
{
	uint64_t found = 0;
	for (size_t i = 0; i < PROPERTY_WORDS; i++) {
		const uint64_t address = word_of(properties, 0, i);
		bool is_shared = address - cpu < MAX_CPU;
		for (size_t j = 1; j < LENGTHS; j++)
			is_shared &= word_of(properties, j, i) == address;
		if (is_shared && found)
			return 0;
		found = is_shared ? address : found;
	}
	return found;
}

// Reads the map at ADDRESS: struct ARMVQMap has the map, the bits that were chosen, the supported bits. RET is 0 where no
// map is there.
static struct gg_error *read_map(const struct gg_host *host, uint64_t address, uint64_t *ret)
{
	uint64_t map, supported;
	*ret = 0;
	struct gg_error *err = gg_host_read_uint(host, address, HALF, &map);
	if (!err)
		err = gg_host_read_uint(host, address + 2 * HALF, HALF, &supported);
	if (!err && map & 1 && !(map >> MAX_QUADWORDS) && !(map & ~supported))
		*ret = map;
	return gg_error_unless_final(err);
}

// Finds the map of the lengths that the CPU may have; 0 for a CPU without SVE, and where none is found.
static struct gg_error *find_map(const struct gg_host *host, uint64_t cpu, uint64_t *ret)
{
	struct gg_member member;
	struct properties properties = { 0 };
	bool found = false;
	*ret = 0;
	struct gg_error *err = host->ops->member(host->data, "ARMCPU", "sve_vq", &member);
	if (!err)
		return read_map(host, cpu + member.offset, ret);
	err = gg_error_unless_final(err);
	for (unsigned int i = 1; !err && !found && i < OBJECT_WORDS; i++) {
		uint64_t address;
		err = gg_host_read_uint(host, cpu + (uint64_t)i * WORD, WORD, &address);
		if (!err)
			err = take_properties(host, address, &properties);
		found = properties.found[0] && properties.found[1] && properties.found[2];
	}
	const uint64_t shared = !err && found ? shared_address(&properties, cpu) : 0;
	return err || !shared ? err : read_map(host, shared, ret);
}

// Returns the quadwords of the longest vector in MAP.
static unsigned int longest(uint64_t map)
{
	return map ? 64 - (unsigned int)__builtin_clzll(map) : 0;
}

// Returns the lengths of MAP that the controls allow; 0 where that is not known.
static uint64_t allowed(const struct gg_registers *registers, uint64_t map)
{
	enum { STREAMING = 1, LENGTH = 0xf };
	if (!gg_register_known(registers, ARM64_ZCR_EL1) ||
	    gg_register_known(registers, ARM64_HCR_EL2) ||
	    gg_register_known(registers, ARM64_SCR_EL3) ||
	    gg_register(registers, ARM64_SVCR) & STREAMING)
		return 0;
	const unsigned int length = (unsigned int)gg_register(registers, ARM64_ZCR_EL1) & LENGTH;
	return map & ((UINT64_C(2) << length) - 1);
}

// Reads the registers of MEMBER, COUNT of them, from the byte FIRST of each on.
static struct gg_error *read_all(const struct gg_host *host, uint64_t address, unsigned int first,
				 unsigned int size, unsigned int id, unsigned int count,
				 struct gg_registers *registers)
{
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < count; i++) {
		uint8_t bytes[ARM64_LONG_VECTOR];
		err = gg_host_read(host, address + (uint64_t)i * size, bytes, size);
		if (!err)
			gg_register_set_bytes(registers, id + i, bytes + first, size - first);
	}
	return err;
}

struct gg_error *arm64_read_sve(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				struct gg_registers *registers)
{
	struct gg_member vectors, predicates;
	uint64_t map = 0;
	if (!gg_register_known(registers, ARM64_ZCR_EL1))
		return NULL;
	struct gg_error *err = host->ops->member(host->data, "ARMCPU", "env.vfp.zregs", &vectors);
	if (!err)
		err = host->ops->member(host->data, "ARMCPU", "env.vfp.pregs", &predicates);
	if (!err && (vectors.size != ARM64_VECTORS * ARM64_LONG_VECTOR ||
		     predicates.size != ARM64_PREDICATES * ARM64_LONG_PREDICATE))
		return NULL;
	if (!err)
		err = find_map(host, cpu->address, &map);
	const unsigned int length = err ? 0 : longest(allowed(registers, map));
	if (!length)
		return gg_error_unless_final(err);
	err = read_all(host, cpu->address + vectors.offset, ARM64_VECTOR_SIZE, ARM64_LONG_VECTOR,
		       ARM64_Z0_HIGH, ARM64_VECTORS, registers);
	if (!err)
		err = read_all(host, cpu->address + predicates.offset, 0, ARM64_LONG_PREDICATE,
			       ARM64_P0, ARM64_PREDICATES, registers);
	if (err)
		return gg_error_unless_final(err);
	gg_register_set(registers, ARM64_SVE_LENGTH, length * QUADWORD);
	gg_register_set(registers, ARM64_SVE_MAX, longest(map) * QUADWORD);
	return NULL;
}
