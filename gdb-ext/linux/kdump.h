// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_KDUMP_H
#define GG_KDUMP_H

#include "kernel.h"

// Finds VMCOREINFO notes of the kernel after whose crash KERNEL was booted, as KERNEL has them from
// its loader: a few KiB are read. RET is empty where KERNEL is not such a kernel.
//
// The place is in the first lines of KERNEL's log; with BY_SYMBOL, and where those are overwritten,
// also in a variable that kallsyms has.
struct gg_error *gg_kdump_notes(const struct gg_kernel_site *site, const struct gg_kernel *kernel,
				bool by_symbol, struct gg_vmcoreinfo_scan *ret);

// Adds to RET the VMCOREINFO notes that the ELF headers at GPA have places of. GG_BAD_DATA and
// others where there are no such headers.
struct gg_error *gg_kdump_read_headers(const struct gg_ram_map *map, gg_gpa_t gpa,
				       struct gg_vmcoreinfo_scan *ret);

// The address in a kernel's COMMAND_LINE, "elfcorehdr=[SIZE@]ADDRESS" with the kernel's suffixes;
// false without it, or for one that is no address.
bool gg_kdump_parse(const char *command_line, gg_gpa_t *ret);

#endif
