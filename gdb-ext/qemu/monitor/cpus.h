// SPDX-License-Identifier: GPL-3.0-or-later
//
// The vCPUs of a QEMU, as its monitor prints them.
#ifndef GG_QEMU_MONITOR_CPUS_H
#define GG_QEMU_MONITOR_CPUS_H

#include "qemu/cpus.h"

// Lists the CPUs in SIZE bytes of TEXT that QEMU's monitor printed for "info registers -a", in its
// order. A text without "CPU#N" lines is CPU 0's. All CPUs are current, for the monitor asks the
// accelerator first, and run under ACCELERATOR, which is not in the text; threads are 0. TEXT is
// copied. GG_BAD_DATA where it has no CPU.
struct gg_error *gg_qemu_monitor_cpus(const char *text, size_t size,
				      enum gg_accelerator accelerator, struct gg_qemu_cpus *ret);

#endif
