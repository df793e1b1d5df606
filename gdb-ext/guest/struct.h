// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_STRUCT_H
#define GG_GUEST_STRUCT_H

#include "host/object.h"
#include "tasks.h"

#include <gdb-guest/struct.h>

// A type and members of it, as a user names them.
struct gg_struct_query {
	const struct gg_answerers *kernel;
	const struct gg_btf *btf; // of the kernel or of a module
	char *type;               // its name
	uint32_t id;
	char **paths; // of the members; none for the whole type
	size_t path_count;
};

// Parses TEXT, TYPE[.MEMBER,..]. GG_INVALID where the kernel has no such type or member.
struct gg_error *gg_struct_query_init(struct gg_struct_query *query, struct gg_guest *guest,
				      const char *text, const struct gg_notices *notices);

// QUERY may be zeros.
void gg_struct_query_deinit(struct gg_struct_query *query);

// The place of a member.
struct gg_struct_place {
	gg_gva_t address; // of what the member's bit offset counts from; 0 in a layout
	struct gg_btf_member member;
};

// Finds the member PATH of QUERY's type, "a.b->c"; through pointers in memory where READS, of a value
// that is at ADDRESS.
struct gg_error *gg_struct_find(const struct gg_struct_query *query, const char *path,
				gg_gva_t address, bool reads, struct gg_struct_place *ret);

// Calls VISIT with the addresses of the values of QUERY's type that are linked by its member LIST: a
// list_head, a hlist_node or a pointer to the next value. START is the first value, or with IS_HEAD
// the list's head. NOTICES get a line where LIMIT ends the list. GG_BAD_DATA for a list that loops.
struct gg_error *gg_struct_walk(const struct gg_struct_query *query, const char *list,
				gg_gva_t start, bool is_head, uint64_t limit,
				const struct gg_notices *notices,
				struct gg_error *(*visit)(void *data, gg_gva_t address),
				void *data);

#endif
