// SPDX-License-Identifier: GPL-3.0-or-later
//
// The table of commands, in the order in which they are listed.
//
// A new command: its data in guest/, its print function and its row in a file of this folder, its line here.
#include "command.h"
#include "rows.h"

#include <string.h>

static const struct gg_command *const commands[] = {
	&gg_command_info,    &gg_command_klog,    &gg_command_regs,   &gg_command_x,
	&gg_command_vtop,    &gg_command_kernel,  &gg_command_ps,     &gg_command_bt,
	&gg_command_struct,  &gg_command_blocked, &gg_command_mem,    &gg_command_mod,
	&gg_command_nested,  &gg_command_vmlinux, &gg_command_dump,   &gg_command_report,
	&gg_command_profile, &gg_command_trace,   &gg_command_select, &gg_command_sysrq,
};

const struct gg_command *gg_command_at(size_t index)
{
	return index < sizeof(commands) / sizeof(*commands) ? commands[index] : NULL;
}

const struct gg_command *gg_command_find(const char *name, bool is_debugger)
{
	const struct gg_command *command;
	for (size_t i = 0; (command = gg_command_at(i)); i++)
		if (!strcmp(is_debugger ? command->gdb_name : command->name, name))
			return command;
	return NULL;
}

bool gg_command_takes_guest(const struct gg_command *command, const struct gg_options *options)
{
	return !command->without_guest || !gg_options_has(options, command->without_guest);
}
