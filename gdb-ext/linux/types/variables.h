// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_VARIABLES_H
#define GG_VARIABLES_H

#include "types.h"

// Registers the finder of per-CPU variables by the kernel's BTF, for a kernel of whose data no finder before the order WITHOUT
// has symbols. TYPES must outlive SYMBOLS.
struct gg_error *gg_types_add_variables(struct gg_symbols *symbols, int order, int without,
					struct gg_types *types);

#endif
