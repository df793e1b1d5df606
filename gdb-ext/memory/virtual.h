// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guest memory by virtual address, for readers that do not care how: by page tables, or by a
// debugger that has the guest itself in front of it.
#ifndef GG_VIRTUAL_H
#define GG_VIRTUAL_H

#include "../cursor.h"

struct gg_virtual {
	// All SIZE (at least 1) bytes at GVA, or an error: GG_FAULT where one is not mapped.
	struct gg_error *(*read)(void *data, gg_gva_t gva, void *buffer, size_t size);
	void *data;
	bool big_endian;
};

static inline struct gg_error *gg_virtual_read(const struct gg_virtual *memory, gg_gva_t gva,
					       void *buffer, size_t size)
{
	return size ? memory->read(memory->data, gva, buffer, size) : NULL;
}

// An integer of SIZE (1 to 8) bytes at GVA.
struct gg_error *gg_virtual_uint(const struct gg_virtual *memory, gg_gva_t gva, unsigned int size,
				 uint64_t *ret);

#endif
