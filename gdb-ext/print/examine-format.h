// SPDX-License-Identifier: GPL-3.0-or-later
//
// The format of guest-x: [COUNT][LETTER][SIZE], letter and size in either order, as in GDB's x.
#ifndef GG_EXAMINE_FORMAT_H
#define GG_EXAMINE_FORMAT_H

#include "base/error.h"

struct gg_examine_format {
	uint64_t count;    // of units, strings or instructions
	char letter;       // of "xduotacsi"
	unsigned int size; // bytes of a unit
};

// Parses TEXT; NULL is "". GG_INVALID for another text and a count out of range.
struct gg_error *gg_examine_format_parse(const char *text, struct gg_examine_format *ret);

#endif
