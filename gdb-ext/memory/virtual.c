// SPDX-License-Identifier: GPL-3.0-or-later
#include "virtual.h"

struct gg_error *gg_virtual_uint(const struct gg_virtual *memory, gg_gva_t gva, unsigned int size,
				 uint64_t *ret)
{
	uint8_t bytes[8];
	if (size < 1 || size > sizeof(bytes))
		return gg_error_create(GG_INVALID, "an integer of %u bytes", size);
	struct gg_error *err = gg_virtual_read(memory, gva, bytes, size);
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, size, memory->big_endian, "guest memory");
	return gg_cursor_uint(&cursor, size, ret);
}
