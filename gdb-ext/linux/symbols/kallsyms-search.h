// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_KALLSYMS_SEARCH_H
#define GG_KALLSYMS_SEARCH_H

#include "host/host.h"
#include "kallsyms-tables.h"

// Takes a candidate. An error lets the search go on, unless it is final.
typedef struct gg_error *gg_kallsyms_try_fn(void *data, const struct gg_kallsyms_tables *tables);

// Calls TRY with what looks like a kernel's tables in its image, until that returns NULL. An error
// of its that no other tables can help against ends the search; GG_NOT_FOUND where none are left.
struct gg_error *gg_kallsyms_search(const struct gg_host *kernel,
				    const struct gg_kallsyms_hints *hints, gg_kallsyms_try_fn *try,
				    void *data);

#endif
