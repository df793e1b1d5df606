// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the kernel's members and memory.
// Out: entries.
// Trusts nothing it reads: levels and shifts are bounded.
#include "xarray.h"

#include <inttypes.h>

enum {
	MAX_LEVELS = 11, // 64 bits, 6 each
	BITS = 6,
	KIND = 3,
	INTERNAL = 2,
	RESERVED = 4096,       // internal entries up to it are no nodes
	RESERVED_INDEX = 1030, // XA_ZERO_ENTRY, no entry
};

static struct gg_error *read_plain_slot(const struct gg_host *host,
					const struct gg_xarray_layout *layout, gg_gva_t node,
					uint64_t place, uint64_t *ret)
{
	const struct gg_member slot = { layout->slot.offset + place * layout->slot.size,
					layout->slot.size };
	return gg_host_read_member(host, node, &slot, ret);
}

// Reads the slot PLACE of the node at NODE. A slot may stand for an earlier slot, whose entry has several indexes.
static struct gg_error *read_slot(const struct gg_host *host, const struct gg_xarray_layout *layout,
				  gg_gva_t node, uint64_t place, uint64_t *ret)
{
	struct gg_error *err = read_plain_slot(host, layout, node, place, ret);
	if (err || (*ret & KIND) != INTERNAL || *ret >> 2 >= place)
		return err;
	return read_plain_slot(host, layout, node, *ret >> 2, ret);
}

// Goes on to the slot of INDEX in the node *ENTRY. *LAST becomes the last index that the slot has.
static struct gg_error *descend(const struct gg_host *host, const struct gg_xarray_layout *layout,
				uint64_t index, bool is_root, uint64_t *entry, uint64_t *last)
{
	const gg_gva_t node = *entry - INTERNAL;
	uint64_t shift;
	struct gg_error *err = gg_host_read_member(host, node, &layout->shift, &shift);
	if (!err && shift >= 64)
		err = gg_error_create(GG_BAD_DATA, "a shift of %" PRIu64, shift);
	if (err)
		return err;
	const uint64_t place = index >> shift;
	const uint64_t mask = (UINT64_C(1) << BITS) - 1;
	*entry = 0;
	if (is_root && place > mask)
		return NULL;
	*last = index | ((UINT64_C(1) << shift) - 1);
	return read_slot(host, layout, node, place & mask, entry);
}

struct gg_error *gg_xarray_find(const struct gg_host *host, const struct gg_xarray_layout *layout,
				gg_gva_t address, uint64_t index, struct gg_xarray_entry *ret)
{
	uint64_t entry, last = UINT64_MAX;
	unsigned int level = 0;
	struct gg_error *err = gg_host_read_member(host, address, &layout->head, &entry);
	for (; !err && (entry & KIND) == INTERNAL && entry > RESERVED; level++) {
		if (level == MAX_LEVELS)
			return gg_error_create(GG_BAD_DATA, "an array of more than %d levels",
					       MAX_LEVELS);
		err = descend(host, layout, index, !level, &entry, &last);
	}
	if (!err && (entry & KIND) == INTERNAL && entry != RESERVED_INDEX)
		err = gg_error_create(GG_BAD_DATA, "an entry 0x%" PRIx64, entry);
	// Without a node the head is the entry 0.
	if (!err && (entry == RESERVED_INDEX || (!level && index)))
		entry = 0;
	if (!err)
		*ret = (struct gg_xarray_entry){ entry, last };
	return err;
}
