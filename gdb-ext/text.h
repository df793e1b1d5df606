// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_TEXT_H
#define GG_TEXT_H

#include "error.h"

// A copy of TEXT in which everything but printable ASCII, and the backslash, is \xHH, so that a
// terminal cannot be driven by it. The caller frees it; NULL without memory.
char *gg_text_escape(const char *text);

#endif
