// SPDX-License-Identifier: GPL-3.0-or-later
//
// The places of a CPU's registers.
//
// In:  a CPU's object.
// Out: the members that its VMStateDescription names, and those of its parts and of its APIC.
// Trusts nothing it reads: each search is bounded by the sizes below.
#include "vmstate.h"
#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/find.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

const char *gg_cpu_type(const struct gg_finder *finder, uint64_t cpu)
{
	for (const struct gg_cpu_type *type = gg_cpu_types; type->name; type++)
		if (gg_finder_is_object(finder, cpu, type->suffix))
			return type->name;
	return NULL;
}

// The parts of a CPU that have a description of their own.
static struct gg_error *add_part(const struct gg_finder *finder, const struct gg_fields *fields,
				 const char *name, const char *type, struct gg_answers *answers)
{
	const struct gg_description wanted = { name, fields->layout.stride, 1 };
	struct gg_error *err = NULL, *first = NULL;
	bool found = false;
	for (size_t i = 0; !found && i < fields->count; i++) {
		const struct gg_field *field = &fields->list[i];
		struct gg_fields part = { 0 };
		found = gg_take_description(finder, field->glimpse.address, fields->layout.stride,
					    &wanted, &part, &first);
		if (!found)
			continue;
		gg_fields_take_columns(&part, &fields->layout);
		err = gg_fields_add(&part, type, answers);
		if (!err)
			err = gg_answers_add(answers, type, "", 0, field->size,
					     "the size of %s in its VMStateField", field->name);
		gg_fields_deinit(&part);
	}
	gg_error_destroy(first);
	return err;
}

// Adds the members that CPUs of all architectures have, as members of the CPU's own type:
// "parent_obj.halted". A QEMU without the description, or with another description, has none of
// them.
static struct gg_error *add_common(const struct gg_finder *finder,
				   const struct gg_field_layout *layout, const char *type,
				   struct gg_answers *answers)
{
	struct gg_fields common = { 0 };
	struct gg_image_symbol description;
	struct gg_error *err = gg_finder_symbol(finder, "vmstate_cpu_common", &description);
	if (!err)
		err = gg_fields_find(finder, description.address, layout->stride, 1, &common);
	if (err) {
		gg_error_destroy(err);
		gg_fields_deinit(&common);
		return NULL;
	}
	gg_fields_take_columns(&common, layout);
	for (size_t i = 0; !err && i < common.count; i++)
		if (!strcmp(common.list[i].name, "halted"))
			err = gg_answers_add(answers, type, "parent_obj.halted",
					     common.list[i].offset, common.list[i].size,
					     "a VMStateField of vmstate_cpu_common");
	gg_fields_deinit(&common);
	return err;
}

struct gg_error *gg_find_cpu_fields(const struct gg_finder *finder, uint64_t cpu,
				    struct gg_answers *answers, struct gg_field_layout *layout)
{
	const struct gg_description wanted = { .name = "cpu", .least = 8 };
	struct gg_fields fields = { 0 };
	const char *type = gg_cpu_type(finder, cpu);
	*layout = (struct gg_field_layout){ 0 };
	struct gg_error *err = NULL;
	if (!type)
		err = gg_error_create(GG_NOT_FOUND,
				      "the CPU at 0x%" PRIx64 " is of no architecture known here",
				      cpu);
	if (!err)
		err = gg_find_description(finder, cpu, &wanted, &fields);
	if (!err)
		err = gg_fields_find_columns(&fields);
	if (!err)
		*layout = fields.layout;
	if (!err)
		err = gg_fields_add(&fields, type, answers);
	if (!err)
		err = gg_fields_add_subsections(finder, &fields, type, answers);
	if (!err)
		err = add_part(finder, &fields, "segment", "SegmentCache", answers);
	if (!err)
		err = add_common(finder, &fields.layout, type, answers);
	gg_fields_deinit(&fields);
	struct gg_error *serious = gg_peek_error(finder->peek);
	if (serious) {
		gg_error_destroy(err);
		return serious;
	}
	return err ? gg_error_context(err, "the registers' places") : NULL;
}

// ---- APIC ----

enum {
	PIECE = 65536,
	OVERLAP = 64,
	MAX_NAMES = 64,
	MAX_CPU = 1 << 17,   // 20 KiB in v7.2, with 32 KiB more in v5.2
	MAX_DATA = 32 << 20, // of a program: 4 MiB in v7.2
};

// The search of the programs' data: first for the name's place, then for pointers to it.
struct data_search {
	const struct gg_finder *finder;
	const struct gg_description *wanted;
	uint64_t names[MAX_NAMES];
	size_t name_count;
	struct gg_fields *ret;
	struct gg_error *first;
	uint8_t piece[PIECE];
};

// Finds the name, which is among the constants.
static bool look_for_names(struct data_search *search, uint64_t address, size_t size)
{
	const char *name = search->wanted->name;
	const size_t length = strlen(name) + 1;
	for (size_t at = 0; at + length <= size && search->name_count < MAX_NAMES;) {
		const uint8_t *found = gg_find_bytes(search->piece + at, size - at, name, length);
		if (!found)
			break;
		at = (size_t)(found - search->piece);
		search->names[search->name_count++] = address + at;
		at++;
	}
	return false;
}

// Returns the lowest of the names' addresses, and sets SPAN to the distance from it to the highest.
static uint64_t lowest_name(const struct data_search *search, uint64_t *span)
{
	uint64_t lowest = UINT64_MAX, highest = 0;
	for (size_t i = 0; i < search->name_count; i++) {
		const uint64_t name = search->names[i];
		lowest = name < lowest ? name : lowest;
		highest = name > highest ? name : highest;
	}
	*span = highest - lowest;
	return lowest;
}

static bool look_for_pointers(struct data_search *search, uint64_t address, size_t size)
{
	uint64_t span;
	const uint64_t lowest = lowest_name(search, &span);
	const bool big_endian = search->finder->host->big_endian;
	for (size_t at = 0; at + WORD <= size; at += WORD) {
		uint64_t word;
		memcpy(&word, search->piece + at, WORD);
		word = big_endian ? be64toh(word) : le64toh(word);
		if (word - lowest > span)
			continue;
		for (size_t i = 0; i < search->name_count; i++)
			if (word == search->names[i] &&
			    gg_is_description(search->finder, address + at, search->wanted,
					      search->ret, &search->first))
				return true;
	}
	return false;
}

// Calls LOOK with each piece of the data that is, or is not, WRITABLE, until it has found
// something. Pieces overlap, for a name may be at the end of a piece.
static bool look_through(struct data_search *search, bool writable,
			 bool (*look)(struct data_search *search, uint64_t address, size_t size))
{
	size_t count;
	const struct gg_image_data *data = gg_images_data(search->finder->images, &count);
	for (size_t i = 0; i < count; i++) {
		const uint64_t start = data[i].start / WORD * WORD;
		const uint64_t all = data[i].size < MAX_DATA ? data[i].size : MAX_DATA;
		for (uint64_t done = 0; data[i].writable == writable && done < all;
		     done += PIECE - OVERLAP) {
			const size_t size = all - done < PIECE ? all - done : PIECE;
			struct gg_error *err = gg_host_read(search->finder->host, start + done,
							    search->piece, size);
			if (!err && look(search, start + done, size))
				return true;
			gg_error_destroy(err);
		}
	}
	return false;
}

// Finds a description that no class leads to.
static struct gg_error *find_in_data(const struct gg_finder *finder,
				     const struct gg_description *wanted, struct gg_fields *ret)
{
	struct data_search *search = calloc(1, sizeof(*search));
	if (!search)
		return gg_enomem;
	search->finder = finder;
	search->wanted = wanted;
	search->ret = ret;
	look_through(search, false, look_for_names);
	const bool found = search->name_count && look_through(search, true, look_for_pointers);
	gg_error_destroy(search->first);
	free(search);
	return found ? NULL
		     : gg_error_create(GG_NOT_FOUND, "QEMU's data has no VMStateDescription \"%s\"",
				       wanted->name);
}

struct gg_error *gg_find_apic(const struct gg_finder *finder, uint64_t cpu,
			      const struct gg_field_layout *layout, struct gg_answers *answers)
{
	const struct gg_description wanted = { "apic", layout->stride, 1 };
	const char *type = gg_cpu_type(finder, cpu);
	struct gg_fields fields = { 0 };
	uint64_t at = WORD, object;
	while (at < MAX_CPU && (!gg_peek_word(finder->peek, cpu + at, &object) ||
				!gg_finder_is_object(finder, object, "apic")))
		at += WORD;
	if (at == MAX_CPU || !type)
		return gg_error_create(GG_NOT_FOUND, "no word of the CPU leads to an APIC");
	struct gg_error *err = find_in_data(finder, &wanted, &fields);
	if (err)
		return err;
	gg_fields_take_columns(&fields, layout);
	err = gg_answers_add(answers, type, "apic_state", at, WORD,
			     "leads to an object that is an APIC");
	if (!err)
		err = gg_fields_add(&fields, "APICCommonState", answers);
	gg_fields_deinit(&fields);
	return err;
}
