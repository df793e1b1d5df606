// SPDX-License-Identifier: GPL-3.0-or-later
#include "arch.h"

#include <stdio.h>
#include <string.h>

extern const struct gg_arch gg_arch_x86_64;

static const struct gg_arch *const archs[] = { &gg_arch_x86_64 };

struct gg_error *gg_arch_find(const struct gg_host *host, const struct gg_arch **ret)
{
	char names[64] = "";
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
		struct gg_member whole;
		struct gg_error *err =
			host->ops->member(host->data, archs[i]->cpu_type, "", &whole);
		if (!err) {
			*ret = archs[i];
			return NULL;
		}
		if (gg_error_kind(err) != GG_NOT_FOUND)
			return err;
		gg_error_destroy(err);
		size_t used = strlen(names);
		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", archs[i]->name);
	}
	return gg_error_create(GG_UNSUPPORTED,
			       "this QEMU's guest is not of an architecture known here (%s)",
			       names);
}
