// SPDX-License-Identifier: GPL-3.0-or-later
//
// The reads that every reader does by the host interface: integers, pointers, texts, whole layouts.
#ifndef GG_HOST_H
#define GG_HOST_H

#include "base/cursor.h"

// Reads as gg_host_ops.read, with SIZE 0 allowed and a range that wraps refused.
struct gg_error *gg_host_read(const struct gg_host *host, uint64_t address, void *buffer,
			      size_t size);

// Reads an integer of SIZE (1 to 8) bytes at ADDRESS.
struct gg_error *gg_host_read_uint(const struct gg_host *host, uint64_t address, uint64_t size,
				   uint64_t *ret);

// Reads the integer MEMBER of the structure at ADDRESS.
struct gg_error *gg_host_read_member(const struct gg_host *host, uint64_t address,
				     const struct gg_member *member, uint64_t *ret);

// Reads the text at ADDRESS up to its NUL, which must come within LIMIT bytes; the caller frees it.
struct gg_error *gg_host_read_text(const struct gg_host *host, uint64_t address, size_t limit,
				   char **ret);

struct gg_error *gg_host_symbol(const struct gg_host *host, const char *name, uint64_t *ret);

// A member that a reader needs. A reader has all its members in one table, and fails before it
// reads anything if one is missing.
struct gg_layout_row {
	const char *type;
	// The member's names over the versions, newest first, up to a NULL.
	const char *const *paths;
	// The offset of the struct gg_member in the reader's layout.
	size_t where;
	// Allows a type without any of the names: the member is left with size 0.
	bool optional;
};

// A row for MEMBER of the layout structure LAYOUT, which is called ... in TYPE.
#define GG_LAYOUT_ROW(layout, member, type_name, ...)                                              \
	{                                                                                          \
		.type = (type_name), .where = offsetof(layout, member),                            \
		.paths = (const char *const[]){ __VA_ARGS__, NULL },                               \
	}
#define GG_LAYOUT_ROW_OPTIONAL(layout, member, type_name, ...)                                     \
	{                                                                                          \
		.type = (type_name), .where = offsetof(layout, member),                            \
		.paths = (const char *const[]){ __VA_ARGS__, NULL }, .optional = true,             \
	}

// Fills LAYOUT. GG_NOT_FOUND names the type and the member that is missing.
struct gg_error *gg_layout_resolve(const struct gg_host *host, const struct gg_layout_row *rows,
				   size_t count, void *layout);

#endif
