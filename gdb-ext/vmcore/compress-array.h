// SPDX-License-Identifier: GPL-3.0-or-later
//
// Pages of an array of structures, as the memmap's: a large part of what is left of a filtered dump.
#ifndef GG_COMPRESS_ARRAY_H
#define GG_COMPRESS_ARRAY_H

#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Tests by a sample whether most words of PAGE, of SIZE bytes, a multiple of 1024, repeat the word 64 bytes
// before.
bool gg_is_array(const uint8_t *page, size_t size);

// Compresses PAGE, of SIZE bytes, to a zlib stream at OUT, which has 1024 bytes and SIZE / 4. CODE has a code
// for each symbol, as isal_create_hufftables() makes it. Returns the size of the stream; 0 where it would
// take more than about a quarter of SIZE.
size_t gg_array_compress(const struct isal_hufftables *code, const uint8_t *page, size_t size,
			 uint8_t *out);

#endif
