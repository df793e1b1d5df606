// SPDX-License-Identifier: GPL-3.0-or-later
//
// Where text is written to.
#ifndef GDB_GUEST_WRITER_H
#define GDB_GUEST_WRITER_H

#include "error.h"

#include <stddef.h>

#pragma GCC visibility push(default)

// Takes text in pieces, each of whole lines in UTF-8.
struct gg_writer {
	// Writes SIZE bytes (at least 1) of TEXT. An error ends the work that the text is of.
	struct gg_error *(*write)(void *data, const char *text, size_t size);
	void *data;
};

#pragma GCC visibility pop

#endif
