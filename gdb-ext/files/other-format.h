// SPDX-License-Identifier: GPL-3.0-or-later
//
// Files that hold memory, or could, in a format that no reader here takes.
#ifndef GG_OTHER_FORMAT_H
#define GG_OTHER_FORMAT_H

#include "base/error.h"

// Returns GG_BAD_DATA: the format of the file FD by its first bytes, and what to do with the file; OTHERWISE, a
// sentence without format characters, where the bytes do not tell.
struct gg_error *gg_other_format_error(int fd, const char *otherwise);

#endif
