// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest's kernel, asked as a debugger is: what is at a virtual address, where is a symbol, where
// in a type is a member. Readers of the kernel's structures ask the host and do not learn who
// answers: the page tables, and the finders that have registered in the two lists.
#ifndef GG_ANSWERERS_H
#define GG_ANSWERERS_H

#include "linux/symbols/symbols.h"
#include "linux/types/members.h"

// The order of finders.
enum gg_finder_order { GG_BY_VMCOREINFO = 10, GG_BY_KALLSYMS = 20 };

struct gg_answerers {
	// A member whose finder does not know sizes has the size 0, and the reader has to know it.
	struct gg_host host;
	struct gg_kernel_memory memory;
	struct gg_symbols *symbols;
	struct gg_members *members;
};

// Makes the lists, without finders. MEMORY's page table must outlive ANSWERERS, which must not be
// moved, and so must DEBUG, which may be NULL.
struct gg_error *gg_answerers_init(struct gg_answerers *answerers,
				   const struct gg_kernel_memory *memory,
				   const struct gg_debug *debug);

// ANSWERERS may be zeros.
void gg_answerers_deinit(struct gg_answerers *answerers);

#endif
