// SPDX-License-Identifier: GPL-3.0-or-later
//
// The row of guest-sysrq, which a debugger does by itself.
#include "rows.h"

enum { LONGEST_WAIT = 3600 };

static const struct gg_option sysrq_options[] = {
	{ .name = "wait",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = LONGEST_WAIT,
	  .help = "Let the guest run for at most N seconds (10)." },
	{ .name = "output",
	  .kind = GG_VALUE_FILE,
	  .help = "Write the answer to FILE, which appears at the end ..." },
	{ .name = "force",
	  .kind = GG_VALUE_FLAG,
	  .help = "... and replace it if it exists; never ask, whatever the key does." },
	{ .name = "list",
	  .kind = GG_VALUE_FLAG,
	  .help = "List the keys, with the kernel's action at each." },
	{ 0 }
};

static const struct gg_option sysrq_arguments[] = {
	{ .name = "key", .kind = GG_VALUE_KEY, .label = "[KEY]" }, { 0 }
};

const struct gg_command gg_command_sysrq = {
	.name = "sysrq",
	.gdb_name = "guest-sysrq",
	.summary = "Send a magic SysRq key to the guest's Linux kernel, and print the answer.",
	.targets = "It works on QEMU's gdbstub; the guest must have a PS/2 keyboard, as\n"
		   "PCs have by default.",
	.help = "The key is typed at that keyboard with Alt and SysRq; the guest runs\n"
		"until its kernel has been quiet for a second after its answer, and is\n"
		"stopped again.  The kernel obeys keys that kernel.sysrq in the guest\n"
		"allows, and refuses or ignores others.\n\n"
		"Keys that lose work in the guest ask first, unless \"set confirm off\".",
	.options = sysrq_options,
	.arguments = sysrq_arguments,
};
