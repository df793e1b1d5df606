// SPDX-License-Identifier: GPL-3.0-or-later
//
// The row of guest-select, which a debugger does by itself.
#include "rows.h"

static const struct gg_option select_options[] = {
	{ .name = "file",
	  .kind = GG_VALUE_FILE,
	  .help = "Look at FILE, a vmcore: ELF, or a compressed kdump, which GDB does not\n"
		  "    open." },
	{ .name = "nested",
	  .kind = GG_VALUE_NESTED,
	  .help = "Look at the nested guest with this number in guest-nested's list; 1.2 is\n"
		  "    nested guest 2 of nested guest 1." },
	{ .name = "target",
	  .kind = GG_VALUE_FLAG,
	  .help = "Return to GDB's target: its core, process or connection." },
	{ 0 }
};

const struct gg_command gg_command_select = {
	.name = "select",
	.gdb_name = "guest-select",
	.summary = "List the guests to look at, or choose the guest of all commands.",
	.debugger_help =
		"The choices are GDB's target, which is the core, process or connection\n"
		"of its current inferior, the vmcore that -file names, and a nested guest\n"
		"in either.  An asterisk marks the current choice.  -file and -nested hold\n"
		"until -target, or until GDB's target changes.",
	.options = select_options,
};
