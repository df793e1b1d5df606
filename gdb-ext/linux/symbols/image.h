// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_SYMBOLS_IMAGE_H
#define GG_SYMBOLS_IMAGE_H

#include "host/host.h"

#include <gdb-guest/types.h>

// Reads SIZE bytes of a kernel's image at GVA, for a search: pages that are not mapped or not there, as of the
// freed init section, are zeros, which no table is made of.
struct gg_error *gg_image_read(const struct gg_host *kernel, gg_gva_t gva, uint8_t *bytes,
			       size_t size);

#endif
