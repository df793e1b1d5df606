// SPDX-License-Identifier: GPL-3.0-or-later
//
// The symbols of a guest's kernel: an ordered list of finders, and the questions that go through
// it. Nobody who asks learns which finder answered; the debug log has it.
//
// A finder is a file that registers here: VMCOREINFO, which has few symbols and costs nothing
// (linux/vmcoreinfo-finders.c), kallsyms (kallsyms-finder.c). A finder gets the kernel's memory,
// never the kernel.
#ifndef GG_SYMBOLS_H
#define GG_SYMBOLS_H

#include "base/debug.h"
#include "memory/kernel-memory.h"

#include <gdb-guest/symbols.h>

// Any of the questions may be NULL, but for destroy: the finder does not answer it.
struct gg_symbol_finder_ops {
	// Reads what the finder answers from; called before its first answer. After an error that
	// is not final the finder answers nothing, and the error is the reason.
	struct gg_error *(*open)(void *data);

	// Finds the symbol NAME; of several the lowest. GG_NOT_FOUND lets the next finder answer,
	// any other error is the answer. RET has no address, the type '?' and the size 0 before.
	struct gg_error *(*find)(void *data, const char *name, struct gg_symbol *ret);

	// Finds the symbol that ADDRESS, in the finder's range, is in. GG_NOT_FOUND.
	struct gg_error *(*find_at)(void *data, gg_gva_t address, struct gg_symbol *ret);

	// Calls VISIT with all symbols, ascending by address. An error of VISIT's ends it.
	struct gg_error *(*visit)(void *data, gg_visit_symbol_fn *visit, void *visit_data);

	void (*destroy)(void *data);
};

struct gg_symbol_finder {
	const char *name; // for the debug log
	int order;        // a lower one answers first
	const struct gg_symbol_finder_ops *ops;
	void *data; // owned; names of symbols live as long
	// The addresses of which find_at() is asked.
	gg_gva_t start;
	uint64_t size;
	bool of_modules; // its symbols are not the kernel's own
};

struct gg_symbols;

// A list without finders. MEMORY is the kernel's own; it and DEBUG, which may be NULL, must outlive
// RET.
struct gg_error *gg_symbols_create(const struct gg_kernel_memory *memory,
				   const struct gg_debug *debug, struct gg_symbols **ret);

// NULL is allowed.
void gg_symbols_destroy(struct gg_symbols *symbols);

// Registers FINDER, whose data is consumed, whatever comes of it.
struct gg_error *gg_symbols_add(struct gg_symbols *symbols, const struct gg_symbol_finder *finder);

// Finds the address of the kernel's own symbol NAME: readers of the kernel's structures never get a
// module's. GG_NOT_FOUND where no finder has the symbol.
struct gg_error *gg_symbols_address(struct gg_symbols *symbols, const char *name, gg_gva_t *ret);

// Finds the kernel's own symbol NAME, with its size and type, which are 0 and '?' where the finder
// does not know them. RET's name is NAME, or lives as long as SYMBOLS do.
struct gg_error *gg_symbols_find(struct gg_symbols *symbols, const char *name,
				 struct gg_symbol *ret);

// Finds NAME as gg_symbols_find() does, and among the modules' symbols where the kernel has none.
struct gg_error *gg_symbols_find_everywhere(struct gg_symbols *symbols, const char *name,
					    struct gg_symbol *ret);

// Finds the address of the kernel's own symbol NAME by the finders before the order END, for a finder that builds on
// these. Final errors alone are errors.
struct gg_error *gg_symbols_find_before(struct gg_symbols *symbols, int end, const char *name,
					gg_gva_t *ret, bool *found);

// The kernel's memory, by virtual address; valid as long as SYMBOLS are.
const struct gg_host *gg_symbols_host(const struct gg_symbols *symbols);

const struct gg_kernel_memory *gg_symbols_memory(const struct gg_symbols *symbols);

// Finds the symbol that ADDRESS is in, of the first finder in whose range ADDRESS is and that has one.
// RET's name lives as long as SYMBOLS do. GG_NOT_FOUND.
struct gg_error *gg_symbols_at(struct gg_symbols *symbols, gg_gva_t address, struct gg_symbol *ret);

// Calls VISIT with the names that start with PREFIX, each once, ascending; of more names than LIMIT
// (at least 2) with so many, the first and the last among them.
struct gg_error *gg_symbols_complete(struct gg_symbols *symbols, const char *prefix, size_t limit,
				     gg_visit_name_fn *visit, void *data);

// Calls VISIT with all symbols: those of a finder ascending by address, the finders in their order.
// An error of VISIT's ends it. Without any finder that has symbols the reason of the first is the
// error.
struct gg_error *gg_symbols_visit(struct gg_symbols *symbols, gg_visit_symbol_fn *visit,
				  void *data);

#endif
