// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_MODULES_EXPORTS_H
#define GG_MODULES_EXPORTS_H

#include "modules.h"

struct gg_module_export {
	gg_gva_t address;
	char *name; // owned
};

struct gg_module_exports {
	struct gg_module_export *exports;
	size_t count;
};

// Reads the symbols that MODULE exports to all modules. The list of the modules was read before.
struct gg_error *gg_module_exports_read(const struct gg_answerers *kernel,
					const struct gg_module *module,
					struct gg_module_exports *ret);

// EXPORTS may be zeros.
void gg_module_exports_deinit(struct gg_module_exports *exports);

// Tests whether SYMBOL is among EXPORTS.
bool gg_module_exports_has(const struct gg_module_exports *exports, const struct gg_symbol *symbol);

#endif
