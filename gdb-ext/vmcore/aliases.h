// SPDX-License-Identifier: GPL-3.0-or-later
//
// Program headers for memory that the kernel maps besides its image and its direct map: vmalloc
// space with the stacks, modules, the CPUs' entry areas, the memmap. Their bytes are in the file
// already. With the headers a debugger that walks no page tables reads that memory too.
#ifndef GG_ALIASES_H
#define GG_ALIASES_H

#include "format-elf.h"
#include "guest/guest.h"

// Finds the aliases of what ELF's segments have, by KERNEL's page tables: the areas of the kernel's
// CPUs and modules first, then the stacks of GUEST's CPUs, then the rest, as far as ELF's room for
// aliases goes. *COMPLETE is false where the room, or the bound of the search, ended too early.
struct gg_error *gg_vmcore_find_aliases(struct gg_guest *guest, const struct gg_kernel *kernel,
					struct gg_vmcore_elf *elf, bool *complete);

#endif
