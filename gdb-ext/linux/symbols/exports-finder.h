// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_EXPORTS_FINDER_H
#define GG_EXPORTS_FINDER_H

#include "kallsyms-tables.h"
#include "symbols.h"

// Registers the finder that answers by the image's own tables (exports.h) where no finder before ORDER has
// the data's symbols. HINTS are kallsyms'.
struct gg_error *gg_exports_add_finder(struct gg_symbols *symbols, int order,
				       const struct gg_kallsyms_hints *hints);

#endif
