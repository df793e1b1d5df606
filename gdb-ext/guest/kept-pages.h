// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_KEPT_PAGES_H
#define GG_KEPT_PAGES_H

#include "guest.h"
#include "base/page-set.h"

// Adds to KEPT the pages of EXCLUDED that no dump may lack: KERNEL's image, VMCOREINFO, log and per-CPU memory,
// the tasks and stacks of the CPUs, and TABLES, pages of page tables. Pages that cannot be found are passed over.
struct gg_error *gg_keep_pages(struct gg_guest *guest, const struct gg_kernel *kernel,
			       const struct gg_page_set *tables, const struct gg_page_set *excluded,
			       struct gg_page_set *kept);

#endif
