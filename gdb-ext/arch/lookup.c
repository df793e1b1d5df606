// SPDX-License-Identifier: GPL-3.0-or-later
#include "arch.h"

#include <string.h>

const struct gg_arch *gg_arch_sibling(const struct gg_arch *arch, size_t index)
{
	if (!index)
		return arch;
	for (size_t i = 0; gg_archs[i]; i++)
		if (gg_archs[i] != arch && !strcmp(gg_archs[i]->cpu_type, arch->cpu_type) &&
		    !--index)
			return gg_archs[i];
	return NULL;
}

struct gg_error *gg_arch_not_yet(const struct gg_arch *arch, const char *what)
{
	return gg_error_create(GG_UNSUPPORTED, "the %s of %s guests are not known here yet", what,
			       arch->name);
}
