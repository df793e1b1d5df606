// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel's symbols as ELF's .symtab, and by name.
#ifndef GG_VMLINUX_SYMTAB_H
#define GG_VMLINUX_SYMTAB_H

#include "arch/arch.h"
#include "base/buffer.h"

#include <gdb-guest/symbols.h>

// The place of a symbol by its name.
struct gg_symtab_name {
	uint32_t name; // its offset in STRINGS
	bool is_code;
	bool is_alias; // of code that an earlier symbol names
	gg_gva_t address;
	uint64_t size;
	const char *module; // borrowed; NULL for the kernel's own
};

struct gg_symtab {
	const struct gg_arch *arch;
	struct gg_buffer symbols;     // .symtab, the local symbols first
	struct gg_buffer globals;     // the others, until gg_symtab_end()
	struct gg_buffer strings;     // .strtab
	uint32_t local_count;         // for sh_info
	struct gg_symtab_name *names; // by name, after gg_symtab_end()
	size_t count, capacity;
};

void gg_symtab_init(struct gg_symtab *symtab, const struct gg_arch *arch);
void gg_symtab_deinit(struct gg_symtab *symtab);

// Appends SYMBOL, in the section with INDEX (SHN_ABS for no section), at ADDRESS. IS_CODE says whether
// it is a function, OTHER is its st_other. Symbols come ascending by address; the first of several functions at one
// address names the code, as in the kernel's own messages (Linux kernel/kallsyms.c, get_symbol_pos()). The others have
// the size 0 in the file: debuggers prefer a symbol with a size.
struct gg_error *gg_symtab_add(struct gg_symtab *symtab, const struct gg_symbol *symbol,
			       gg_gva_t address, uint16_t index, bool is_code, uint8_t other);

// Tests whether nm's letter TYPE is of code.
bool gg_symtab_is_code(char type);

// Ends the table: after it there are all symbols in SYMBOLS, and names can be found.
struct gg_error *gg_symtab_end(struct gg_symtab *symtab);

// Finds the only symbol NAME of MODULE, code or not; NULL without or with several. MODULE is the pointer
// that the symbols had, NULL for the kernel's own.
const struct gg_symtab_name *gg_symtab_find(const struct gg_symtab *symtab, const char *module,
					    const char *name, bool is_code);

#endif
