// SPDX-License-Identifier: GPL-3.0-or-later
//
// The words that all commands' texts have in common, appended to a buffer; a text's way to its
// writer.
#ifndef GG_WORDS_H
#define GG_WORDS_H

#include "base/buffer.h"

#include <gdb-guest/kernels.h>
#include <gdb-guest/ram.h>
#include <gdb-guest/writer.h>

// Appends BYTES with a unit: "256.2 MiB", "512 bytes".
void gg_append_size(struct gg_buffer *text, uint64_t bytes);

// Appends "FIRST-LAST  SIZE  BLOCK", the addresses with 16 digits.
void gg_append_range(struct gg_buffer *text, const struct gg_ram_range *range);

// Appends the COUNT numbers of a list with commas between them; in the place of nine successive
// numbers or more stand the first and the last: "0,2,8-255".
void gg_append_numbers(struct gg_buffer *text, const uint32_t *numbers, size_t count);

// Appends SECONDS with two units at most: "1 h 12 min".
void gg_append_duration(struct gg_buffer *text, uint64_t seconds);

// The columns of a terminal that texts with lines of their own width are wrapped to.
enum { GG_COLUMNS = 80 };

// Tests whether the terminal shows UTF-8, by the locale.
bool gg_shows_utf8(void);

// Appends TEXT, of the guest's own choice: characters that a terminal may get as they are, the
// backslash and all other bytes as \xHH. Returns the number of columns.
int gg_append_name(struct gg_buffer *out, const char *text);

// Appends SIZE bytes as a text in quotes; bytes that no terminal should get are escaped.
void gg_append_quoted(struct gg_buffer *text, const uint8_t *bytes, size_t size);

enum { GG_AGE_SIZE = 48 };

// Writes the time NANOSECONDS with two units at most: "12.345s", "3m05s", "2h10m", "4d06h".
void gg_age_text(uint64_t nanoseconds, char ret[GG_AGE_SIZE]);

// Appends a time in SECONDS since 1970: "2026-11-26 16:05:42 UTC".
void gg_append_utc(struct gg_buffer *text, uint64_t seconds);

// Appends NANOSECONDS of a kernel's clock as the kernel prints them, in seconds with six decimals;
// the seconds take at least WIDTH characters.
void gg_append_kernel_time(struct gg_buffer *text, uint64_t nanoseconds, int width);

// The way by which a kernel's VMCOREINFO was found, as the end of a sentence: "found by scanning".
const char *gg_finder_text(enum gg_kernel_finder finder);

// "s" for a noun behind COUNT, unless COUNT is 1.
const char *gg_plural(uint64_t count);

// Hands what TEXT has to WRITER, and empties TEXT.
struct gg_error *gg_write_out(struct gg_buffer *text, const struct gg_writer *writer);

#endif
