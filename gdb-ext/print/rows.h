// SPDX-License-Identifier: GPL-3.0-or-later
//
// The rows of the table of commands, each in the file that prints the command.
#ifndef GG_ROWS_H
#define GG_ROWS_H

#include <gdb-guest/command.h>

#define GG_ALL_TARGETS "It works on a core of QEMU, a QEMU process, QEMU's gdbstub and a vmcore."

extern const struct gg_command gg_command_info, gg_command_klog, gg_command_regs, gg_command_x,
	gg_command_vtop, gg_command_kernel, gg_command_ps, gg_command_bt, gg_command_struct,
	gg_command_blocked, gg_command_mem, gg_command_mod, gg_command_nested, gg_command_vmlinux,
	gg_command_dump, gg_command_report, gg_command_profile, gg_command_trace, gg_command_select,
	gg_command_sysrq;

#endif
