// SPDX-License-Identifier: GPL-3.0-or-later
//
// The commands of the table that print, each from the options that were typed.
#ifndef GG_RUN_H
#define GG_RUN_H

#include "base/error.h"

#include <gdb-guest/command.h>

gg_command_run gg_run_info, gg_run_regs, gg_run_x, gg_run_vtop, gg_run_kernel, gg_run_dump,
	gg_run_ps, gg_run_struct, gg_run_bt, gg_run_blocked, gg_run_mod, gg_run_mem, gg_run_vmlinux,
	gg_run_report, gg_run_profile, gg_run_trace, gg_run_nested;

// Prints the log, or writes it to a file, and then the notices.
gg_command_run gg_run_klog;

#endif
