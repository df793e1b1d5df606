// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest.h"
#include "linux/arch-ops.h"

#include <gdb-guest/sysrq.h>

struct gg_error *gg_guest_sysrq_way(struct gg_guest *guest, const char **ret)
{
	const struct gg_arch *arch;
	struct gg_error *err = gg_guest_arch(guest, &arch);
	*ret = err || !arch->kernel ? NULL : arch->kernel->sysrq;
	return err;
}
