// SPDX-License-Identifier: GPL-3.0-or-later
//
// The choice of the way to take samples.
#include "sampler.h"

struct gg_error *gg_guest_profile(struct gg_guest *guest, const struct gg_profile_request *request,
				  const struct gg_notices *notices, struct gg_profile *ret)
{
	*ret = (struct gg_profile){ 0 };
	if (request->options->address)
		return gg_profile_stub(guest, request, notices, ret);
	return gg_profile_process(guest, request, notices, ret);
}
