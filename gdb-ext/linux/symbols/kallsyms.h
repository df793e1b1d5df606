// SPDX-License-Identifier: GPL-3.0-or-later
//
// The symbols that a Linux kernel carries for its own messages (kernel/kallsyms.c, written by
// scripts/kallsyms.c), of v4.6 to v7.2.
#ifndef GG_KALLSYMS_H
#define GG_KALLSYMS_H

#include "host/host.h"
#include "kallsyms-tables.h"

#include <gdb-guest/symbols.h>

struct gg_kallsyms;

// Reads all of it from MEMORY, a kernel's by virtual address, and indexes it. GG_NOT_FOUND where the
// kernel has none, GG_BAD_DATA where it contradicts itself or its limits.
struct gg_error *gg_kallsyms_create(const struct gg_host *memory,
				    const struct gg_kallsyms_hints *hints,
				    struct gg_kallsyms **ret);

// NULL is allowed.
void gg_kallsyms_destroy(struct gg_kallsyms *kallsyms);

size_t gg_kallsyms_count(const struct gg_kallsyms *kallsyms);

// The symbol INDEX, from 0, below the count; ascending by address.
void gg_kallsyms_get(const struct gg_kallsyms *kallsyms, size_t index, struct gg_symbol *ret);

// The last symbol that begins at or before ADDRESS; of several at one address the first. False
// where all begin behind it.
bool gg_kallsyms_at(const struct gg_kallsyms *kallsyms, gg_gva_t address, struct gg_symbol *ret);

// The symbol NAME; of several the one with the lowest address. False where there is none.
bool gg_kallsyms_find(const struct gg_kallsyms *kallsyms, const char *name, struct gg_symbol *ret);

#endif
