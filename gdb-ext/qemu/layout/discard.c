// SPDX-License-Identifier: GPL-3.0-or-later
//
// The plugged parts of a virtio-mem's memory (QEMU hw/virtio/virtio-mem.c).
//
// In:  the object that a region of RAM has as its manager.
// Out: the place of its bitmap, and the size of its blocks.
// Trusts nothing it reads: each search is bounded, and the sizes must make the region's.
#include "vmstate.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <string.h>

// Finds the word with the size of a block, a power of 2, such that BITS blocks are SIZE bytes.
static bool find_block_size(const struct gg_finder *finder, uint64_t object, uint64_t bits,
			    uint64_t size, uint64_t *ret)
{
	enum { OBJECT_SIZE = 4096 };
	for (uint64_t at = 0; bits && at < OBJECT_SIZE; at += WORD) {
		uint64_t value;
		if (gg_peek_word(finder->peek, object + at, &value) && value &&
		    !(value & (value - 1)) && bits <= size && value == size / bits &&
		    !(size % bits)) {
			*ret = at;
			return true;
		}
	}
	return false;
}

static bool read_bits(const struct gg_finder *finder, uint64_t address, uint64_t *ret)
{
	struct gg_glimpse glimpse;
	gg_peek_glimpse(finder->peek, address, HALF, &glimpse);
	*ret = gg_glimpse_half(&glimpse, 0);
	return glimpse.size == HALF;
}

// Reads the field "bitmap": it has the place of the pointer and, in another of its words, the place
// of the number of bits.
static struct gg_error *add_bitmap(const struct gg_finder *finder, const struct gg_fields *fields,
				   const struct gg_field *bitmap,
				   const struct gg_discard_manager *manager,
				   struct gg_answers *answers)
{
	static const char type[] = "VirtIOMEM";
	for (size_t at = WORD; at + HALF <= fields->layout.stride; at += HALF) {
		const uint64_t place = gg_glimpse_half(&bitmap->glimpse, at);
		uint64_t bits, block_size;
		if (at == fields->layout.offset || !place || place >= MAX_OBJECT ||
		    !read_bits(finder, manager->address + place, &bits) ||
		    !find_block_size(finder, manager->address, bits, manager->size, &block_size))
			continue;
		struct gg_error *err = gg_answers_add(answers, type, "bitmap", bitmap->offset, WORD,
						      "a VMStateField of that name");
		if (!err)
			err = gg_answers_add(answers, type, "bitmap_size", place, HALF,
					     "the VMStateField \"bitmap\" names it");
		if (!err)
			err = gg_answers_add(answers, type, "block_size", block_size, WORD,
					     "bitmap_size of them are the whole memory");
		return err;
	}
	return gg_error_create(
		GG_BAD_DATA, "no size of its bitmap and of its blocks make its 0x%" PRIx64 " bytes",
		manager->size);
}

static struct gg_error *find_device(const struct gg_finder *finder,
				    const struct gg_field_layout *layout,
				    const struct gg_discard_manager *device,
				    struct gg_answers *answers)
{
	const struct gg_description wanted = { "virtio-mem-device", layout->stride, 1 };
	struct gg_fields fields = { 0 };
	const struct gg_field *bitmap = NULL;
	struct gg_error *err = gg_find_description(finder, device->address, &wanted, &fields);
	if (err)
		return err;
	gg_fields_take_columns(&fields, layout);
	for (size_t i = 0; i < fields.count; i++)
		if (!strcmp(fields.list[i].name, "bitmap"))
			bitmap = &fields.list[i];
	err = bitmap ? add_bitmap(finder, &fields, bitmap, device, answers)
		     : gg_error_create(GG_BAD_DATA, "it has no VMStateField \"bitmap\"");
	gg_fields_deinit(&fields);
	return err;
}

static bool is_device(const struct gg_finder *finder, uint64_t address)
{
	char name[GG_TYPE_NAME_SIZE];
	return gg_finder_type_name(finder, address, name) &&
	       !strncmp(name, "virtio-mem", strlen("virtio-mem"));
}

// Finds the devices behind the object that stands between RAM and the devices that have its plugged
// parts since v11.0 (QEMU include/system/ram-discard-manager.h): it has one device, or a list of
// entries of two words and a device, whose links lead back.
static struct gg_error *find_source(const struct gg_finder *finder, uint64_t manager,
				    struct gg_answers *answers, uint64_t *ret)
{
	static const char type[] = "RamDiscardManager", entry_type[] = "RamDiscardSourceEntry";
	enum { MANAGER_SIZE = 128, LINKS = WORD };
	for (uint64_t at = WORD; at < MANAGER_SIZE; at += WORD) {
		uint64_t entry, back;
		if (!gg_peek_word(finder->peek, manager + at, &entry))
			continue;
		if (is_device(finder, entry)) {
			*ret = entry;
			return gg_answers_add(answers, type, "rds", at, WORD,
					      "leads to a virtio-mem");
		}
		if (!gg_peek_word(finder->peek, entry, ret) || !is_device(finder, *ret) ||
		    !gg_peek_word(finder->peek, entry + LINKS + WORD, &back) ||
		    back != manager + at)
			continue;
		struct gg_error *err = gg_answers_add(answers, type, "source_list.lh_first", at,
						      WORD, "leads to an entry that leads back");
		if (!err)
			err = gg_answers_add(answers, entry_type, "rds", 0, WORD,
					     "leads to a virtio-mem");
		if (!err)
			err = gg_answers_add(answers, entry_type, "next.le_next", LINKS, WORD,
					     "the word behind it leads back");
		return err;
	}
	return gg_error_create(GG_BAD_DATA, "none of its words leads to a virtio-mem");
}

struct gg_error *gg_find_virtio_mem(const struct gg_finder *finder,
				    const struct gg_field_layout *layout,
				    const struct gg_discard_manager *manager,
				    struct gg_answers *answers)
{
	struct gg_discard_manager device = *manager;
	struct gg_error *err = NULL;
	if (!is_device(finder, manager->address))
		err = find_source(finder, manager->address, answers, &device.address);
	if (!err)
		err = find_device(finder, layout, &device, answers);
	return err ? gg_error_context(err, "the object at 0x%" PRIx64 " that manages RAM",
				      manager->address)
		   : NULL;
}
