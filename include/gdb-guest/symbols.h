// SPDX-License-Identifier: GPL-3.0-or-later
//
// The symbols of the guest's kernel.
#ifndef GDB_GUEST_SYMBOLS_H
#define GDB_GUEST_SYMBOLS_H

#include "notices.h"
#include "guest.h"

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct gg_symbol {
	const char *name; // printable
	char type;        // nm's letter
	gg_gva_t address;
	uint64_t size;      // to the next symbol, or to the end of the kernel's image
	const char *module; // the module that has it; NULL for the kernel's own
};

typedef struct gg_error *gg_visit_symbol_fn(void *data, const struct gg_symbol *symbol);
typedef struct gg_error *gg_visit_name_fn(void *data, const char *name);

// Finds the address of the symbol NAME of the guest's kernel, else of its modules ("MODULE:NAME" names
// the module); of several symbols the lowest address.
// GG_NOT_FOUND where there is no such symbol, no kallsyms or no Linux kernel.
struct gg_error *gg_guest_symbol(struct gg_guest *guest, const char *name, gg_gva_t *ret);

// Finds the symbol NAME of the guest's kernel, else of its modules ("MODULE:NAME" names the module),
// for the CPU whose cpu_index is CPU: of a per-CPU
// variable the CPU's own. With GG_KERNEL_TABLES for CPU a per-CPU variable is GG_INVALID. NOTICES
// get a line where QEMU and the kernel number the CPU differently, or may.
// RET's name is NAME, or lives as long as GUEST. GG_NOT_FOUND where there is no such symbol or CPU.
struct gg_error *gg_guest_find_symbol(struct gg_guest *guest, const char *name, int64_t cpu,
				      const struct gg_notices *notices, struct gg_symbol *ret);

// Finds the symbol of the guest's kernel or of a module that ADDRESS is in; of several symbols at an address the first,
// as in the kernel's own messages. The name lives as long as GUEST. GG_NOT_FOUND.
struct gg_error *gg_guest_symbol_at(struct gg_guest *guest, gg_gva_t address,
				    struct gg_symbol *ret);

// Calls VISIT with all symbols of the guest's kernel, then with those of each module, ascending by
// address. An error of VISIT's ends it.
struct gg_error *gg_guest_symbols(struct gg_guest *guest, gg_visit_symbol_fn *visit, void *data);

// Calls VISIT with the names of symbols that start with PREFIX, each once, ascending; where they
// are more than LIMIT (at least 2), with so many of them, the first and the last among these. An
// error of VISIT's ends it.
struct gg_error *gg_guest_complete_symbol(struct gg_guest *guest, const char *prefix, size_t limit,
					  gg_visit_name_fn *visit, void *data);

#pragma GCC visibility pop

#endif
