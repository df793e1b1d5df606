// SPDX-License-Identifier: GPL-3.0-or-later
//
// The state of a guest-struct at work.
#ifndef GG_PRINT_STRUCT_H
#define GG_PRINT_STRUCT_H

#include "guest/address.h"
#include "guest/struct.h"

struct gg_struct_print {
	struct gg_guest *guest;
	const struct gg_struct_options *options;
	const struct gg_writer *writer;
	const struct gg_notices *notices;
	struct gg_struct_query query;
	struct gg_named_address named; // the address, with the symbol that the user named
	struct gg_buffer text;         // what is not written yet
};

// Writes the layout of the type, or of its members that were asked for.
struct gg_error *gg_struct_layout(struct gg_struct_print *print);

// Writes the value at ADDRESS.
struct gg_error *gg_struct_value(struct gg_struct_print *print, gg_gva_t address);

// Appends OBJECT's member MEMBER, as a text with INDENT spaces before further lines ...
struct gg_error *gg_append_value(struct gg_struct_print *print, const struct gg_object *object,
				 const struct gg_btf_member *member, unsigned int indent);

// ... or as a JSON value behind KEY.
struct gg_error *gg_json_value(struct gg_struct_print *print, const struct gg_object *object,
			       const struct gg_btf_member *member, const char *key);

// Finds the enumerator of TYPE with VALUE, or returns NULL.
const char *gg_enumerator_name(const struct gg_struct_print *print, const struct gg_type *type,
			       int64_t value);

// Reads MEMBER's integer, with its sign. False where it is not there.
bool gg_value_integer(const struct gg_object *object, const struct gg_type *type,
		      const struct gg_btf_member *member, int64_t *ret);

// Returns element INDEX of MEMBER, an array of TYPE, whose elements are of ELEMENT.
struct gg_btf_member gg_element_at(const struct gg_type *type, const struct gg_type *element,
				   const struct gg_btf_member *member, uint64_t index);

#endif
