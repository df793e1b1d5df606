// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_KALLSYMS_SEARCH_H
#define GG_KALLSYMS_SEARCH_H

#include "kallsyms.h"

struct gg_kallsyms_tables {
	gg_gva_t num_syms, names, token_table, token_index;
};

// Calls TRY with what looks like a kernel's tables in its image, until that returns NULL. An error
// of its that no other tables can help against ends the search; GG_NOT_FOUND where none are left.
struct gg_error *
gg_kallsyms_search(const struct gg_host *kernel, const struct gg_kallsyms_hints *hints,
		   struct gg_error *(*try)(void *data, const struct gg_kallsyms_tables *tables),
		   void *data);

#endif
