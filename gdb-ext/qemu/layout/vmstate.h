// SPDX-License-Identifier: GPL-3.0-or-later
//
// VMStateDescriptions and their fields, for whoever looks for one.
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
};

// What is looked for: by its name, with so many fields at least, which are STRIDE bytes apart if
// that is known already.
struct gg_description {
	const char *name;
	size_t stride, least;
};

void gg_fields_deinit(struct gg_fields *fields);

// The array of fields of the description at ADDRESS, whose stride is STRIDE if that is known. With
// fewer than LEAST fields a wrong stride is not told from the right one.
struct gg_error *gg_fields_find(const struct gg_finder *finder, uint64_t address, size_t stride,
				size_t least, struct gg_fields *ret);

// Where in FIELDS, of which there must be many, what is; and what each says.
struct gg_error *gg_fields_find_columns(struct gg_fields *fields);

// The same, by what another's fields have shown.
void gg_fields_take_columns(struct gg_fields *fields, const struct gg_field_layout *layout);

// Is the wanted description at ADDRESS? Then FIELDS are its fields. What has the name and no fields
// is something else; its error is kept as the first one, for the case that there is no other.
bool gg_is_description(const struct gg_finder *finder, uint64_t address,
		       const struct gg_description *wanted, struct gg_fields *fields,
		       struct gg_error **first);

// Does a word of the SIZE bytes at ADDRESS lead to it?
bool gg_take_description(const struct gg_finder *finder, uint64_t address, size_t size,
			 const struct gg_description *wanted, struct gg_fields *ret,
			 struct gg_error **first);

// That of an object: its class, or a table that the class points to, leads to it. GG_NOT_FOUND.
struct gg_error *gg_find_description(const struct gg_finder *finder, uint64_t object,
				     const struct gg_description *wanted, struct gg_fields *ret);

// Answers for TYPE's members that the fields name.
struct gg_error *gg_fields_add(const struct gg_fields *fields, const char *type,
			       struct gg_answers *answers);

#endif
