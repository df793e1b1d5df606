// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_MODULES_H
#define GG_GUEST_MODULES_H

#include "guest.h"
#include "linux/modules/modules.h"

#include <gdb-guest/modules.h>

enum { GG_TAINT_LETTERS = 64 };

// A module, and what is not in its struct module.
struct gg_module_facts {
	const struct gg_module *module;
	const char **users; // names; owned array
	size_t user_count;
	char taints[GG_TAINT_LETTERS + 1]; // letters
	uint8_t build_id[GG_BUILD_ID_MAX];
	size_t build_id_size; // 0: none, or not known
};

// Finds the modules of GUEST's kernel. NOTICES get a line where the list is damaged.
struct gg_error *gg_guest_modules(struct gg_guest *guest, const struct gg_notices *notices,
				  const struct gg_module_list **ret);

// Finds the module NAME. GG_NOT_FOUND.
struct gg_error *gg_guest_module(struct gg_guest *guest, const char *name,
				 const struct gg_notices *notices, const struct gg_module **ret);

// Reads the facts about MODULE; the caller calls gg_module_facts_deinit(). NOTICES get a line for a
// fact that cannot be read.
struct gg_error *gg_guest_module_facts(struct gg_guest *guest, const struct gg_module *module,
				       const struct gg_notices *notices,
				       struct gg_module_facts *ret);
void gg_module_facts_deinit(struct gg_module_facts *facts);

// Calls VISIT with the symbols of MODULE, ascending by address. An error of VISIT's ends it.
struct gg_error *gg_guest_module_symbols(struct gg_guest *guest, const struct gg_module *module,
					 gg_visit_symbol_fn *visit, void *data);

#endif
