// SPDX-License-Identifier: GPL-3.0-or-later
//
// The vCPUs of a QEMU of which all that can be had is what its monitor prints.
#ifndef GG_QEMU_MONITOR_CPUS_H
#define GG_QEMU_MONITOR_CPUS_H

#include "qemu/cpus.h"

// The CPUs in SIZE bytes of text that QEMU's monitor printed for "info registers -a", in its order.
// A text without "CPU#N" lines is taken for that of CPU 0. All are current, for the monitor asks
// the accelerator first, and run under ACCELERATOR, which the text does not tell; threads are 0.
// TEXT is copied. GG_BAD_DATA where it has no CPU.
struct gg_error *gg_qemu_monitor_cpus(const char *text, size_t size,
				      enum gg_accelerator accelerator, struct gg_qemu_cpus *ret);

#endif
