// SPDX-License-Identifier: GPL-3.0-or-later
//
// What QEMU saves of an object on migration: its VMStateDescriptions (QEMU
// include/migration/vmstate.h) name the fields, "env.regs", and say where they are.
//
// In:  an object, whose class leads to its description, by itself or through a table of operations.
// Out: offsets in the object.
//
// What the data must be like:
// - VMStateDescription: the first word points to its name, one other to an array of fields.
// - VMStateField: the first word points to its name; the last one's is NULL.
// - Its offset: the 4 bytes that are small in all fields and differ in most; its size: those that
//   make one field end where the next one begins most often; its num: those that do so for arrays,
//   and make none reach into the next. (4 bytes are enough of a size_t, and since v11.0 all there
//   is of some.)
//
// Trusts nothing it reads: each search is bounded by the sizes below.
#include "internal.h"
#include "../cleanup.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	WORD = 8,
	HALF = 4,
	CLASS_SIZE = 1024,
	OPERATIONS_SIZE = 128,
	DESCRIPTION_SIZE = 160,
	MIN_FIELD = 64,
	MAX_FIELD = 160, // 104 bytes in v7.2
	MAX_FIELDS = 1024,
	NAME_SIZE = 48,
	MAX_OBJECT = 1 << 20,
	MAX_CPU = 1 << 17,   // 20 KiB in v7.2, with 32 KiB more in v5.2
	MAX_DATA = 32 << 20, // of a program: 4 MiB in v7.2
};

struct field {
	char name[NAME_SIZE];
	struct gg_glimpse glimpse;
	uint64_t offset, size, num;
};

struct fields {
	struct field *list;
	size_t count;
	struct gg_field_layout layout;
};

// What is looked for: by its name, with so many fields at least, which are STRIDE bytes apart if
// that is known already.
struct description {
	const char *name;
	size_t stride, least;
};

static void fields_deinit(struct fields *fields)
{
	free(fields->list);
	*fields = (struct fields){ 0 };
}

// ---- Fields ----

static bool is_field_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("_.-[]>/ ()*+", *name))
			return false;
	return true;
}

static bool read_field_name(const struct gg_finder *finder, uint64_t field, char *ret)
{
	uint64_t name;
	return gg_peek_word(finder->peek, field, &name) &&
	       gg_peek_text(finder->peek, name, ret, NAME_SIZE) && is_field_name(ret);
}

// How many fields of STRIDE bytes are at ARRAY, up to the one without a name; 0 where it is no such
// array.
static size_t count_fields(const struct gg_finder *finder, uint64_t array, size_t stride)
{
	for (size_t i = 0; i < MAX_FIELDS; i++) {
		uint64_t name_address;
		char name[NAME_SIZE];
		if (!gg_peek_word(finder->peek, array + i * stride, &name_address))
			return 0;
		if (!name_address)
			return i;
		if (!read_field_name(finder, array + i * stride, name))
			return 0;
	}
	return 0;
}

static struct gg_error *read_fields(const struct gg_finder *finder, uint64_t array, size_t count,
				    size_t stride, struct fields *ret)
{
	ret->list = calloc(count, sizeof(*ret->list));
	if (!ret->list)
		return gg_enomem;
	ret->count = count;
	ret->layout.stride = stride;
	for (size_t i = 0; i < count; i++) {
		struct field *field = &ret->list[i];
		if (!read_field_name(finder, array + i * stride, field->name))
			return gg_error_create(GG_BAD_DATA, "field %zu has no name", i);
		gg_peek_glimpse(finder->peek, array + i * stride, stride, &field->glimpse);
	}
	return NULL;
}

// The array of fields of the description at ADDRESS, whose stride is STRIDE if that is known. With
// fewer than LEAST fields a wrong stride is not told from the right one.
static struct gg_error *find_fields(const struct gg_finder *finder, uint64_t address, size_t stride,
				    size_t least, struct fields *ret)
{
	struct gg_glimpse glimpse;
	gg_peek_glimpse(finder->peek, address, DESCRIPTION_SIZE, &glimpse);
	const size_t from = stride ? stride : MIN_FIELD, to = stride ? stride : MAX_FIELD;
	for (size_t at = WORD; at + WORD <= glimpse.size; at += WORD) {
		const uint64_t array = gg_glimpse_word(&glimpse, at);
		for (size_t size = from; array && size <= to; size += WORD) {
			const size_t count = count_fields(finder, array, size);
			if (count >= least)
				return read_fields(finder, array, count, size, ret);
		}
	}
	return gg_error_create(GG_BAD_DATA,
			       "no word of the VMStateDescription at 0x%" PRIx64
			       " leads to fields with names",
			       address);
}

// ---- VMStateField ----

static int compare_fields(const void *left, const void *right)
{
	const struct field *a = left, *b = right;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

// Of how many fields does the word at AT differ from all before? 0 where one is too large to be an
// offset.
static size_t count_offsets(const struct fields *fields, size_t at)
{
	size_t different = 0;
	for (size_t i = 0; i < fields->count; i++) {
		const uint64_t value = gg_glimpse_half(&fields->list[i].glimpse, at);
		bool seen = false;
		if (value >= MAX_OBJECT)
			return 0;
		for (size_t j = 0; j < i && !seen; j++)
			seen = gg_glimpse_half(&fields->list[j].glimpse, at) == value;
		different += !seen;
	}
	return different;
}

static struct gg_error *find_offset_column(struct fields *fields)
{
	size_t found = 0;
	for (size_t at = WORD; at + HALF <= fields->layout.stride; at += HALF)
		if (count_offsets(fields, at) > fields->count / 2) {
			fields->layout.offset = at;
			found++;
		}
	if (found != 1)
		return gg_error_create(GG_BAD_DATA,
				       "%zu places in a VMStateField can be its offset", found);
	for (size_t i = 0; i < fields->count; i++)
		fields->list[i].offset =
			gg_glimpse_half(&fields->list[i].glimpse, fields->layout.offset);
	return NULL;
}

// The start of the next field that is not at the same offset; fields are sorted by it.
static uint64_t next_offset(const struct fields *fields, size_t i)
{
	for (size_t j = i + 1; j < fields->count; j++)
		if (fields->list[j].offset != fields->list[i].offset)
			return fields->list[j].offset;
	return UINT64_MAX;
}

// How many fields end where the next one begins, if the word at AT is their size? 0 where one has
// none.
static size_t count_neighbours(const struct fields *fields, size_t at)
{
	size_t hits = 0;
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->list[i];
		const uint64_t size = gg_glimpse_half(&field->glimpse, at);
		if (!size || size >= MAX_OBJECT)
			return 0;
		hits += field->offset + size == next_offset(fields, i);
	}
	return hits;
}

static struct gg_error *find_size_column(struct fields *fields)
{
	size_t best = 0, second = 0;
	for (size_t at = WORD; at + HALF <= fields->layout.stride; at += HALF) {
		const size_t hits = at == fields->layout.offset ? 0 : count_neighbours(fields, at);
		if (hits > best) {
			second = best;
			best = hits;
			fields->layout.size = at;
		} else if (hits > second) {
			second = hits;
		}
	}
	if (!best || best == second)
		return gg_error_create(
			GG_BAD_DATA,
			"no one place in a VMStateField is the size that makes fields "
			"neighbours (%zu of them at best)",
			best);
	for (size_t i = 0; i < fields->count; i++)
		fields->list[i].size =
			gg_glimpse_half(&fields->list[i].glimpse, fields->layout.size);
	return NULL;
}

// How many arrays end where the next field begins, if the 4 bytes at AT are their length? 0 where
// one would reach into the next field.
static size_t count_arrays(const struct fields *fields, size_t at)
{
	size_t hits = 0;
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->list[i];
		const uint64_t num = gg_glimpse_half(&field->glimpse, at);
		const uint64_t next = next_offset(fields, i);
		if (num < 2)
			continue;
		if (num >= MAX_OBJECT || field->offset + num * field->size > next)
			return 0;
		hits += field->offset + num * field->size == next;
	}
	return hits;
}

static struct gg_error *find_num_column(struct fields *fields)
{
	size_t found = 0;
	for (size_t at = WORD; at + HALF <= fields->layout.stride; at += HALF)
		if (at != fields->layout.offset && at != fields->layout.size &&
		    count_arrays(fields, at)) {
			fields->layout.num = at;
			found++;
		}
	if (found != 1)
		return gg_error_create(GG_BAD_DATA,
				       "%zu places in a VMStateField can be the length of an array",
				       found);
	for (size_t i = 0; i < fields->count; i++) {
		const uint64_t num = gg_glimpse_half(&fields->list[i].glimpse, fields->layout.num);
		fields->list[i].num = num ? num : 1;
	}
	return NULL;
}

static struct gg_error *find_columns(struct fields *fields)
{
	struct gg_error *err = find_offset_column(fields);
	if (err)
		return err;
	qsort(fields->list, fields->count, sizeof(*fields->list), compare_fields);
	err = find_size_column(fields);
	return err ? err : find_num_column(fields);
}

// Reads what is at the places that another's fields have shown.
static void take_columns(struct fields *fields, const struct gg_field_layout *layout)
{
	fields->layout = *layout;
	for (size_t i = 0; i < fields->count; i++) {
		struct field *field = &fields->list[i];
		field->offset = gg_glimpse_half(&field->glimpse, layout->offset);
		field->size = gg_glimpse_half(&field->glimpse, layout->size);
		field->num = gg_glimpse_half(&field->glimpse, layout->num);
		field->num = field->num ? field->num : 1;
	}
}

// ---- Descriptions ----

// Is the wanted description at ADDRESS? Then FIELDS are its fields. What has the name and no fields
// is something else; its error is kept as the first one, for the case that there is no other.
static bool is_description(const struct gg_finder *finder, uint64_t address,
			   const struct description *wanted, struct fields *fields,
			   struct gg_error **first)
{
	uint64_t name;
	char text[NAME_SIZE];
	if (!gg_peek_word(finder->peek, address, &name) ||
	    !gg_peek_text(finder->peek, name, text, sizeof(text)) ||
	    strcmp(text, wanted->name) != 0)
		return false;
	struct gg_error *err = find_fields(finder, address, wanted->stride, wanted->least, fields);
	if (!err)
		return true;
	fields_deinit(fields);
	if (*first)
		gg_error_destroy(err);
	else
		*first = err;
	return false;
}

// Does a word of the SIZE bytes at ADDRESS lead to it?
static bool take_description(const struct gg_finder *finder, uint64_t address, size_t size,
			     const struct description *wanted, struct fields *ret,
			     struct gg_error **first)
{
	struct gg_glimpse glimpse;
	gg_peek_glimpse(finder->peek, address, size, &glimpse);
	for (size_t at = 0; at + WORD <= glimpse.size; at += WORD)
		if (is_description(finder, gg_glimpse_word(&glimpse, at), wanted, ret, first))
			return true;
	return false;
}

// Of an object: its class, or a table that the class points to, leads to the description.
static struct gg_error *find_description(const struct gg_finder *finder, uint64_t object,
					 const struct description *wanted, struct fields *ret)
{
	uint64_t class;
	struct gg_glimpse glimpse;
	struct gg_error *first = NULL;
	bool found = gg_peek_word(finder->peek, object, &class) &&
		     take_description(finder, class, CLASS_SIZE, wanted, ret, &first);
	if (!found)
		gg_peek_glimpse(finder->peek, class, CLASS_SIZE, &glimpse);
	for (size_t at = 0; !found && at + WORD <= glimpse.size; at += WORD)
		found = take_description(finder, gg_glimpse_word(&glimpse, at), OPERATIONS_SIZE,
					 wanted, ret, &first);
	if (found) {
		gg_error_destroy(first);
		return NULL;
	}
	return first ? first
		     : gg_error_create(GG_NOT_FOUND,
				       "the class of the object at 0x%" PRIx64
				       " leads to no VMStateDescription \"%s\" (its name is in "
				       "QEMU's binary, which must be at hand)",
				       object, wanted->name);
}

// ---- CPUs ----

// QOM's names for the CPUs of a target, and C's.
const char *gg_cpu_type(const struct gg_finder *finder, uint64_t cpu)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{ "-x86_64-cpu", "X86CPU" },        { "-i386-cpu", "X86CPU" },
		{ "-arm-cpu", "ARMCPU" },           { "-s390x-cpu", "S390CPU" },
		{ "-powerpc64-cpu", "PowerPCCPU" }, { "-powerpc-cpu", "PowerPCCPU" },
		{ "-riscv-cpu", "RISCVCPU" },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (gg_finder_is_object(finder, cpu, types[i].suffix))
			return types[i].type;
	return NULL;
}

// "env.cr[0]", "env.cr[2]" and so on are parts of the array env.cr, which ends with the last.
static struct gg_error *add_array(const struct fields *fields, const struct field *first,
				  const char *type, struct gg_answers *answers)
{
	char base[NAME_SIZE];
	const size_t length = strlen(first->name) - strlen("[0]");
	snprintf(base, sizeof(base), "%.*s", (int)length, first->name);
	uint64_t end = first->offset + first->size;
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->list[i];
		if (!strncmp(field->name, base, length) && field->name[length] == '[' &&
		    field->offset + field->size > end)
			end = field->offset + field->size;
	}
	return gg_answers_add(answers, type, base, first->offset, end - first->offset,
			      "the VMStateFields %s ... say so", first->name);
}

static bool is_first_of_array(const char *name)
{
	const size_t length = strlen(name);
	return length > strlen("[0]") && !strcmp(name + length - strlen("[0]"), "[0]");
}

static struct gg_error *add_fields(const struct fields *fields, const char *type,
				   struct gg_answers *answers)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < fields->count; i++) {
		const struct field *field = &fields->list[i];
		// A name that stands for several places is one that a newer version has moved.
		bool twice = false;
		for (size_t j = 0; j < fields->count && !twice; j++)
			twice = !strcmp(fields->list[j].name, field->name) &&
				fields->list[j].offset != field->offset;
		if (twice || gg_answers_find(answers, type, field->name))
			continue;
		if (is_first_of_array(field->name))
			err = add_array(fields, field, type, answers);
		else if (!strchr(field->name, '['))
			err = gg_answers_add(answers, type, field->name, field->offset,
					     field->size * field->num,
					     "a VMStateField of that name");
	}
	return err;
}

// The parts of a CPU that have a description of their own.
static struct gg_error *add_part(const struct gg_finder *finder, const struct fields *fields,
				 const char *name, const char *type, struct gg_answers *answers)
{
	const struct description wanted = { name, fields->layout.stride, 1 };
	struct gg_error *err = NULL, *first = NULL;
	bool found = false;
	for (size_t i = 0; !found && i < fields->count; i++) {
		const struct field *field = &fields->list[i];
		struct fields part = { 0 };
		found = take_description(finder, field->glimpse.address, fields->layout.stride,
					 &wanted, &part, &first);
		if (!found)
			continue;
		take_columns(&part, &fields->layout);
		err = add_fields(&part, type, answers);
		if (!err)
			err = gg_answers_add(answers, type, "", 0, field->size,
					     "the size of %s in its VMStateField", field->name);
		fields_deinit(&part);
	}
	gg_error_destroy(first);
	return err;
}

// What CPUs of all architectures have, as a member of the CPU's own type: "parent_obj.halted". A
// QEMU without the description, or with another one, has none of it.
static struct gg_error *add_common(const struct gg_finder *finder,
				   const struct gg_field_layout *layout, const char *type,
				   struct gg_answers *answers)
{
	struct fields common = { 0 };
	struct gg_image_symbol description;
	struct gg_error *err = gg_finder_symbol(finder, "vmstate_cpu_common", &description);
	if (!err)
		err = find_fields(finder, description.address, layout->stride, 1, &common);
	if (err) {
		gg_error_destroy(err);
		fields_deinit(&common);
		return NULL;
	}
	take_columns(&common, layout);
	for (size_t i = 0; !err && i < common.count; i++)
		if (!strcmp(common.list[i].name, "halted"))
			err = gg_answers_add(answers, type, "parent_obj.halted",
					     common.list[i].offset, common.list[i].size,
					     "a VMStateField of vmstate_cpu_common");
	fields_deinit(&common);
	return err;
}

struct gg_error *gg_find_cpu_fields(const struct gg_finder *finder, uint64_t cpu,
				    struct gg_answers *answers, struct gg_field_layout *layout)
{
	const struct description wanted = { .name = "cpu", .least = 8 };
	struct fields fields = { 0 };
	const char *type = gg_cpu_type(finder, cpu);
	*layout = (struct gg_field_layout){ 0 };
	struct gg_error *err = find_description(finder, cpu, &wanted, &fields);
	if (!err)
		err = find_columns(&fields);
	if (!err)
		*layout = fields.layout;
	if (!err && !type)
		err = gg_error_create(GG_NOT_FOUND,
				      "the CPU at 0x%" PRIx64 " is of no architecture known here",
				      cpu);
	if (!err)
		err = add_fields(&fields, type, answers);
	if (!err)
		err = add_part(finder, &fields, "segment", "SegmentCache", answers);
	if (!err)
		err = add_common(finder, &fields.layout, type, answers);
	fields_deinit(&fields);
	struct gg_error *serious = gg_peek_error(finder->peek);
	if (serious) {
		gg_error_destroy(err);
		return serious;
	}
	return err ? gg_error_context(err, "the registers' places") : NULL;
}

// ---- APIC ----

enum { PIECE = 65536, OVERLAP = 64, MAX_NAMES = 64 };

// What is looked for in the programs' data: first where its name is, then who points to that.
struct data_search {
	const struct gg_finder *finder;
	const struct description *wanted;
	uint64_t names[MAX_NAMES];
	size_t name_count;
	struct fields *ret;
	struct gg_error *first;
	uint8_t piece[PIECE];
};

// Names are where constants are.
static bool look_for_names(struct data_search *search, uint64_t address, size_t size)
{
	const char *name = search->wanted->name;
	const size_t length = strlen(name) + 1;
	for (size_t at = 0; at + length <= size && search->name_count < MAX_NAMES;) {
		const uint8_t *found = memmem(search->piece + at, size - at, name, length);
		if (!found)
			break;
		at = (size_t)(found - search->piece);
		search->names[search->name_count++] = address + at;
		at++;
	}
	return false;
}

static bool look_for_pointers(struct data_search *search, uint64_t address, size_t size)
{
	for (size_t at = 0; at + WORD <= size; at += WORD) {
		struct gg_cursor cursor = gg_cursor(search->piece + at, WORD,
						    search->finder->host->big_endian, "data");
		uint64_t word = 0;
		gg_error_destroy(gg_cursor_uint(&cursor, WORD, &word));
		for (size_t i = 0; i < search->name_count; i++)
			if (word == search->names[i] &&
			    is_description(search->finder, address + at, search->wanted,
					   search->ret, &search->first))
				return true;
	}
	return false;
}

// Calls LOOK with each piece of the data that is, or is not, WRITABLE, until it has found
// something. Pieces overlap, for a name may be at the end of one.
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

// A description that no class leads to.
static struct gg_error *find_in_data(const struct gg_finder *finder,
				     const struct description *wanted, struct fields *ret)
{
	struct data_search *search = calloc(1, sizeof(*search));
	if (!search)
		return gg_enomem;
	search->finder = finder;
	search->wanted = wanted;
	search->ret = ret;
	look_through(search, false, look_for_names);
	const bool found = look_through(search, true, look_for_pointers);
	gg_error_destroy(search->first);
	free(search);
	return found ? NULL
		     : gg_error_create(GG_NOT_FOUND, "QEMU's data has no VMStateDescription \"%s\"",
				       wanted->name);
}

struct gg_error *gg_find_apic(const struct gg_finder *finder, uint64_t cpu,
			      const struct gg_field_layout *layout, struct gg_answers *answers)
{
	const struct description wanted = { "apic", layout->stride, 1 };
	struct fields fields = { 0 };
	uint64_t at = WORD, object;
	while (at < MAX_CPU && (!gg_peek_word(finder->peek, cpu + at, &object) ||
				!gg_finder_is_object(finder, object, "apic")))
		at += WORD;
	if (at == MAX_CPU)
		return gg_error_create(GG_NOT_FOUND, "no word of the CPU leads to an APIC");
	struct gg_error *err = find_in_data(finder, &wanted, &fields);
	if (err)
		return err;
	take_columns(&fields, layout);
	err = gg_answers_add(answers, "X86CPU", "apic_state", at, WORD,
			     "leads to an object that is an APIC");
	if (!err)
		err = add_fields(&fields, "APICCommonState", answers);
	fields_deinit(&fields);
	return err;
}

// ---- virtio-mem ----

// One of its words says how large a block is, a power of 2, such that BITS blocks are SIZE bytes.
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

// The field "bitmap" says where the pointer is and, in another of its words, where the number of
// bits is.
static struct gg_error *add_bitmap(const struct gg_finder *finder, const struct fields *fields,
				   const struct field *bitmap,
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
	const struct description wanted = { "virtio-mem-device", layout->stride, 1 };
	struct fields fields = { 0 };
	const struct field *bitmap = NULL;
	struct gg_error *err = find_description(finder, device->address, &wanted, &fields);
	if (err)
		return err;
	take_columns(&fields, layout);
	for (size_t i = 0; i < fields.count; i++)
		if (!strcmp(fields.list[i].name, "bitmap"))
			bitmap = &fields.list[i];
	err = bitmap ? add_bitmap(finder, &fields, bitmap, device, answers)
		     : gg_error_create(GG_BAD_DATA, "it has no VMStateField \"bitmap\"");
	fields_deinit(&fields);
	return err;
}

static bool is_device(const struct gg_finder *finder, uint64_t address)
{
	char name[GG_TYPE_NAME_SIZE];
	return gg_finder_type_name(finder, address, name) &&
	       !strncmp(name, "virtio-mem", strlen("virtio-mem"));
}

// Since v11.0 an object of its own stands between RAM and the devices that know which parts of it
// are there (QEMU include/system/ram-discard-manager.h): it has one device, or a list of entries of
// two words and a device, whose links lead back.
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
