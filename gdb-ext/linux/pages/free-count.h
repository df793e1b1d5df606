// SPDX-License-Identifier: GPL-3.0-or-later
//
// The number of free pages, as the kernel's zones count them: a check of the memmap.
#ifndef GG_FREE_COUNT_H
#define GG_FREE_COUNT_H

#include "linux/arch-ops.h"

#include <gdb-guest/host.h>

// Adds up the blocks of all free lists of all zones. GG_NOT_FOUND where VMCOREINFO lacks keys.
struct gg_error *gg_free_count_read(const struct gg_vmcoreinfo *info, const struct gg_host *memory,
				    uint64_t *ret);

#endif
