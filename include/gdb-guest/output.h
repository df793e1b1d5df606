// SPDX-License-Identifier: GPL-3.0-or-later
//
// A file that a command writes: whole under its name, or not there.
#ifndef GDB_GUEST_OUTPUT_H
#define GDB_GUEST_OUTPUT_H

#include "error.h"

#pragma GCC visibility push(default)

struct gg_output;

// Opens PATH for writing. A regular file grows under a temporary name beside it; a FIFO or a
// character device is written to directly, in order. Refused: an existing file unless FORCE, and
// whatever FORCE says a folder, a block device, and a file that is one of LOOKED_AT (paths up to a
// NULL; those that do not exist count for nothing).
struct gg_error *gg_output_create(const char *path, bool force, const char *const *looked_at,
				  struct gg_output **ret);

// SIZE bytes at OFFSET, which in a stream never goes back. What is skipped reads as zeros. Several
// threads may write to a file.
struct gg_error *gg_output_write(struct gg_output *output, uint64_t offset, const void *bytes,
				 size_t size);

// Makes the file SIZE bytes long and gives it its name.
struct gg_error *gg_output_commit(struct gg_output *output, uint64_t size);

// Removes what was not committed. NULL is allowed.
void gg_output_destroy(struct gg_output *output);

#pragma GCC visibility pop

#endif
