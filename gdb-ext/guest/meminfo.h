// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_MEMINFO_H
#define GG_GUEST_MEMINFO_H

#include "linux/meminfo.h"
#include "tasks.h"

#include <gdb-guest/meminfo.h>

// Read what linux/meminfo.h has of GUEST's kernel.
struct gg_error *gg_guest_meminfo(struct gg_guest *guest, const struct gg_notices *notices,
				  struct gg_meminfo *ret);
struct gg_error *gg_guest_zones(struct gg_guest *guest, const struct gg_notices *notices,
				struct gg_zone **ret, size_t *count);
struct gg_error *gg_guest_slab_caches(struct gg_guest *guest, const struct gg_notices *notices,
				      struct gg_slab_caches *ret);

#endif
