// SPDX-License-Identifier: GPL-3.0-or-later
//
// The members of a kernel's types from the DWARF of a vmlinux that the user names, for kernels without
// BTF.
#ifndef GG_DWARF_FINDER_H
#define GG_DWARF_FINDER_H

#include "members.h"

// Opens the file PATH, and registers it as a finder of sizes and offsets. BUILD_ID is the kernel's, in
// hexadecimal; NULL where the kernel's is not known. GG_INVALID for a file of another kernel, or
// without DWARF.
struct gg_error *gg_dwarf_add_finder(struct gg_members *members, int order, const char *path,
				     const char *build_id);

#endif
