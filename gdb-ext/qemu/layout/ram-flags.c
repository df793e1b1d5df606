// SPDX-License-Identifier: GPL-3.0-or-later
//
// The flags that tell the guest's RAM from other regions with a RAMBlock, and the dumped part of
// it.
//
// In:  a FlatView whose MemoryRegions and RAMBlocks are known.
// Out: the places of a region's flags, and of the object that has its plugged parts.
//
// The conditions on the data:
// - "ram" is set in all regions that have a block, but not where a device stands before it (a
//   flash), which has operations of its own; it is the only such flag.
// - A passed-through device's region is its own opaque pointer.
// - A range has copies of its region's flags.
#include "ram.h"

#include <string.h>

// A set of regions, by their index in view->regions.
typedef bool region_set[MAX_REGIONS];

static bool is_empty(const struct view *view, const bool *set)
{
	for (size_t i = 0; i < view->region_count; i++)
		if (set[i])
			return false;
	return true;
}

// Tests whether the word at AT is a pointer to operations. The root, which is a mere container, has
// QEMU's default operations, and so has RAM; devices have their own.
static bool is_operations(const struct view *view, size_t at)
{
	const uint64_t usual = gg_glimpse_word(&view->root, at);
	bool ram_has = false, device_differs = false;
	for (size_t i = 0; usual && i < view->region_count; i++) {
		const struct region *region = &view->regions[i];
		const bool same = gg_glimpse_word(&region->glimpse, at) == usual;
		ram_has |= same && region->block_address;
		device_differs |= !same && !region->block_address;
	}
	return ram_has && device_differs;
}

// Finds the place of the operations, or 0.
static size_t find_operations(const struct view *view)
{
	for (size_t at = view->block_at + WORD; at + WORD <= MAX_RAM_BLOCK; at += WORD)
		if (is_operations(view, at))
			return at;
	return 0;
}

static bool points_to_itself(const struct gg_glimpse *region)
{
	for (size_t at = 0; at + WORD <= region->size; at += WORD)
		if (gg_glimpse_word(region, at) == region->address)
			return true;
	return false;
}

// Lists the regions that must have the flag "ram": regions with a block and the default operations,
// and regions of a passed-through device (their opaque pointer leads to themselves), which go to
// DEVICES.
static void expect_ram(const struct view *view, bool *ram, bool *devices)
{
	const size_t operations = find_operations(view);
	for (size_t i = 0; i < view->region_count; i++) {
		const struct region *region = &view->regions[i];
		const bool usual = !operations || gg_glimpse_word(&region->glimpse, operations) ==
							  gg_glimpse_word(&view->root, operations);
		ram[i] = region->block_address && usual;
		devices[i] = region->block_address && !usual && points_to_itself(&region->glimpse);
		ram[i] |= devices[i];
	}
}

// Tests whether the bytes at AT are a flag that is set in SET and nowhere else. The root, which is
// a mere container, has none of the flags that are looked for.
static bool is_flag(const struct view *view, size_t at, const bool *set)
{
	for (size_t i = 0; i < view->region_count; i++)
		if (view->regions[i].glimpse.bytes[at] != set[i])
			return false;
	return !view->root.bytes[at];
}

static struct gg_error *find_ram_flag(const struct view *view, const bool *ram, uint64_t *ret)
{
	bool found = false;
	for (size_t at = WORD; at < view->block_at; at++) {
		if (!is_flag(view, at, ram))
			continue;
		if (found)
			return gg_view_ambiguous("MemoryRegion.ram", *ret, at);
		*ret = at;
		found = true;
	}
	return found ? NULL
		     : gg_error_create(GG_BAD_DATA, "no flag is set in the MemoryRegions that are "
						    "RAM, and in no other");
}

// Lists the regions whose ranges have 1 in the byte at AT.
static void ranges_with(const struct view *view, size_t at, bool *ret)
{
	memset(ret, 0, view->region_count * sizeof(*ret));
	for (size_t i = 0; i < view->range_count; i++)
		for (size_t j = 0; j < view->region_count; j++)
			if (view->ranges[i].region == view->regions[j].glimpse.address)
				ret[j] |= view->ranges[i].bytes[at] == 1;
}

// A range has copies of its region's flags behind its addresses (QEMU softmmu/memory.c, struct
// FlatRange): romd_mode, which all RAM has, readonly, and since v3.1 nonvolatile.
static bool find_copies(const struct view *view, const bool *ram, size_t *ret)
{
	const size_t end = view->addr_at + 4 * WORD;
	region_set set;
	for (size_t at = end; at + 2 < view->stride && at < end + WORD; at++) {
		ranges_with(view, at, set);
		bool all = true;
		for (size_t i = 0; i < view->region_count; i++)
			all &= !ram[i] || set[i];
		if (all) {
			*ret = at;
			return true;
		}
	}
	return false;
}

// Finds MemoryRegion.nonvolatile: the flag that is set in the regions of the ranges that say so,
// behind readonly should readonly be set in the same regions too. Without such a range no place is
// needed.
static struct gg_error *find_nonvolatile(const struct view *view, const bool *ram,
					 struct gg_answers *answers)
{
	size_t copies, place = 0;
	region_set set;
	if (!find_copies(view, ram, &copies))
		return NULL;
	ranges_with(view, copies + 2, set);
	if (is_empty(view, set))
		return NULL;
	for (size_t at = WORD; at < view->block_at; at++)
		if (is_flag(view, at, set))
			place = at;
	return place ? gg_answers_add(answers, "MemoryRegion", "nonvolatile", place, 1,
				      "set where the ranges' own copy of it is")
		     : NULL;
}

// Finds MemoryRegion.ram_device, by the code of the binary's own function for it. Without a region
// of a passed-through device no place is needed.
static struct gg_error *find_ram_device(const struct view *view, const bool *devices,
					struct gg_answers *answers)
{
	uint64_t place;
	struct gg_error *err = gg_code_place(view->finder, "memory_region_is_ram_device",
					     GG_CODE_LOADS_BYTE, &place);
	if (!err && place < REGION_SIZE && is_flag(view, place, devices))
		return gg_answers_add(answers, "MemoryRegion", "ram_device", place, 1,
				      "memory_region_is_ram_device() returns it");
	gg_error_destroy(err);
	if (is_empty(view, devices))
		return NULL;
	bool found = false;
	for (size_t at = WORD; at < REGION_SIZE; at++) {
		if (!is_flag(view, at, devices))
			continue;
		if (found)
			return gg_view_ambiguous("MemoryRegion.ram_device", place, at);
		place = at;
		found = true;
	}
	return found ? gg_answers_add(answers, "MemoryRegion", "ram_device", place, 1,
				      "set in the regions that are their own opaque pointer")
		     : gg_error_create(GG_BAD_DATA, "no flag is set in the MemoryRegions of "
						    "passed-through devices, and in no other");
}

// Tests whether a region that is RAM has, at AT, the manager of RAM with unplugged parts. Another
// kind of manager is told by its type's name too, and refused by the reader.
static bool is_discard_manager(const struct view *view, const bool *ram, size_t at)
{
	static const char *const types[] = { "virtio-mem", "ram-discard-manager",
					     "ram-block-attributes" };
	char name[GG_TYPE_NAME_SIZE];
	for (size_t i = 0; i < view->region_count; i++) {
		if (!ram[i] ||
		    !gg_finder_type_name(view->finder,
					 gg_glimpse_word(&view->regions[i].glimpse, at), name))
			continue;
		for (size_t j = 0; j < sizeof(types) / sizeof(*types); j++)
			if (!strncmp(name, types[j], strlen(types[j])))
				return true;
	}
	return false;
}

static struct gg_error *find_manager_place(const struct view *view, const bool *ram,
					   uint64_t *place, const char **proof)
{
	struct gg_error *err = gg_code_place(view->finder, "memory_region_get_ram_discard_manager",
					     GG_CODE_RETURNS_WORD, place);
	*proof = "memory_region_get_ram_discard_manager() returns it";
	if (!err && *place < REGION_SIZE)
		return NULL;
	gg_error_destroy(err);
	*place = 0;
	*proof = "leads to an object that manages discarded RAM";
	for (size_t at = view->block_at + WORD; at + WORD <= REGION_SIZE; at += WORD) {
		if (!is_discard_manager(view, ram, at))
			continue;
		if (*place)
			return gg_view_ambiguous("MemoryRegion.rdm", *place, at);
		*place = at;
	}
	return NULL;
}

static struct gg_error *find_discard_manager(const struct view *view, const bool *ram,
					     struct gg_answers *answers,
					     struct gg_discard_manager *manager)
{
	uint64_t place;
	const char *proof;
	struct gg_error *err = find_manager_place(view, ram, &place, &proof);
	if (err || !place)
		return err;
	// All managers are alike: any manager shows the places of their members.
	for (size_t i = 0; i < view->region_count; i++) {
		const uint64_t address = gg_glimpse_word(&view->regions[i].glimpse, place);
		if (ram[i] && address)
			*manager = (struct gg_discard_manager){
				.address = address,
				.size = gg_glimpse_word(&view->regions[i].block, view->length_at),
			};
	}
	return gg_answers_add(answers, "MemoryRegion", "rdm", place, WORD, "%s", proof);
}

struct gg_error *gg_view_find_flags(const struct view *view, struct gg_answers *answers,
				    struct gg_discard_manager *manager)
{
	region_set ram, devices;
	uint64_t place = 0;
	expect_ram(view, ram, devices);
	struct gg_error *err = find_ram_flag(view, ram, &place);
	if (!err)
		err = gg_answers_add(answers, "MemoryRegion", "ram", place, 1,
				     "the one flag that is set in all RAM and nowhere else");
	if (!err)
		err = find_nonvolatile(view, ram, answers);
	if (!err)
		err = find_ram_device(view, devices, answers);
	return err ? err : find_discard_manager(view, ram, answers, manager);
}
