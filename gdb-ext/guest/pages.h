// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_PAGES_H
#define GG_GUEST_PAGES_H

#include "guest.h"
#include "base/page-set.h"

#include <gdb-guest/pages.h>

struct gg_page_filter {
	struct gg_page_set excluded;
	struct gg_page_set tables; // pages of the page tables that map the memmap
	// Without zeros, as far as the level takes a look at the memmap: END is where struct pages end, 0
	// without a look.
	struct gg_page_census census;
};

// Finds the pages that the memmap alone excludes from a dump of LEVEL, but for pages of zeros. The caller calls
// gg_page_filter_deinit() in any case.
//
// At most THREADS threads scan the memmap; 0: as many as there are CPUs. A trait that cannot be seen leaves its
// pages in, and NOTICES get a line. GG_NOT_FOUND without a Linux kernel, or without the keys of VMCOREINFO that lead
// to its memmap; not for level 1.
struct gg_error *gg_page_filter_init(struct gg_guest *guest, unsigned int level,
				     unsigned int threads, const struct gg_notices *notices,
				     struct gg_page_filter *ret);
void gg_page_filter_deinit(struct gg_page_filter *filter);

// Finds the excluded pages that no dump may lack: the kernel's image and page tables, VMCOREINFO, the log,
// per-CPU memory, the tasks and stacks of the CPUs. NOTICES get a line where there are any. Other threads may
// read FILTER meanwhile. The caller calls gg_page_set_deinit() for RET in any case.
struct gg_error *gg_page_filter_find_kept(struct gg_guest *guest,
					  const struct gg_page_filter *filter,
					  const struct gg_notices *notices,
					  struct gg_page_set *ret);

#endif
