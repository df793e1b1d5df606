// SPDX-License-Identifier: GPL-3.0-or-later
//
// The members of a guest's kernel's types: an ordered list of finders, as for its symbols
// (linux/symbols/symbols.h).
#ifndef GG_MEMBERS_H
#define GG_MEMBERS_H

#include "base/debug.h"

#include <gdb-guest/host.h>

struct gg_member_finder_ops {
	// Finds the member PATH of TYPE, as gg_host_ops.member does. GG_NOT_FOUND lets the next
	// finder answer, any other error is the answer.
	struct gg_error *(*find)(void *data, const char *type, const char *path,
				 struct gg_member *ret);
	void (*destroy)(void *data);
};

struct gg_member_finder {
	const char *name; // for the debug log
	int order;        // a lower one answers first: a finder that knows sizes before the others
	const struct gg_member_finder_ops *ops;
	void *data; // owned
};

struct gg_members;

// A list without finders. DEBUG, which may be NULL, must outlive RET.
struct gg_error *gg_members_create(const struct gg_debug *debug, struct gg_members **ret);

// NULL is allowed.
void gg_members_destroy(struct gg_members *members);

// Registers FINDER, whose data is consumed, whatever comes of it.
struct gg_error *gg_members_add(struct gg_members *members, const struct gg_member_finder *finder);

// Finds a member. GG_NOT_FOUND, with the first finder's reason, where no finder has it.
struct gg_error *gg_members_find(const struct gg_members *members, const char *type,
				 const char *path, struct gg_member *ret);

#endif
