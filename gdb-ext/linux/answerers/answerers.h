// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest's kernel, asked as a debugger is: what is at a virtual address, where is a symbol, where
// in a type is a member. Readers of the kernel's structures ask the host and do not learn who
// answers: the page tables, and the finders that have registered in the two lists.
#ifndef GG_ANSWERERS_H
#define GG_ANSWERERS_H

#include "arch/arch.h"
#include "linux/symbols/symbols.h"
#include "linux/types/types.h"

// The order of finders.
enum gg_finder_order {
	GG_BY_VMCOREINFO = 10,
	GG_BY_KALLSYMS = 20,
	GG_BY_VMLINUX = 25,
	GG_BY_EXPORTS = 26,
	GG_BY_VARIABLES = 28,
	GG_BY_CODE = 29,
	GG_BY_BTF = 30,
	GG_BY_MODULES = 40,
	GG_BY_BPF = 50
};

struct gg_modules;

// A reader of the kernel's structures gets all of it, and asks HOST or TYPED.
struct gg_answerers {
	// Members by what costs nothing, VMCOREINFO: they have the size 0, and the reader has to
	// know it.
	struct gg_host host;
	// Members by what has sizes, and all types: BTF, some MB that are read at the first question.
	struct gg_host typed;
	struct gg_kernel_memory memory;
	struct gg_symbols *symbols;
	struct gg_members *members;       // HOST's
	struct gg_members *typed_members; // TYPED's
	struct gg_types *types;
	struct gg_modules *modules; // linux/modules/; owned by SYMBOLS, NULL for none
	const struct gg_arch *arch;
};

// Makes the lists, without finders but for BTF, which the symbols find. MEMORY's page table must
// outlive ANSWERERS, which must not be moved, and so must DEBUG, which may be NULL.
struct gg_error *gg_answerers_init(struct gg_answerers *answerers, const struct gg_arch *arch,
				   const struct gg_kernel_memory *memory,
				   const struct gg_debug *debug);

// ANSWERERS may be zeros.
void gg_answerers_deinit(struct gg_answerers *answerers);

#endif
