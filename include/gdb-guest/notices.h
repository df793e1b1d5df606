// SPDX-License-Identifier: GPL-3.0-or-later
//
// Notices: lines for the user beside a function's result, about assumptions, and about parts that
// cannot be read or trusted.
#ifndef GDB_GUEST_NOTICES_H
#define GDB_GUEST_NOTICES_H

#include "error.h"

// A function that takes notices accepts NULL in their place: the caller does not want them.
struct gg_notices {
	// Takes one line, valid during the call. An error ends the function at work.
	struct gg_error *(*tell)(void *data, const char *text);
	void *data;
};

#endif
