// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_DEBUG_H
#define GG_DEBUG_H

#include "error.h"

#include <gdb-guest/debug.h>

// Writes a line, FORMAT with "debug: " in front, to DEBUG; NULL is off.
void gg_debug(const struct gg_debug *debug, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// The message of ERR, "found" without an error.
const char *gg_debug_outcome(const struct gg_error *err);

#endif
