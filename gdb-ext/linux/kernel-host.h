// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest's kernel, asked as a debugger is: what is at a virtual address, where is a symbol, where
// in a type is a member. Readers of the kernel's structures ask this way and do not know who
// answers; here VMCOREINFO, kallsyms and the page tables do.
#ifndef GG_KERNEL_HOST_H
#define GG_KERNEL_HOST_H

#include "host/host.h"
#include "kernel.h"

// HOST, which is KERNEL's from then on, valid as long as that is. VMCOREINFO tells where members
// are and not how large: their size is 0, and the reader has to know it. KERNEL must have page
// tables.
void gg_kernel_host_init(struct gg_host *host, const struct gg_kernel *kernel);

#endif
