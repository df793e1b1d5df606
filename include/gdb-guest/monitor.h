// SPDX-License-Identifier: GPL-3.0-or-later
//
// QEMU's monitor: the commands whose output describes a guest at the gdbstub.
#ifndef GDB_GUEST_MONITOR_H
#define GDB_GUEST_MONITOR_H

#include "error.h"

#include <stdbool.h>

#pragma GCC visibility push(default)

// The questions to QEMU's monitor.
enum gg_monitor_text {
	GG_MONITOR_MEMORY_MAP,
	GG_MONITOR_MEMORY_DEVICES,
	GG_MONITOR_REGISTERS,
	GG_MONITOR_VERSION,
	GG_MONITOR_MACHINE,
	GG_MONITOR_STATUS,
	GG_MONITOR_KVM,
	GG_MONITOR_JIT,
	GG_MONITOR_TEXTS
};

// Returns the monitor's command that prints TEXT; NULL for a number without a command.
const char *gg_monitor_command(enum gg_monitor_text text);

// Writes the monitor's command that has QEMU write the guest's memory to the file PATH on its side,
// in background; it prints an error, and nothing else. The caller frees RET.
struct gg_error *gg_monitor_dump_command(const char *path, char **ret);

// The command that prints the progress, and the parser of its TEXT: DONE is 0 to 1. GG_SYSTEM where
// QEMU gave up, GG_BAD_DATA where QEMU prints no such text.
extern const char gg_monitor_dump_query[];
struct gg_error *gg_monitor_dump_progress(const char *text, double *done, bool *ended);

#pragma GCC visibility pop

#endif
