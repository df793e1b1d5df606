// SPDX-License-Identifier: GPL-3.0-or-later
#include "registers.h"

#include <stdlib.h>
#include <string.h>

// A register behind those that a copy has: the widest register of any set is read as unknown.
static const uint8_t nothing[GG_REGISTERS_SIZE];

static bool has_place(const struct gg_registers *registers, unsigned int id)
{
	return id < registers->count;
}

static uint8_t *place(struct gg_registers *registers, unsigned int id)
{
	return registers->room + 2 * (size_t)registers->set->infos[id].offset;
}

// Returns the bytes of the register that an integer holds.
static unsigned int low_size(const struct gg_registers *registers, unsigned int id)
{
	const unsigned int size = gg_register_size(registers, id);
	return size < sizeof(uint64_t) ? size : sizeof(uint64_t);
}

static uint64_t low_bytes(const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;
	for (unsigned int i = size; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

// Returns the bytes of REGISTERS up to the end of the room that SIZE bytes of the buffer need.
static size_t used_size(size_t size)
{
	return offsetof(struct gg_registers, room) + 2 * size;
}

void gg_registers_init(struct gg_registers *registers, const struct gg_register_set *set,
		       unsigned int word)
{
	memset(registers, 0, used_size(set->size));
	registers->set = set;
	registers->count = set->count;
	registers->word = word;
}

void gg_registers_copy(struct gg_registers *registers, const struct gg_registers *from)
{
	memcpy(registers, from, used_size(from->set->size));
}

struct gg_registers *gg_registers_copy_first(const struct gg_registers *registers,
					     unsigned int count)
{
	size_t end = 0;
	count = count < registers->count ? count : registers->count;
	for (unsigned int id = 0; id < count; id++) {
		const struct gg_register_info *info = &registers->set->infos[id];
		if (info->offset + info->size > end)
			end = info->offset + info->size;
	}
	struct gg_registers *copy = malloc(used_size(end));
	if (!copy)
		return NULL;
	memcpy(copy, registers, used_size(end));
	copy->count = count;
	return copy;
}

// ---- Integers ----

uint64_t gg_register(const struct gg_registers *registers, unsigned int id)
{
	return low_bytes(gg_register_bytes(registers, id), low_size(registers, id));
}

uint64_t gg_register_unknown(const struct gg_registers *registers, unsigned int id)
{
	const unsigned int size = low_size(registers, id);
	const uint64_t whole = size < 8 ? (UINT64_C(1) << 8 * size) - 1 : UINT64_MAX;
	return whole & ~low_bytes(gg_register_mask(registers, id), size);
}

void gg_register_set(struct gg_registers *registers, unsigned int id, uint64_t value)
{
	if (!has_place(registers, id))
		return;
	const unsigned int whole = gg_register_size(registers, id);
	uint8_t *to = place(registers, id);
	memset(to, 0, whole);
	memset(to + whole, 0xff, whole);
	for (unsigned int i = 0; i < low_size(registers, id); i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

void gg_register_learn(struct gg_registers *registers, unsigned int id, uint64_t value,
		       uint64_t known)
{
	if (!has_place(registers, id))
		return;
	uint8_t *bytes = place(registers, id), *mask = bytes + gg_register_size(registers, id);
	for (unsigned int i = 0; i < low_size(registers, id); i++) {
		const uint8_t bits = (uint8_t)(known >> 8 * i);
		bytes[i] = (uint8_t)((bytes[i] & ~bits) | (value >> 8 * i & bits));
		mask[i] |= bits;
	}
}

void gg_register_forget(struct gg_registers *registers, unsigned int id, uint64_t unknown)
{
	if (!has_place(registers, id))
		return;
	uint8_t *bytes = place(registers, id), *mask = bytes + gg_register_size(registers, id);
	for (unsigned int i = 0; i < low_size(registers, id); i++) {
		const uint8_t bits = (uint8_t)(unknown >> 8 * i);
		bytes[i] &= (uint8_t)~bits;
		mask[i] &= (uint8_t)~bits;
	}
}

// ---- Any size ----

unsigned int gg_register_size(const struct gg_registers *registers, unsigned int id)
{
	return registers->set->infos[id].size;
}

bool gg_register_known(const struct gg_registers *registers, unsigned int id)
{
	const uint8_t *mask = gg_register_mask(registers, id);
	for (unsigned int i = 0; i < gg_register_size(registers, id); i++)
		if (mask[i] != 0xff)
			return false;
	return true;
}

bool gg_register_has_known(const struct gg_registers *registers, unsigned int id)
{
	const uint8_t *mask = gg_register_mask(registers, id);
	for (unsigned int i = 0; i < gg_register_size(registers, id); i++)
		if (mask[i])
			return true;
	return false;
}

const uint8_t *gg_register_bytes(const struct gg_registers *registers, unsigned int id)
{
	return has_place(registers, id)
		       ? registers->room + 2 * (size_t)registers->set->infos[id].offset
		       : nothing;
}

const uint8_t *gg_register_mask(const struct gg_registers *registers, unsigned int id)
{
	return has_place(registers, id)
		       ? gg_register_bytes(registers, id) + gg_register_size(registers, id)
		       : nothing;
}

void gg_register_set_bytes(struct gg_registers *registers, unsigned int id, const uint8_t *bytes,
			   size_t size)
{
	if (!has_place(registers, id))
		return;
	const size_t whole = gg_register_size(registers, id);
	uint8_t *to = place(registers, id);
	size = size < whole ? size : whole;
	memset(to, 0, 2 * whole);
	memcpy(to, bytes, size);
	memset(to + whole, 0xff, size);
}

void gg_register_copy(struct gg_registers *registers, unsigned int id,
		      const struct gg_registers *from)
{
	const size_t whole = gg_register_size(registers, id);
	if (!has_place(registers, id))
		return;
	memcpy(place(registers, id), gg_register_bytes(from, id), whole);
	memcpy(place(registers, id) + whole, gg_register_mask(from, id), whole);
}
