// SPDX-License-Identifier: GPL-3.0-or-later
//
// The symbols that a Linux kernel carries for its own messages (kernel/kallsyms.c, written by
// scripts/kallsyms.c), of v4.6 to v7.2.
#ifndef GG_KALLSYMS_H
#define GG_KALLSYMS_H

#include "host/host.h"

#include <gdb-guest/symbols.h>

// What is known of the kernel.
struct gg_kallsyms_hints {
	gg_gva_t image; // where its image is mapped, linearly
	uint64_t image_size;
	gg_gva_t text;     // _stext, by which the encoding is chosen
	unsigned int word; // bytes in an unsigned long: 4 or 8
	// The variables' addresses, as VMCOREINFO has them since v6.0; 0 for one that it lacks.
	// Without the first four the tables are searched for in the image.
	gg_gva_t num_syms, names, token_table, token_index;
	gg_gva_t offsets, relative_base, addresses;
};

struct gg_kallsyms;

// Reads all of it from KERNEL's memory, by virtual address, and indexes it. GG_NOT_FOUND where the
// kernel has none, GG_BAD_DATA where it contradicts itself or its limits.
struct gg_error *gg_kallsyms_create(const struct gg_host *kernel,
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
