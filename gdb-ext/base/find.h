// SPDX-License-Identifier: GPL-3.0-or-later
//
// A short run of bytes in a long one: a name in a program's data, or in a kernel's.
#ifndef GG_FIND_H
#define GG_FIND_H

#include <stddef.h>
#include <stdint.h>

// Finds the LENGTH bytes NAME in the SIZE bytes at BYTES; NULL where they are not there. As memmem(), and
// several times as fast where the first byte of NAME is rare, as in binary data.
const uint8_t *gg_find_bytes(const uint8_t *bytes, size_t size, const void *name, size_t length);

#endif
