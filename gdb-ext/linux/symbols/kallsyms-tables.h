// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_KALLSYMS_TABLES_H
#define GG_KALLSYMS_TABLES_H

#include <gdb-guest/debug.h>
#include <gdb-guest/host.h>
#include <gdb-guest/types.h>

// A kernel as far as its kallsyms are looked for.
struct gg_kallsyms_hints {
	gg_gva_t image; // where its image is mapped, linearly
	uint64_t image_size;
	gg_gva_t text;     // _stext, by which the encoding is chosen
	unsigned int word; // bytes in an unsigned long: 4 or 8
	// The variables' addresses, as VMCOREINFO has them since v6.0; 0 for one that it lacks.
	// Without the first four the tables are searched for in the image.
	gg_gva_t num_syms, names, token_table, token_index;
	gg_gva_t offsets, relative_base, addresses;
	// The memory that the image is searched in; NULL: that of the tables.
	const struct gg_host *image_memory;
	const struct gg_debug *debug; // NULL: off
};

// The tables that lead to the names; those of the addresses lie around them.
struct gg_kallsyms_tables {
	gg_gva_t num_syms, names, token_table, token_index;
};

#endif
