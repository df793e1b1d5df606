// SPDX-License-Identifier: GPL-3.0-or-later
//
// Values in the text that QEMU's monitor prints of a CPU ("info registers"), by their names.
#ifndef GG_ARCH_MONITOR_TEXT_H
#define GG_ARCH_MONITOR_TEXT_H

#include "base/error.h"

enum { GG_MONITOR_DIGITS = 64 }; // of one value, at most

// Finds the word NAME that an "=" or spaces part from COUNT values of DIGITS (1 to GG_MONITOR_DIGITS)
// hexadecimal digits each, with spaces or a colon in between. RET gets the digits of all values,
// COUNT * DIGITS characters without a NUL. Returns false where there is no such word.
bool gg_monitor_find(const char *text, const char *name, size_t count, size_t digits, char *ret);

// Finds one value of up to 16 digits.
bool gg_monitor_value(const char *text, const char *name, size_t digits, uint64_t *ret);

#endif
