// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_MODULES_TABLE_H
#define GG_MODULES_TABLE_H

#include "list.h"

// The symbols of one module, ascending by address.
struct gg_module_table {
	struct gg_symbol *symbols;
	size_t count;
	char *strings;
};

// Reads the symbols of MODULE; none where the kernel keeps none of it. GG_BAD_DATA where the table
// contradicts itself or its limits.
struct gg_error *gg_module_table_read(const struct gg_answerers *kernel,
				      const struct gg_module_layout *layout,
				      const struct gg_module *module, struct gg_module_table *ret);

// TABLE may be zeros.
void gg_module_table_deinit(struct gg_module_table *table);

// Finds the last symbol at or before ADDRESS, which is in RANGE; of several at one address the
// kernel's first. NULL without.
const struct gg_symbol *gg_module_table_at(const struct gg_module_table *table,
					   const struct gg_module_range *range, gg_gva_t address);

// Returns the range of MODULE that has ADDRESS, or NULL.
const struct gg_module_range *gg_module_range_of(const struct gg_module *module, gg_gva_t address);

#endif
