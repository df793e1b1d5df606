// SPDX-License-Identifier: GPL-3.0-or-later
//
// DWARF 4 (dwarfstd.org) of a kernel whose types are BTF: a compilation unit for each BTF, with its
// types, its functions and its variables.
#ifndef GG_VMLINUX_DWARF_H
#define GG_VMLINUX_DWARF_H

#include "dwarf-types.h"

// Begins DWARF, whose sections are of the byte order BIG_ENDIAN and addresses of WORD bytes.
void gg_dwarf_init(struct gg_dwarf *dwarf, bool big_endian, unsigned int word);
void gg_dwarf_deinit(struct gg_dwarf *dwarf);

// Appends UNIT; the unit of the kernel itself comes first.
struct gg_error *gg_dwarf_add_unit(struct gg_dwarf *dwarf, const struct gg_dwarf_unit *unit);

#endif
