// SPDX-License-Identifier: GPL-3.0-or-later
//
// Some symbols of a kernel whose memory is far: found by name or by address, by a binary search, in place of
// a look at all names.
#ifndef GG_KALLSYMS_FAR_H
#define GG_KALLSYMS_FAR_H

#include "host/host.h"
#include "kallsyms-tables.h"

#include <gdb-guest/symbols.h>

struct gg_kallsyms_far;

// Finds the tables in MEMORY, a kernel's by virtual address, which must outlive RET. GG_NOT_FOUND where
// VMCOREINFO does not have their places, or where the kernel has no kallsyms_seqs_of_names
// (before v6.2): such a kernel's names must all be read.
struct gg_error *gg_kallsyms_far_create(const struct gg_host *memory,
					const struct gg_kallsyms_hints *hints,
					struct gg_kallsyms_far **ret);

// Destroys FAR, which may be NULL.
void gg_kallsyms_far_destroy(struct gg_kallsyms_far *far);

// Finds the symbol NAME; of several the symbol with the lowest address. RET's name is not set. GG_NOT_FOUND,
// GG_BAD_DATA.
struct gg_error *gg_kallsyms_far_find(const struct gg_kallsyms_far *far, const char *name,
				      struct gg_symbol *ret);

// Finds the symbol at ADDRESS or in front of it, as gg_kallsyms_at(). RET's name is owned by FAR. GG_NOT_FOUND,
// GG_BAD_DATA.
struct gg_error *gg_kallsyms_far_at(struct gg_kallsyms_far *far, gg_gva_t address,
				    struct gg_symbol *ret);

// Returns the number of symbols that were found by address.
size_t gg_kallsyms_far_known(const struct gg_kallsyms_far *far);

#endif
