// SPDX-License-Identifier: GPL-3.0-or-later
//
// "Where is this symbol" and "what is here", asked of the guest's kernel: the first by way of its
// host (kernel-host.h) too. Who asks does not learn who answered: VMCOREINFO, which has few symbols
// and costs nothing, or kallsyms.
#ifndef GG_SYMBOLS_H
#define GG_SYMBOLS_H

#include "kallsyms.h"
#include "linux/kernel.h"

struct gg_symbols;

// KERNEL must outlive them. Nothing is read before the first question.
struct gg_error *gg_symbols_create(const struct gg_kernel *kernel, struct gg_symbols **ret);

// NULL is allowed.
void gg_symbols_destroy(struct gg_symbols *symbols);

// The address of NAME. GG_NOT_FOUND where the kernel has no such symbol, or tells of none.
struct gg_error *gg_symbols_address(struct gg_symbols *symbols, const char *name, gg_gva_t *ret);

// The same with what else is known of the symbol: its size is 0 and its type '?' where VMCOREINFO
// alone has it. RET's name is NAME, or lives as long as SYMBOLS do.
struct gg_error *gg_symbols_find(struct gg_symbols *symbols, const char *name,
				 struct gg_symbol *ret);

// The kernel's memory, by virtual address; valid as long as SYMBOLS are. The kernel has page
// tables where a symbol was found by kallsyms.
const struct gg_host *gg_symbols_host(const struct gg_symbols *symbols);

// The symbol that ADDRESS, in the kernel's image, is in. RET's name lives as long as SYMBOLS do.
// GG_NOT_FOUND.
struct gg_error *gg_symbols_at(struct gg_symbols *symbols, gg_gva_t address, struct gg_symbol *ret);

// Calls VISIT with the names that start with PREFIX, each once, ascending; where they are more than
// LIMIT (at least 2), with so many of them, the first and the last among these.
struct gg_error *gg_symbols_complete(struct gg_symbols *symbols, const char *prefix, size_t limit,
				     struct gg_error *(*visit)(void *data, const char *name),
				     void *data);

// Calls VISIT with all symbols, ascending by address. An error of VISIT's ends it.
struct gg_error *
gg_symbols_visit(struct gg_symbols *symbols,
		 struct gg_error *(*visit)(void *data, const struct gg_symbol *symbol), void *data);

#endif
