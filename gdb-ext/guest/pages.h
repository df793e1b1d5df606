// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_PAGES_H
#define GG_GUEST_PAGES_H

#include "guest.h"
#include "base/page-set.h"

#include <gdb-guest/pages.h>

// Finds the pages that a dump of LEVEL leaves out, but for pages of zeros. The caller calls
// gg_page_set_deinit() for RET in any case. CENSUS becomes the census without zeros, as far as the level takes
// a look at the memmap: its END is where struct pages end, 0 without a look.
//
// A trait that cannot be seen leaves its pages in, and NOTICES get a line. The kernel's image and page tables,
// VMCOREINFO, the log, per-CPU memory and the tasks and stacks of the CPUs are never left out. GG_NOT_FOUND
// without a Linux kernel, or without the keys of VMCOREINFO that lead to its memmap; not for level 1.
struct gg_error *gg_guest_page_filter(struct gg_guest *guest, unsigned int level,
				      const struct gg_notices *notices, struct gg_page_set *ret,
				      struct gg_page_census *census);

#endif
