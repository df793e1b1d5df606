// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  kernel memory.
// Out: bytes, and which of them are there.
// Trusts nothing it reads; an object has a limit.
#include "object.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PAGE = 4096, MAX_OBJECT = 16 << 20 };

// ---- Reading ----

static uint64_t page_of(const struct gg_object *object, uint64_t offset)
{
	return (object->address % PAGE + offset) / PAGE;
}

// Reads the object page by page. *ANY: a page is there.
static struct gg_error *read_pages(struct gg_object *object, const struct gg_host *memory,
				   bool *any)
{
	uint64_t next;
	*any = false;
	for (uint64_t offset = 0; offset < object->size; offset = next) {
		next = offset + PAGE - (object->address + offset) % PAGE;
		next = next < object->size ? next : object->size;
		struct gg_error *err = gg_host_read(memory, object->address + offset,
						    object->bytes + offset, next - offset);
		if (gg_error_is_final(err))
			return err;
		object->missing[page_of(object, offset)] = err;
		*any |= !err;
		if (!object->err)
			object->err = err;
		else
			gg_error_destroy(err);
	}
	return NULL;
}

static struct gg_error *read_object(struct gg_object *object, const struct gg_host *memory)
{
	bool any;
	object->bytes = malloc(object->size + 1);
	if (!object->bytes)
		return gg_enomem;
	struct gg_error *err = gg_host_read(memory, object->address, object->bytes, object->size);
	if (!err || gg_error_is_final(err) || object->address + object->size < object->address)
		return err;
	gg_error_destroy(err);
	object->missing = calloc(page_of(object, object->size) + 1, sizeof(*object->missing));
	if (!object->missing)
		return gg_enomem;
	err = read_pages(object, memory, &any);
	if (err || any)
		return err;
	err = object->err;
	object->err = NULL;
	return err;
}

struct gg_error *gg_object_read(struct gg_object *object, const struct gg_host *memory,
				uint64_t address, uint64_t size)
{
	*object = (struct gg_object){ .address = address,
				      .size = size,
				      .big_endian = memory->big_endian };
	if (size > MAX_OBJECT)
		return gg_error_create(GG_BAD_DATA, "an object of %" PRIu64 " bytes, more than %d",
				       size, MAX_OBJECT);
	struct gg_error *err = read_object(object, memory);
	if (err)
		gg_object_deinit(object);
	return err;
}

void gg_object_deinit(struct gg_object *object)
{
	free(object->bytes);
	free(object->missing);
	gg_error_destroy(object->err);
	*object = (struct gg_object){ 0 };
}

// ---- Values ----

const uint8_t *gg_object_bytes(const struct gg_object *object, uint64_t offset, uint64_t size)
{
	if (offset > object->size || size > object->size - offset)
		return NULL;
	for (uint64_t page = page_of(object, offset);
	     object->missing && size && page <= page_of(object, offset + size - 1); page++)
		if (object->missing[page])
			return NULL;
	return object->bytes + offset;
}

bool gg_object_bits(const struct gg_object *object, uint64_t bit_offset, unsigned int bits,
		    uint64_t *ret)
{
	const uint64_t first = bit_offset / 8, last = (bit_offset + bits - 1) / 8;
	const uint8_t *bytes = gg_object_bytes(object, first, last - first + 1);
	const unsigned int shift =
		object->big_endian ? 7 - (bit_offset + bits - 1) % 8 : bit_offset % 8;
	unsigned __int128 value = 0;
	if (!bytes)
		return false;
	for (uint64_t i = 0; i <= last - first; i++)
		value = value << 8 | bytes[object->big_endian ? i : last - first - i];
	value >>= shift;
	*ret = (uint64_t)value & (bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX);
	return true;
}
