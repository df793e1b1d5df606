// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_IMAGE_SEARCH_H
#define GG_IMAGE_SEARCH_H

#include "kernel.h"

// Finds the kernel whose image the CPUs' own page tables map, by the VMCOREINFO that the image has,
// or has a pointer to; for a source whose RAM is too dear to be read whole. At most 64 MiB are read.
// RET has the next kernel too, which another CPU runs, if the first has crashed.
// GG_NOT_FOUND where no CPU maps a kernel, or none that is sound.
struct gg_error *gg_kernels_find_by_image(const struct gg_kernel_site *site,
					  const struct gg_notices *notices, struct gg_kernels *ret);

// Finds the kernels of all CPUs as gg_kernels_find_by_image() does: a look at the rest of RAM finds no better
// kernel, only those that no CPU runs. RET is empty where a CPU that uses page tables has no kernel of RET's,
// or may execute a nested guest.
struct gg_error *gg_kernels_find_certain(const struct gg_kernel_site *site, struct gg_kernels *ret);

#endif
