// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_KALLSYMS_FINDER_H
#define GG_KALLSYMS_FINDER_H

#include "kallsyms-tables.h"
#include "symbols.h"

// Registers the finder that reads the kernel's kallsyms, as HINTS have it, from the memory of
// SYMBOLS at the first question. ORDER is the finder's.
struct gg_error *gg_kallsyms_add_finder(struct gg_symbols *symbols, int order,
					const struct gg_kallsyms_hints *hints);

#endif
