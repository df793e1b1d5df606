// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's symbols from the symbol table of a vmlinux that the user names, for kernels whose kallsyms
// has code alone (without CONFIG_KALLSYMS_ALL).
#ifndef GG_VMLINUX_FINDER_H
#define GG_VMLINUX_FINDER_H

#include "symbols.h"

// Opens the file PATH, and registers it as a finder of symbols. TEXT is _stext in memory. A file without a
// symbol table registers nothing: it may have types all the same.
struct gg_error *gg_vmlinux_add_finder(struct gg_symbols *symbols, int order, const char *path,
				       gg_gva_t text);

#endif
