// SPDX-License-Identifier: GPL-3.0-or-later
#include "profile.h"

#include <stdlib.h>

void gg_profile_deinit(struct gg_profile *profile)
{
	for (size_t i = 0; i < profile->count; i++)
		free(profile->samples[i].frames);
	free(profile->samples);
	free(profile->delays);
	*profile = (struct gg_profile){ 0 };
}
