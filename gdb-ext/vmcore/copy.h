// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_COPY_H
#define GG_COPY_H

#include "../memory/backing.h"
#include "output.h"

// How much is read and written at once, and between two looks at Ctrl-C: a few milliseconds' worth.
enum { GG_COPY_CHUNK = 1 << 20 };

// Copies SIZE bytes at HVA to OFFSET in OUTPUT; pages of zeros are skipped, which in a file makes
// them holes. BUFFER has GG_COPY_CHUNK bytes. COPIED is called after each chunk with its size.
struct gg_error *gg_copy(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
			 struct gg_output *output, uint64_t offset, uint8_t *buffer,
			 struct gg_error *(*copied)(void *data, uint64_t size), void *data);

#endif
