// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_PRINT_PAGES_H
#define GG_PRINT_PAGES_H

#include "base/buffer.h"

#include <gdb-guest/meminfo.h>

// Appends the pages by kind, and the pages that a dump of each level leaves.
struct gg_error *gg_append_pages(struct gg_guest *guest, const struct gg_meminfo_options *options,
				 const struct gg_notices *notices, struct gg_buffer *out);

#endif
