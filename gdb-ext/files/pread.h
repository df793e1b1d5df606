// SPDX-License-Identifier: GPL-3.0-or-later
//
// Reads of a file by its offset.
#ifndef GG_PREAD_H
#define GG_PREAD_H

#include "base/error.h"

// Reads SIZE bytes at OFFSET of the file FD. GG_BAD_DATA where the file ends before.
struct gg_error *gg_vmcore_pread(int fd, void *buffer, size_t size, uint64_t offset);

#endif
