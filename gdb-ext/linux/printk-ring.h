// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's lockless log (Linux kernel/printk/printk_ringbuffer.c, since v5.10).
#ifndef GG_PRINTK_RING_H
#define GG_PRINTK_RING_H

#include "kernel.h"

// When the newest record was written, in nanoseconds of the kernel's clock, which starts early in
// its boot. GG_NOT_FOUND where the kernel's log is of another kind, or empty.
struct gg_error *gg_printk_ring_newest(const struct gg_kernel *kernel, uint64_t *ret);

#endif
