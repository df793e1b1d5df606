// SPDX-License-Identifier: GPL-3.0-or-later
//
// QEMU by the texts of its monitor, which a debugger gets through the gdbstub.
#ifndef GG_QEMU_MONITOR_H
#define GG_QEMU_MONITOR_H

#include "qemu/cpus.h"
#include "mtree.h"

#include <gdb-guest/monitor.h>

struct gg_monitor {
	char *texts[GG_MONITOR_TEXTS];
};

// Copies TEXTS.
struct gg_error *gg_monitor_create(const char *const texts[GG_MONITOR_TEXTS],
				   struct gg_monitor **ret);

// Destroys MONITOR, which may be NULL.
void gg_monitor_destroy(struct gg_monitor *monitor);

enum gg_accelerator gg_monitor_accelerator(const struct gg_monitor *monitor);

// Read texts as the functions of qemu/machine.h do: escaped; the caller frees them.
struct gg_error *gg_monitor_version(const struct gg_monitor *monitor, char **ret);
struct gg_error *gg_monitor_machine(const struct gg_monitor *monitor, char **ret);
struct gg_error *gg_monitor_run_state(const struct gg_monitor *monitor, char **ret);

#endif
