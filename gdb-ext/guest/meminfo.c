// SPDX-License-Identifier: GPL-3.0-or-later
#include "meminfo.h"

struct gg_error *gg_guest_meminfo(struct gg_guest *guest, const struct gg_notices *notices,
				  struct gg_meminfo *ret)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	return err ? err : gg_meminfo_read(kernel, ret);
}

struct gg_error *gg_guest_zones(struct gg_guest *guest, const struct gg_notices *notices,
				struct gg_zone **ret, size_t *count)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	return err ? err : gg_zones_read(kernel, ret, count);
}

struct gg_error *gg_guest_slab_caches(struct gg_guest *guest, const struct gg_notices *notices,
				      struct gg_slab_caches *ret)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	return err ? err : gg_slab_caches_read(kernel, notices, ret);
}
