// SPDX-License-Identifier: GPL-3.0-or-later
//
// The host interface: the four questions that a debugger answers.
#ifndef GDB_GUEST_HOST_H
#define GDB_GUEST_HOST_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// The place of a member in its type, and its size.
struct gg_member {
	uint64_t offset;
	uint64_t size;
};

// The four questions. Each gets the host's DATA first. An answer is right or an error: a host never
// fills in zeros for what it does not know.
struct gg_host_ops {
	// Reads SIZE bytes (at least 1) at ADDRESS. All or an error: GG_FAULT, GG_ABSENT where the
	// memory existed and was left out of the core, GG_INTERRUPTED.
	struct gg_error *(*read)(void *data, uint64_t address, void *buffer, size_t size);

	// Finds the address of the object or function NAME; GG_NOT_FOUND where there is none.
	struct gg_error *(*symbol)(void *data, const char *name, uint64_t *ret);

	// Finds the member PATH in TYPE (a struct, union, enum or typedef name, without a keyword),
	// "a.b.c" for members of members (anonymous members are seen through). An empty PATH asks
	// for the type itself: offset 0, its size. In an enumeration PATH is an enumerator, its
	// value, which is not negative, the offset. GG_NOT_FOUND where there is no such type or
	// member.
	struct gg_error *(*member)(void *data, const char *type, const char *path,
				   struct gg_member *ret);

	// Reads the raw bytes, in the target's byte order, of the register NAME (GDB's name) of
	// THREAD (the debugger's number, from 1). SIZE is BUFFER's size; RET becomes the
	// register's. GG_NOT_FOUND where the thread has no such register.
	struct gg_error *(*registers)(void *data, unsigned int thread, const char *name,
				      void *buffer, size_t size, size_t *ret);
};

struct gg_host {
	const struct gg_host_ops *ops;
	void *data;
	bool big_endian;
	unsigned int address_size; // of a pointer: 4 or 8
};

#pragma GCC visibility pop

#endif
