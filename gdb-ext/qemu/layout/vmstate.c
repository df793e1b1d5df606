// SPDX-License-Identifier: GPL-3.0-or-later
//
// The fields that QEMU saves of an object on migration: its VMStateDescriptions (QEMU
// include/migration/vmstate.h) have their names, "env.regs", and their places.
//
// In:  an object, whose class leads to its description, by itself or through a table of operations.
// Out: offsets in the object.
//
// The conditions on the data:
// - VMStateDescription: the first word points to its name, one other to an array of fields.
// - VMStateField: the first word points to its name; the last one's is NULL.
// - Its offset: the 4 bytes that are small in all fields and differ in most; its size: those that
//   make one field end where the next one begins most often; its num: those that do so for arrays,
//   and make none reach into the next. (4 bytes are enough of a size_t, and since v11.0 all there
//   is of some.)
//
// Trusts nothing it reads: each search is bounded by the sizes below.
#include "vmstate.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	CLASS_SIZE = 1024,
	OPERATIONS_SIZE = 128,
	DESCRIPTION_SIZE = 160,
	MIN_FIELD = 64,
	MAX_FIELD = 160, // 104 bytes in v7.2
	MAX_FIELDS = 1024,
};

void gg_fields_deinit(struct gg_fields *fields)
{
	free(fields->list);
	*fields = (struct gg_fields){ 0 };
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

// Counts the fields of STRIDE bytes at ARRAY, up to the field without a name; 0 where it is no such
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
				    size_t stride, struct gg_fields *ret)
{
	ret->list = calloc(count, sizeof(*ret->list));
	if (!ret->list)
		return gg_enomem;
	ret->count = count;
	ret->layout.stride = stride;
	for (size_t i = 0; i < count; i++) {
		struct gg_field *field = &ret->list[i];
		if (!read_field_name(finder, array + i * stride, field->name))
			return gg_error_create(GG_BAD_DATA, "field %zu has no name", i);
		gg_peek_glimpse(finder->peek, array + i * stride, stride, &field->glimpse);
	}
	return NULL;
}

// Finds the array of fields of the description at ADDRESS, whose stride is STRIDE if that is known.
// With fewer than LEAST fields a wrong stride is not told from the right stride.
struct gg_error *gg_fields_find(const struct gg_finder *finder, uint64_t address, size_t stride,
				size_t least, struct gg_fields *ret)
{
	struct gg_glimpse glimpse;
	gg_peek_glimpse(finder->peek, address, DESCRIPTION_SIZE, &glimpse);
	const size_t from = stride ? stride : MIN_FIELD, to = stride ? stride : MAX_FIELD;
	for (size_t at = WORD; at + WORD <= glimpse.size; at += WORD) {
		const uint64_t array = gg_glimpse_word(&glimpse, at);
		for (size_t size = from; array && size <= to; size += WORD) {
			const size_t count = count_fields(finder, array, size);
			if (count < least)
				continue;
			ret->subsections = address + at + WORD;
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
	const struct gg_field *a = left, *b = right;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

// Counts the fields whose word at AT differs from all before; 0 where a word is too large to be an
// offset.
static size_t count_offsets(const struct gg_fields *fields, size_t at)
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

static struct gg_error *find_offset_column(struct gg_fields *fields)
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

// Finds the start of the next field that is not at the same offset; fields are sorted by it.
static uint64_t next_offset(const struct gg_fields *fields, size_t i)
{
	for (size_t j = i + 1; j < fields->count; j++)
		if (fields->list[j].offset != fields->list[i].offset)
			return fields->list[j].offset;
	return UINT64_MAX;
}

// Counts the fields that end where the next field begins, if the word at AT is their size; 0 where
// a field has none.
static size_t count_neighbours(const struct gg_fields *fields, size_t at)
{
	size_t hits = 0;
	for (size_t i = 0; i < fields->count; i++) {
		const struct gg_field *field = &fields->list[i];
		const uint64_t size = gg_glimpse_half(&field->glimpse, at);
		if (!size || size >= MAX_OBJECT)
			return 0;
		hits += field->offset + size == next_offset(fields, i);
	}
	return hits;
}

static struct gg_error *find_size_column(struct gg_fields *fields)
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

// Counts the arrays that end where the next field begins, if the 4 bytes at AT are their length; 0
// where an array would reach into the next field.
static size_t count_arrays(const struct gg_fields *fields, size_t at)
{
	size_t hits = 0;
	for (size_t i = 0; i < fields->count; i++) {
		const struct gg_field *field = &fields->list[i];
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

static struct gg_error *find_num_column(struct gg_fields *fields)
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

// The fields that end where the next field begins, and the bytes of all fields.
struct ends {
	size_t hits;
	uint64_t bytes;
};

static int compare_ends(const struct ends *a, const struct ends *b)
{
	if (a->hits != b->hits)
		return a->hits > b->hits ? 1 : -1;
	return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

// Counts them, if the words at SIZE_AT and NUM_AT are a field's size and number of elements; 0 where a
// field would reach into the next field. A field of a size that another member has has none here.
static struct ends count_ends(const struct gg_fields *fields, size_t size_at, size_t num_at)
{
	struct ends ends = { 0 };
	for (size_t i = 0; i < fields->count; i++) {
		const struct gg_field *field = &fields->list[i];
		const uint64_t size = gg_glimpse_half(&field->glimpse, size_at);
		const uint64_t num = gg_glimpse_half(&field->glimpse, num_at);
		const uint64_t bytes = size * (num ? num : 1);
		const uint64_t next = next_offset(fields, i);
		if (size >= MAX_OBJECT || num >= MAX_OBJECT || field->offset + bytes > next)
			return (struct ends){ 0 };
		ends.hits += size && field->offset + bytes == next;
		ends.bytes += bytes;
	}
	return ends;
}

// Finds the places of size and number together, where each alone is not told from the field's flags: of
// CPUs with few neighbours. LONGEST: of places with as many neighbours, those that make the fields longest,
// for a flag's value is small (ppc64, where no array has a neighbour).
static bool find_pair(struct gg_fields *fields, bool longest)
{
	struct gg_field_layout *layout = &fields->layout;
	struct ends best = count_ends(fields, layout->size, layout->num);
	size_t equals = 1;
	for (size_t size = WORD; size + HALF <= layout->stride; size += HALF)
		for (size_t num = WORD; num + HALF <= layout->stride; num += HALF) {
			if (size == num || size == layout->offset || num == layout->offset ||
			    (size == layout->size && num == layout->num))
				continue;
			struct ends ends = count_ends(fields, size, num);
			if (!longest)
				ends.bytes = best.bytes;
			const int order = compare_ends(&ends, &best);
			if (order > 0) {
				best = ends;
				equals = 1;
				layout->size = size;
				layout->num = num;
			} else {
				equals += !order;
			}
		}
	return (longest ? best.bytes : best.hits) && equals == 1;
}

struct gg_error *gg_fields_find_columns(struct gg_fields *fields)
{
	struct gg_error *err = find_offset_column(fields);
	if (err)
		return err;
	qsort(fields->list, fields->count, sizeof(*fields->list), compare_fields);
	err = find_size_column(fields);
	if (!err)
		err = find_num_column(fields);
	const struct gg_field_layout found = fields->layout;
	if (!find_pair(fields, err)) {
		fields->layout = found;
		return err;
	}
	gg_error_destroy(err);
	const struct gg_field_layout pair = fields->layout;
	gg_fields_take_columns(fields, &pair);
	return NULL;
}

// Reads a field at the places that another description's fields have shown.
void gg_fields_take_columns(struct gg_fields *fields, const struct gg_field_layout *layout)
{
	fields->layout = *layout;
	for (size_t i = 0; i < fields->count; i++) {
		struct gg_field *field = &fields->list[i];
		field->offset = gg_glimpse_half(&field->glimpse, layout->offset);
		field->size = gg_glimpse_half(&field->glimpse, layout->size);
		field->num = gg_glimpse_half(&field->glimpse, layout->num);
		field->num = field->num ? field->num : 1;
	}
}

// ---- Descriptions ----

// Tests whether the wanted description is at ADDRESS; FIELDS become its fields. A structure with
// the name and no fields is something else; its error is kept, if it is the first, for the case
// that there is no description.
bool gg_is_description(const struct gg_finder *finder, uint64_t address,
		       const struct gg_description *wanted, struct gg_fields *fields,
		       struct gg_error **first)
{
	uint64_t name;
	char text[NAME_SIZE];
	if (!gg_peek_word(finder->peek, address, &name) ||
	    !gg_peek_text(finder->peek, name, text, sizeof(text)) ||
	    strcmp(text, wanted->name) != 0)
		return false;
	struct gg_error *err =
		gg_fields_find(finder, address, wanted->stride, wanted->least, fields);
	if (!err)
		return true;
	gg_fields_deinit(fields);
	if (*first)
		gg_error_destroy(err);
	else
		*first = err;
	return false;
}

// Tests whether a word of the SIZE bytes at ADDRESS leads to it.
bool gg_take_description(const struct gg_finder *finder, uint64_t address, size_t size,
			 const struct gg_description *wanted, struct gg_fields *ret,
			 struct gg_error **first)
{
	struct gg_glimpse glimpse;
	gg_peek_glimpse(finder->peek, address, size, &glimpse);
	for (size_t at = 0; at + WORD <= glimpse.size; at += WORD)
		if (gg_is_description(finder, gg_glimpse_word(&glimpse, at), wanted, ret, first))
			return true;
	return false;
}

// Finds an object's description: its class, or a table that the class points to, leads to it.
struct gg_error *gg_find_description(const struct gg_finder *finder, uint64_t object,
				     const struct gg_description *wanted, struct gg_fields *ret)
{
	uint64_t class;
	struct gg_glimpse glimpse;
	struct gg_error *first = NULL;
	bool found = gg_peek_word(finder->peek, object, &class) &&
		     gg_take_description(finder, class, CLASS_SIZE, wanted, ret, &first);
	if (!found)
		gg_peek_glimpse(finder->peek, class, CLASS_SIZE, &glimpse);
	for (size_t at = 0; !found && at + WORD <= glimpse.size; at += WORD)
		found = gg_take_description(finder, gg_glimpse_word(&glimpse, at), OPERATIONS_SIZE,
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

// "env.cr[0]", "env.cr[2]" and so on are parts of the array env.cr, which ends with the last.
static struct gg_error *add_array(const struct gg_fields *fields, const struct gg_field *first,
				  const char *type, struct gg_answers *answers)
{
	char base[NAME_SIZE];
	const size_t length = strlen(first->name) - strlen("[0]");
	snprintf(base, sizeof(base), "%.*s", (int)length, first->name);
	uint64_t end = first->offset + first->size;
	for (size_t i = 0; i < fields->count; i++) {
		const struct gg_field *field = &fields->list[i];
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

struct gg_error *gg_fields_add(const struct gg_fields *fields, const char *type,
			       struct gg_answers *answers)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < fields->count; i++) {
		const struct gg_field *field = &fields->list[i];
		// A newer version has moved a name that stands for several places.
		bool twice = false;
		for (size_t j = 0; j < fields->count && !twice; j++)
			twice = !strcmp(fields->list[j].name, field->name) &&
				fields->list[j].offset != field->offset;
		if (twice || gg_answers_find(answers, type, field->name))
			continue;
		if (is_first_of_array(field->name) && !strstr(field->name, "]["))
			err = add_array(fields, field, type, answers);
		else if (!strchr(field->name, '[') || strstr(field->name, "].") ||
			 strstr(field->name, "]["))
			err = gg_answers_add(answers, type, field->name, field->offset,
					     field->size * field->num,
					     "a VMStateField of that name");
	}
	return err;
}

// The pointer to an array of pointers to descriptions stands behind the pointer to the fields.
struct gg_error *gg_fields_add_subsections(const struct gg_finder *finder,
					   const struct gg_fields *fields, const char *type,
					   struct gg_answers *answers)
{
	enum { MAX_SUBSECTIONS = 64 };
	uint64_t array, address;
	struct gg_error *err = NULL;
	if (!gg_peek_word(finder->peek, fields->subsections, &array) || !array)
		return NULL;
	for (size_t i = 0; !err && i < MAX_SUBSECTIONS; i++) {
		struct gg_fields part = { 0 };
		if (!gg_peek_word(finder->peek, array + i * WORD, &address) || !address)
			break;
		err = gg_fields_find(finder, address, fields->layout.stride, 1, &part);
		if (err) {
			err = gg_error_unless_final(err);
		} else {
			gg_fields_take_columns(&part, &fields->layout);
			err = gg_fields_add(&part, type, answers);
		}
		gg_fields_deinit(&part);
	}
	return err;
}
