// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_VARIABLES_H
#define GG_VARIABLES_H

#include "types.h"

// Registers the finder of per-CPU variables by the kernel's BTF, where no finder before ORDER has the data's symbols but
// those that the kernel exports. TYPES must outlive SYMBOLS.
struct gg_error *gg_types_add_variables(struct gg_symbols *symbols, int order,
					struct gg_types *types);

#endif
