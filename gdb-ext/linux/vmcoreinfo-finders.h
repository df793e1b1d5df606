// SPDX-License-Identifier: GPL-3.0-or-later
//
// VMCOREINFO as a finder of symbols and members: the first of both, since it costs nothing.
#ifndef GG_VMCOREINFO_FINDERS_H
#define GG_VMCOREINFO_FINDERS_H

#include "linux/answerers/answerers.h"
#include "vmcoreinfo.h"

// The kernel's image, which its symbols are in.
struct gg_kernel_image {
	gg_gva_t start;
	uint64_t size;
};

// Registers INFO, which must outlive the lists. VMCOREINFO has the members' offsets, not their
// sizes: those are 0, and the reader has to know them.
struct gg_error *gg_vmcoreinfo_add_symbol_finder(struct gg_symbols *symbols, int order,
						 const struct gg_vmcoreinfo *info,
						 const struct gg_kernel_image *image);
struct gg_error *gg_vmcoreinfo_add_member_finder(struct gg_members *members, int order,
						 const struct gg_vmcoreinfo *info);

// The address of NAME by VMCOREINFO alone. GG_NOT_FOUND.
struct gg_error *gg_vmcoreinfo_find_symbol(const struct gg_vmcoreinfo *info,
					   const struct gg_kernel_image *image, const char *name,
					   gg_gva_t *ret);

#endif
