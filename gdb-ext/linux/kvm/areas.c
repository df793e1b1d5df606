// SPDX-License-Identifier: GPL-3.0-or-later
//
// The areas of a process's memory: the maple tree of struct vm_area_structs (Linux include/linux/maple_tree.h,
// lib/maple_tree.c, since v6.1), and the binary tree before.
//
// In:  the kernel's members and memory.
// Out: the area of an address.
// Trusts nothing it reads: the levels are bounded, and an area must have the address.
#include "areas.h"
#include "host/host.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MAX_LEVELS = 32, MAX_SLOTS = 256 };

struct layout {
	struct gg_member root;                                   // of an mm_struct
	struct gg_member start, end, ops, file, flags, first;    // of a vm_area_struct
	struct gg_member pivots, slots, wide_pivots, wide_slots; // of nodes
	struct gg_member binary;                                 // of an mm_struct, before
	struct gg_member node, left, right;                      // of a vm_area_struct, before
};

#define ROW(member, type, ...)      GG_LAYOUT_ROW(struct layout, member, type, __VA_ARGS__)
#define OPTIONAL(member, type, ...) GG_LAYOUT_ROW_OPTIONAL(struct layout, member, type, __VA_ARGS__)

static const struct gg_layout_row rows[] = {
	OPTIONAL(root, "mm_struct", "mm_mt.ma_root"),
	ROW(start, "vm_area_struct", "vm_start"),
	ROW(end, "vm_area_struct", "vm_end"),
	ROW(ops, "vm_area_struct", "vm_ops"),
	ROW(file, "vm_area_struct", "vm_file"),
	ROW(flags, "vm_area_struct", "vm_flags"),
	OPTIONAL(first, "vm_area_struct", "vm_pgoff"),
	OPTIONAL(pivots, "maple_range_64", "pivot"),
	OPTIONAL(slots, "maple_range_64", "slot"),
	OPTIONAL(wide_pivots, "maple_arange_64", "pivot"),
	OPTIONAL(wide_slots, "maple_arange_64", "slot"),
	OPTIONAL(binary, "mm_struct", "mm_rb.rb_node"),
	OPTIONAL(node, "vm_area_struct", "vm_rb"),
	OPTIONAL(left, "vm_area_struct", "vm_rb.rb_left"),
	OPTIONAL(right, "vm_area_struct", "vm_rb.rb_right"),
};

struct gg_areas {
	const struct gg_host *host;
	struct layout layout;
	bool is_binary; // the tree before v6.1
	gg_gva_t mm;
	struct gg_area last; // the latest area that was found
};

struct gg_error *gg_areas_create(const struct gg_host *host, gg_gva_t mm, struct gg_areas **ret)
{
	struct gg_areas *areas = calloc(1, sizeof(*areas));
	if (!areas)
		return gg_enomem;
	areas->host = host;
	areas->mm = mm;
	struct gg_error *err =
		gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &areas->layout);
	const struct layout *layout = &areas->layout;
	const bool has_maple = layout->root.size && layout->pivots.size && layout->slots.size &&
			       layout->wide_pivots.size && layout->wide_slots.size;
	const bool has_binary =
		layout->binary.size && layout->node.size && layout->left.size && layout->right.size;
	areas->is_binary = !has_maple;
	if (!err && !has_maple && !has_binary)
		err = gg_error_create(GG_NOT_FOUND, "struct mm_struct has no tree of areas");
	if (err)
		free(areas);
	else
		*ret = areas;
	return err;
}

void gg_areas_destroy(struct gg_areas *areas)
{
	free(areas);
}

void gg_areas_ran(struct gg_areas *areas)
{
	if (areas)
		areas->last = (struct gg_area){ 0 };
}

// Reads the slot of GVA in the node at NODE. A pivot is the last address of its slot; a pivot of 0 behind the first
// stands for the end of the node, and so does the missing pivot of the last slot.
static struct gg_error *read_slot(const struct gg_areas *areas, gg_gva_t node,
				  const struct gg_member *pivots, const struct gg_member *slots,
				  gg_gva_t gva, gg_gva_t *ret)
{
	const unsigned int word = areas->host->address_size;
	uint64_t count = pivots->size / word, pivot, i;
	struct gg_error *err = NULL;
	if (count >= MAX_SLOTS || slots->size < (count + 1) * word)
		return gg_error_create(GG_BAD_DATA, "a maple node of %" PRIu64 " pivots", count);
	for (i = 0; !err && i < count; i++) {
		const struct gg_member member = { pivots->offset + i * word, word };
		err = gg_host_read_member(areas->host, node, &member, &pivot);
		if (!err && (pivot >= gva || (!pivot && i)))
			break;
	}
	const struct gg_member slot = { slots->offset + i * word, word };
	return err ? err : gg_host_read_member(areas->host, node, &slot, ret);
}

// Finds the struct vm_area_struct of GVA in the binary tree; 0 without.
static struct gg_error *find_in_binary(const struct gg_areas *areas, gg_gva_t gva, gg_gva_t *ret)
{
	enum { MAX_DEPTH = 64 };
	const struct layout *layout = &areas->layout;
	gg_gva_t node, start, end;
	struct gg_error *err = gg_host_read_member(areas->host, areas->mm, &layout->binary, &node);
	*ret = 0;
	for (unsigned int depth = 0; !err && node; depth++) {
		const gg_gva_t vma = node - layout->node.offset;
		if (depth == MAX_DEPTH)
			return gg_error_create(GG_BAD_DATA, "a tree of more than %d levels",
					       MAX_DEPTH);
		err = gg_host_read_member(areas->host, vma, &layout->start, &start);
		if (!err)
			err = gg_host_read_member(areas->host, vma, &layout->end, &end);
		if (!err && gva >= start && gva < end) {
			*ret = vma;
			return NULL;
		}
		if (!err)
			err = gg_host_read_member(areas->host, vma,
						  gva < start ? &layout->left : &layout->right,
						  &node);
	}
	return err;
}

// Finds the struct vm_area_struct of GVA in the maple tree; 0 without.
static struct gg_error *find_in_maple(const struct gg_areas *areas, gg_gva_t gva, gg_gva_t *ret)
{
	enum { ROOT = 2, ROOT_MASK = 3, RESERVED = 4096, TYPE_SHIFT = 3, TYPE_MASK = 15 };
	enum { LEAF = 1, RANGE = 2, WIDE_RANGE = 3, NODE_MASK = 255 };
	const struct layout *layout = &areas->layout;
	gg_gva_t entry;
	struct gg_error *err = gg_host_read_member(areas->host, areas->mm, &layout->root, &entry);
	bool is_leaf = false;
	for (unsigned int level = 0; !err && !is_leaf && entry; level++) {
		const uint64_t type = entry >> TYPE_SHIFT & TYPE_MASK;
		const gg_gva_t node = entry & ~(uint64_t)NODE_MASK;
		const bool is_wide = type == WIDE_RANGE;
		const bool is_node = level || (entry & ROOT_MASK) == ROOT;
		if (level == MAX_LEVELS || !is_node || entry < RESERVED || type < LEAF ||
		    type > WIDE_RANGE)
			return gg_error_create(GG_BAD_DATA, "0x%" PRIx64 " is no maple node",
					       entry);
		is_leaf = type == LEAF;
		err = read_slot(areas, node, is_wide ? &layout->wide_pivots : &layout->pivots,
				is_wide ? &layout->wide_slots : &layout->slots, gva, &entry);
	}
	*ret = entry;
	return err;
}

static struct gg_error *read_area(const struct gg_areas *areas, gg_gva_t vma, struct gg_area *ret)
{
	enum { UFFD_MISSING = 0x200 };
	const struct layout *layout = &areas->layout;
	uint64_t ops, file, flags;
	struct gg_error *err = gg_host_read_member(areas->host, vma, &layout->start, &ret->start);
	if (!err)
		err = gg_host_read_member(areas->host, vma, &layout->end, &ret->end);
	if (!err)
		err = gg_host_read_member(areas->host, vma, &layout->ops, &ops);
	if (!err)
		err = gg_host_read_member(areas->host, vma, &layout->file, &file);
	if (!err)
		err = gg_host_read_member(areas->host, vma, &layout->flags, &flags);
	if (!err && layout->first.size)
		err = gg_host_read_member(areas->host, vma, &layout->first, &ret->first);
	if (err)
		return err;
	ret->is_zero_filled = !ops && !file && !(flags & UFFD_MISSING);
	ret->file = layout->first.size && !(flags & UFFD_MISSING) ? file : 0;
	return NULL;
}

struct gg_error *gg_areas_find(struct gg_areas *areas, gg_gva_t gva, struct gg_area *ret)
{
	struct gg_area *area = &areas->last;
	gg_gva_t vma = 0;
	struct gg_error *err = NULL;
	if (gva < area->start || gva >= area->end) {
		*area = (struct gg_area){ 0 };
		err = areas->is_binary ? find_in_binary(areas, gva, &vma)
				       : find_in_maple(areas, gva, &vma);
		if (!err && vma)
			err = read_area(areas, vma, area);
		if (!err && (gva < area->start || gva >= area->end))
			err = gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is in no area", gva);
	}
	if (err)
		*area = (struct gg_area){ 0 };
	*ret = *area;
	return err;
}
