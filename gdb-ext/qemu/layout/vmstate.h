// SPDX-License-Identifier: GPL-3.0-or-later
//
// VMStateDescriptions and their fields.
#ifndef GG_VMSTATE_H
#define GG_VMSTATE_H

#include "internal.h"

enum { WORD = 8, HALF = 4, NAME_SIZE = 48, MAX_OBJECT = 1 << 20 };

struct gg_field {
	char name[NAME_SIZE];
	struct gg_glimpse glimpse;
	uint64_t offset, size, num;
};

struct gg_fields {
	struct gg_field *list;
	size_t count;
	struct gg_field_layout layout;
	uint64_t subsections; // the place of the pointer to the description's subsections
};

// The wanted description: its name, its least number of fields, and their STRIDE in bytes if that
// is known already.
struct gg_description {
	const char *name;
	size_t stride, least;
};

void gg_fields_deinit(struct gg_fields *fields);

// Finds the array of fields of the description at ADDRESS, whose stride is STRIDE if that is known.
// With fewer than LEAST fields a wrong stride is not told from the right stride.
struct gg_error *gg_fields_find(const struct gg_finder *finder, uint64_t address, size_t stride,
				size_t least, struct gg_fields *ret);

// Finds the places of the members in FIELDS, of which there must be many, and reads each field.
struct gg_error *gg_fields_find_columns(struct gg_fields *fields);

// Reads each field by the places that another description's fields have shown.
void gg_fields_take_columns(struct gg_fields *fields, const struct gg_field_layout *layout);

// Tests whether the wanted description is at ADDRESS; FIELDS become its fields. A structure with
// the name and no fields is something else; its error is kept, if it is the first, for the case
// that there is no description.
bool gg_is_description(const struct gg_finder *finder, uint64_t address,
		       const struct gg_description *wanted, struct gg_fields *fields,
		       struct gg_error **first);

// Tests whether a word of the SIZE bytes at ADDRESS leads to it; RET becomes its fields.
bool gg_take_description(const struct gg_finder *finder, uint64_t address, size_t size,
			 const struct gg_description *wanted, struct gg_fields *ret,
			 struct gg_error **first);

// Finds an object's description: its class, or a table that the class points to, leads to it.
// GG_NOT_FOUND.
struct gg_error *gg_find_description(const struct gg_finder *finder, uint64_t object,
				     const struct gg_description *wanted, struct gg_fields *ret);

// Adds the members of TYPE that the description's subsections name, whose fields are laid out as FIELDS.
struct gg_error *gg_fields_add_subsections(const struct gg_finder *finder,
					   const struct gg_fields *fields, const char *type,
					   struct gg_answers *answers);

// Answers for TYPE's members that the fields name.
struct gg_error *gg_fields_add(const struct gg_fields *fields, const char *type,
			       struct gg_answers *answers);

#endif
