// SPDX-License-Identifier: GPL-3.0-or-later
//
// The symbols that a kernel exports to its modules, and its BTF, by their own shape in the kernel's image:
// for a kernel whose kallsyms has code alone (without CONFIG_KALLSYMS_ALL), or that has no kallsyms.
#ifndef GG_EXPORTS_H
#define GG_EXPORTS_H

#include "kallsyms-tables.h"

struct gg_exports;

// Searches the image of MEMORY, a kernel's by virtual address. Tables that are not there are empty, and
// the debug log has the reason.
struct gg_error *gg_exports_create(const struct gg_host *memory,
				   const struct gg_kallsyms_hints *hints, struct gg_exports **ret);

// NULL is allowed.
void gg_exports_destroy(struct gg_exports *exports);

size_t gg_exports_count(const struct gg_exports *exports);

// Finds the exported symbol NAME, or the BTF's __start_BTF and __stop_BTF. False where there is none.
bool gg_exports_find(const struct gg_exports *exports, const char *name, gg_gva_t *ret);

#endif
