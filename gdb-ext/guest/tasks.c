// SPDX-License-Identifier: GPL-3.0-or-later
#include "tasks.h"

struct gg_error *gg_guest_answerers(struct gg_guest *guest, const struct gg_notices *notices,
				    const struct gg_answerers **ret)
{
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_kernel(guest, NULL, notices, &kernel);
	if (!err)
		*ret = &kernel->answerers;
	return err;
}

struct gg_error *gg_guest_tasks(struct gg_guest *guest, const struct gg_notices *notices,
				struct gg_tasks *ret)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	return err ? err : gg_tasks_read(kernel, notices, ret);
}
