// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_TEXT_H
#define GG_TEXT_H

#include "error.h"

#include <gdb-guest/text.h>
#include <stdarg.h>

// Returns the formatted text, which the caller frees; NULL without memory.
char *gg_text_format(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

// The character that BYTES, of which there are SIZE (at least 1), start with: its code point to
// RET, and how many bytes it has. 0 where it is not UTF-8 (Unicode 15, table 3-7).
size_t gg_utf8_decode(const char *bytes, size_t size, uint32_t *ret);

// Tests whether a terminal may get CHARACTER: no control character, nor one that turns the
// direction of writing.
bool gg_is_printable(uint32_t character);

#endif
