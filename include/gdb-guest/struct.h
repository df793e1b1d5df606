// SPDX-License-Identifier: GPL-3.0-or-later
//
// The types of the guest's kernel, and its memory as values of them.
#ifndef GDB_GUEST_STRUCT_H
#define GDB_GUEST_STRUCT_H

#include "examine.h"
#include "symbols.h"

#pragma GCC visibility push(default)

struct gg_struct_options {
	// TYPE, or TYPE.MEMBER,MEMBER ...: a member is a path, "a.b[2]->c".
	const char *type;
	// The address of the value, whose text is NULL where the layout is asked for.
	struct gg_address_text address;
	const char *pid;  // of the task whose task_struct is shown; or NULL
	const char *list; // the member by which values are linked; or NULL
	bool is_head;     // the address is that of a list's head, which is in no value
	uint64_t limit;   // of values in a list
	bool json;
};

// Writes a type's layout, or memory as a value of the type. Memory that is not there is named as
// such, and NOTICES get the reason. GG_INVALID for a wrong TYPE or MEMBER, with names that are like
// it.
//
// The JSON of a layout is an object for each member, or enumerator: "type" (the type that was
// asked), "name" (null for an anonymous member), "path", "declaration", "offset" and "size" in bytes, for a bit field "bit_offset" (in
// the byte) and "bits"; an enumerator's "value". Of a value: an object for each address: "type", "address", "symbol" (or null),
// "value", in which a struct is an object, an array an array, a text a string, a pointer an address, an
// enumerator its name, and what is not there null.
struct gg_error *gg_print_struct(struct gg_guest *guest, const struct gg_struct_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices);

// Calls VISIT with the texts that PREFIX, a TYPE or TYPE.MEMBER,MEMBER, may become, ascending; of more than
// LIMIT (at least 2) with so many.
struct gg_error *gg_guest_complete_type(struct gg_guest *guest, const char *prefix, size_t limit,
					gg_visit_name_fn *visit, void *data);

#pragma GCC visibility pop

#endif
