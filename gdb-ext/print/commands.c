// SPDX-License-Identifier: GPL-3.0-or-later
//
// The table of commands.
//
// A new command: its data in guest/, its print function in this folder, its row here.
#include "command.h"
#include "run.h"

#include <string.h>

enum { LOG_LEVELS = 8, LOG_FACILITIES = 24, MOST_CONTEXT = 1000000, LONGEST_WAIT = 3600 };

#define ALL_TARGETS "It works on a core of QEMU, a QEMU process, QEMU's gdbstub and a vmcore."

// ---- Options ----

static const struct gg_option info_options[] = {
	{ .name = "all",
	  .kind = GG_VALUE_FLAG,
	  .help = "At QEMU's gdbstub too, what takes some MB to read: uptime, load, tasks,\n"
		  "    taint, troubles by the kernel's own variables." },
	{ .name = "layout",
	  .kind = GG_VALUE_FLAG,
	  .help = "show where members of QEMU's structures are, by its debuginfo and as found\n"
		  "    without it, each with its proof, and whether the two agree" },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "One JSON object, with the notices; with -layout an object for each member,\n"
		  "    on a line of its own." },
	{ 0 }
};

static const struct gg_option klog_options[] = {
	{ .name = "level",
	  .kind = GG_VALUE_LEVELS,
	  .word = gg_log_level_name,
	  .word_count = LOG_LEVELS,
	  .help = "Only records of these levels; err+ is err and worse." },
	{ .name = "facility",
	  .kind = GG_VALUE_WORDS,
	  .word = gg_log_facility_name,
	  .word_count = LOG_FACILITIES,
	  .help = "Only records of these facilities." },
	{ .name = "grep",
	  .kind = GG_VALUE_TEXT,
	  .help = "Only records whose text has this POSIX extended regular expression." },
	{ .name = "before",
	  .kind = GG_VALUE_INTEGER,
	  .high = MOST_CONTEXT,
	  .help = "With -grep, the N records before each that it finds ..." },
	{ .name = "after",
	  .kind = GG_VALUE_INTEGER,
	  .high = MOST_CONTEXT,
	  .help = "... the N after it ..." },
	{ .name = "context",
	  .kind = GG_VALUE_INTEGER,
	  .high = MOST_CONTEXT,
	  .help = "... and as many of both." },
	{ .name = "since",
	  .kind = GG_VALUE_TIME,
	  .help = "Only records since this time: seconds of the log's clock (12.5), or a time\n"
		  "    in UTC (2026-11-26, 2026-11-26T15:03:39)." },
	{ .name = "until", .kind = GG_VALUE_TIME, .help = "Only records until this time." },
	{ .name = "since-clear",
	  .kind = GG_VALUE_FLAG,
	  .help = "Only records since the last \"dmesg --clear\" in the guest." },
	{ .name = "tail",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = UINT64_MAX,
	  .help = "Only the last so many records." },
	{ .name = "follow",
	  .kind = GG_VALUE_FLAG,
	  .needs_debugger = true,
	  .help = "Go on: let the guest run, and print new records until Ctrl-C." },
	{ .name = "T",
	  .kind = GG_VALUE_FLAG,
	  .help = "Times in UTC, by the kernel's own clock, as dmesg -T has them; a note says\n"
		  "    how far they can be trusted." },
	{ .name = "raw",
	  .kind = GG_VALUE_FLAG,
	  .help = "The facility and the level, as a number, before each line: <6>." },
	{ .name = "decode",
	  .kind = GG_VALUE_FLAG,
	  .help = "The facility and the level, as words, before each line." },
	{ .name = "caller",
	  .kind = GG_VALUE_FLAG,
	  .help = "The task (T1) or CPU (C0) that wrote it, behind the time." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each record, on a line of its own." },
	{ .name = "output",
	  .kind = GG_VALUE_FILE,
	  .help = "Write the log to FILE, which appears when it is whole ..." },
	{ .name = "force", .kind = GG_VALUE_FLAG, .help = "... and replace it if it exists." },
	{ .name = "hexdump",
	  .kind = GG_VALUE_FILE,
	  .help = "Look for the log in FILE, a transcript of the x or xp commands of QEMU's\n"
		  "    monitor (formats c and x), instead of in the guest." },
	{ 0 }
};

static const struct gg_option regs_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPUS,
	  .help = "Only these CPUs, by QEMU's numbers: N, N-M, or a list with commas." },
	{ .name = "all",
	  .kind = GG_VALUE_FLAG,
	  .help = "All registers, in the layout of QEMU's \"info registers\"." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each CPU, on a line of its own." },
	{ 0 }
};

static const struct gg_option x_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPU,
	  .help = "Through the page tables of this CPU, as it sees memory, and with its own\n"
		  "    per-CPU variables; without it, through those of the guest's kernel." },
	{ .name = "physical",
	  .kind = GG_VALUE_FLAG,
	  .help = "ADDR is guest-physical, a number: no page tables are used, and there are\n"
		  "    no instructions." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each line: address, symbol, bytes, values; text of a\n"
		  "    string or an instruction." },
	{ 0 }
};

static const struct gg_option x_arguments[] = {
	{ .name = "address", .kind = GG_VALUE_ADDRESS, .label = "ADDR" },
	{ .name = "format", .kind = GG_VALUE_FORMAT, .label = "[COUNT][FORMAT]" },
	{ 0 }
};

static const struct gg_option vtop_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPU,
	  .help = "Through the page tables of this CPU; without it, through those of the\n"
		  "    guest's kernel." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "One JSON object: the entries, and where they lead." },
	{ 0 }
};

static const struct gg_option vtop_arguments[] = {
	{ .name = "address", .kind = GG_VALUE_ADDRESS, .label = "ADDR" }, { 0 }
};

static const struct gg_option kernel_options[] = {
	{ .name = "scan",
	  .kind = GG_VALUE_FLAG,
	  .needs_debugger = true,
	  .help = "At a gdbstub look at all of RAM, which is then read over the wire." },
	{ .name = "auto",
	  .kind = GG_VALUE_FLAG,
	  .needs_debugger = true,
	  .help = "Choose no kernel: the commands show the kernel that runs." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each kernel, on a line of its own." },
	{ 0 }
};

static const struct gg_option kernel_arguments[] = {
	{ .name = "number", .kind = GG_VALUE_TEXT, .needs_debugger = true, .label = "[N]" }, { 0 }
};

static const struct gg_option ps_options[] = {
	{ .name = "state",
	  .kind = GG_VALUE_TEXT,
	  .help = "Only tasks in these states, letters of ps's: R D S T t Z X P I." },
	{ .name = "pid",
	  .kind = GG_VALUE_TEXT,
	  .help = "Only these tasks: a process's PID or a thread's, or a list with commas." },
	{ .name = "kernel",
	  .kind = GG_VALUE_FLAG,
	  .help = "Only the kernel's own tasks: kernel threads, and the CPUs' idle tasks." },
	{ .name = "user", .kind = GG_VALUE_FLAG, .help = "Only the tasks of programs." },
	{ .name = "threads",
	  .kind = GG_VALUE_FLAG,
	  .help = "A line for each thread, by PID and TID; TIME is then the thread's own." },
	{ .name = "tree", .kind = GG_VALUE_FLAG, .help = "By parent, as a tree." },
	{ .name = "memory",
	  .kind = GG_VALUE_FLAG,
	  .help = "By RSS, the largest first, with VSZ, RSS and SWAP in KiB, and RSS as a share\n"
		  "    of all memory." },
	{ .name = "args",
	  .kind = GG_VALUE_FLAG,
	  .help = "The arguments in place of the name, out of the process's own memory; it is\n"
		  "    said where they are not in memory." },
	{ .name = "paths",
	  .kind = GG_VALUE_FLAG,
	  .help = "The program's file and the working directory too." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each task, on a line of its own." },
	{ 0 }
};

static const struct gg_option bt_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPUS,
	  .help = "The stacks of these CPUs, by QEMU's numbers: N, N-M, or a list with commas." },
	{ .name = "pid",
	  .kind = GG_VALUE_TEXT,
	  .help = "The stacks of the tasks, threads too, with these PIDs: N, or a list with\n"
		  "    commas." },
	{ .name = "state",
	  .kind = GG_VALUE_TEXT,
	  .help = "The stacks of the tasks in these states, by ps's letters: D, or DR." },
	{ .name = "all", .kind = GG_VALUE_FLAG, .help = "The stacks of all tasks." },
	{ .name = "group",
	  .kind = GG_VALUE_FLAG,
	  .help = "Equal stacks together, the commonest first, with the tasks that are in them." },
	{ .name = "raw", .kind = GG_VALUE_FLAG, .help = "The words of each frame too." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each stack, on a line of its own." },
	{ 0 }
};

static const struct gg_option mod_options[] = {
	{ .name = "symbols",
	  .kind = GG_VALUE_MODULE,
	  .help = "The symbols of MODULE in place of the list, ascending by address." },
	{ .name = "v",
	  .kind = GG_VALUE_FLAG,
	  .help = "The build ID of each module, and where its parts are." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each module or symbol, on a line of its own." },
	{ 0 }
};

static const struct gg_option mod_arguments[] = {
	{ .name = "module", .kind = GG_VALUE_MODULE, .label = "[MODULE]" }, { 0 }
};

static const char *const absent_words[] = { "fail", "skip", NULL };
static const char *const via_words[] = { "gdb", "fastest", "monitor", NULL };

static const struct gg_option dump_options[] = {
	{ .name = "force", .kind = GG_VALUE_FLAG, .help = "Replace FILE if it exists." },
	{ .name = "begin",
	  .kind = GG_VALUE_INTEGER,
	  .high = UINT64_MAX,
	  .help = "Only guest-physical addresses from here on ..." },
	{ .name = "length",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = UINT64_MAX,
	  .help = "... and as many bytes of them, as QMP's command has it." },
	{ .name = "absent",
	  .kind = GG_VALUE_WORD,
	  .words = absent_words,
	  .help = "The way to deal with guest memory that is missing: fail, which is the\n"
		  "    default, or skip: leave it out, and say which was left out." },
	{ .name = "no-notes",
	  .kind = GG_VALUE_FLAG,
	  .help = "Only memory: not the CPUs' registers, nor VMCOREINFO." },
	{ .name = "via",
	  .kind = GG_VALUE_WORD,
	  .words = via_words,
	  .needs_debugger = true,
	  .help = "How guest memory is read: through GDB, slowly, or the fastest way there is\n"
		  "    without QEMU's help; at QEMU's gdbstub, where that is slow, monitor\n"
		  "    has QEMU write the memory to a file first, beside FILE.  QEMU on\n"
		  "    another machine writes FILE there, in its own way, in the place of one\n"
		  "    that there may be." },
	{ 0 }
};

static const struct gg_option dump_arguments[] = {
	{ .name = "file", .kind = GG_VALUE_FILE, .label = "FILE" }, { 0 }
};

static const struct gg_option select_options[] = {
	{ .name = "file",
	  .kind = GG_VALUE_FILE,
	  .help = "Look at FILE, a vmcore: ELF, or a compressed kdump, which GDB does not\n"
		  "    open." },
	{ .name = "target",
	  .kind = GG_VALUE_FLAG,
	  .help = "Look at GDB's target again: its core, process or connection." },
	{ 0 }
};

static const struct gg_option sysrq_options[] = {
	{ .name = "wait",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = LONGEST_WAIT,
	  .help = "Let the guest run for at most so many seconds (10)." },
	{ .name = "output",
	  .kind = GG_VALUE_FILE,
	  .help = "Write the answer to FILE, which appears at the end ..." },
	{ .name = "force",
	  .kind = GG_VALUE_FLAG,
	  .help = "... and replace it if it exists; do not ask, whatever the key does." },
	{ .name = "list",
	  .kind = GG_VALUE_FLAG,
	  .help = "Show the keys, and what the kernel does at each." },
	{ 0 }
};

static const struct gg_option sysrq_arguments[] = {
	{ .name = "key", .kind = GG_VALUE_KEY, .label = "[KEY]" }, { 0 }
};

// ---- Commands ----

static const struct gg_command commands[] = {
	{
		.name = "info",
		.gdb_name = "guest-info",
		.summary =
			"Show what is being looked at: QEMU, its CPUs, the guest's RAM and kernel.",
		.targets = ALL_TARGETS,
		.help = "It tells where guest memory is read from and what of it is missing,\n"
			"whether the registers that QEMU has are the CPUs', and how the guest's\n"
			"kernel was found.",
		.options = info_options,
		.run = gg_run_info,
	},
	{
		.name = "klog",
		.gdb_name = "guest-klog",
		.summary =
			"Print the log of the guest's Linux kernel, as dmesg in the guest would.",
		.targets = ALL_TARGETS,
		.help = "The guest needs no debuginfo; the log of every kernel with VMCOREINFO\n"
			"is found, and mostly those of others too.  Each line of a record has\n"
			"its time before it.  Where records were lost, a line starting \"note:\"\n"
			"says so.  Control characters and what is not UTF-8 are shown as\n"
			"\\xHH.  On a terminal the levels have dmesg's colours.",
		.debugger_help =
			"\"set style enabled off\" takes the colours away.\n\n"
			"With -follow, as \"dmesg --follow\" in the guest: the guest runs, stands\n"
			"still for some milliseconds several times a second, and is stopped at\n"
			"the end, which is Ctrl-C.  Records that the kernel overwrites in\n"
			"between are reported as lost.  That takes a QEMU process or QEMU's\n"
			"gdbstub; a core cannot run.\n\n"
			"In GDB's Guile, (guest-log) gives the records as data, each an\n"
			"association list: seq, time (in nanoseconds), level, facility, caller,\n"
			"flags, lost, text, bytes, dict.",
		.options = klog_options,
		.without_guest = "hexdump",
		.run = gg_run_klog,
	},
	{
		.name = "regs",
		.gdb_name = "guest-regs",
		.summary = "Show the registers of the guest's CPUs, and whether to believe them.",
		.targets = ALL_TARGETS,
		.help = "Each CPU is current, stale or unknown.  It is stale where KVM has run\n"
			"it since QEMU last asked for its registers: what is shown is what they\n"
			"were then.  It is unknown where TCG was executing, or QEMU does not\n"
			"tell.  The registers of a vmcore are noted: as the vmcore's notes have\n"
			"them.  A digit that is not known is a question mark.\n\n"
			"A CPU in SMM executes the firmware: what is shown are the firmware's\n"
			"registers.\n\n"
			"A CPU that executes a nested guest, because the guest is a hypervisor\n"
			"itself, is \"nested\": its registers are those that it saved of the\n"
			"guest itself, and the nested guest's follow.",
		.debugger_help =
			"QEMU's gdbstub does not tell such a CPU from others; its page tables\n"
			"may, where the guest's kernel is known.\n\n"
			"Where -cpu names one CPU, its registers are set as $guest_rip and so\n"
			"on, its number as $guest_cpu, and $guest_current is 1 if they are its\n"
			"registers of now.",
		.options = regs_options,
		.run = gg_run_regs,
	},
	{
		.name = "x",
		.gdb_name = "guest-x",
		.summary = "Examine guest memory at the virtual address ADDR: x/16gx ADDR.",
		.targets = ALL_TARGETS,
		.help = "ADDR is a symbol of the guest's kernel (\"jiffies\", \"_stext+0x10\") or "
			"a\n"
			"number; quote one with spaces.  The format is that of GDB's x, behind\n"
			"the command's name or behind ADDR: a count; x, d, u, o, t, c, s for\n"
			"text, a for addresses with their symbols, i for instructions; the size\n"
			"b, h, w or g. Instructions are of 16, 32 or 64 bits as the CPU's are,\n"
			"and \"=>\" is where a CPU is.  An address that is not mapped is an error\n"
			"that has the page table's entry which says so.",
		.debugger_help =
			"guest-x/16gx ADDR is as GDB's x/16gx ADDR.  ADDR may also be a GDB\n"
			"expression (\"$guest_rip\").",
		.alone_help = "With -cpu N, ADDR may also be a register of that CPU: \"$pc\", "
			      "\"$sp+8\".",
		.options = x_options,
		.run = gg_run_x,
		.arguments = x_arguments,
	},
	{
		.name = "vtop",
		.gdb_name = "guest-vtop",
		.summary = "Show how the guest's page tables translate the virtual address ADDR.",
		.targets = ALL_TARGETS,
		.help = "ADDR is as guest-x has it.  Each entry on the way is shown with its\n"
			"guest-physical address, its value and the flags that are set in it;\n"
			"then the guest-physical address, and where that is in QEMU's memory.",
		.options = vtop_options,
		.run = gg_run_vtop,
		.arguments = vtop_arguments,
	},
	{
		.name = "kernel",
		.gdb_name = "guest-kernel",
		.summary = "List the Linux kernels in the guest's RAM, or choose the one to show.",
		.help = "RAM has several after a crash, when a kernel for crashes (kdump) has\n"
			"been booted, and after a reset.  Each has a number, its release, the\n"
			"CPUs that run it, where its VMCOREINFO is, and what its log ends in;\n"
			"an asterisk marks the kernel that the commands show.",
		.debugger_help =
			"With the number N that kernel is shown by guest-klog, guest-x,\n"
			"guest-vtop, guest-info, by the symbols of guest-regs and in the\n"
			"VMCOREINFO of dump-guest-memory, of this core, process or connection\n"
			"alone, until it is not there any more.\n\n"
			"At a gdbstub these are the running kernel and the crashed one that it\n"
			"was booted after; -scan finds all.",
		.options = kernel_options,
		.run = gg_run_kernel,
		.arguments = kernel_arguments,
	},
	{
		.name = "ps",
		.gdb_name = "guest-ps",
		.summary = "List the tasks of the guest's Linux kernel, as ps in the guest would.",
		.targets = ALL_TARGETS,
		.help = "A line for each process; > marks the tasks that are on a CPU, brackets\n"
			"the kernel's own.  S is the state as ps has it.  RSS is in KiB; TIME is\n"
			"the time on CPUs, SINCE the time since the task was last put on a CPU,\n"
			"by the scheduler's clock: in which it runs, or has slept.\n\n"
			"The guest needs no debuginfo: the kernel's types are those of the BTF in\n"
			"its memory.",
		.options = ps_options,
		.run = gg_run_ps,
	},
	{
		.name = "bt",
		.gdb_name = "guest-bt",
		.summary = "Show the kernel's stacks: those of the guest's CPUs, or of tasks.",
		.targets = ALL_TARGETS,
		.help = "The guest needs no debuginfo: its kernel's own tables (ORC) lead from "
			"frame\n"
			"to frame.  An interrupt, an exception or a system call, with its number\n"
			"and name, is a line below the frame of its entry.\n\n"
			"A task that a CPU executes starts at the CPU's registers.  Where these "
			"are\n"
			"stale or not known, the stack in memory is searched, and a line starting\n"
			"\"note:\" says so.  A frame with a ? is a guess.",
		.options = bt_options,
		.run = gg_run_bt,
	},
	{
		.name = "mod",
		.gdb_name = "guest-mod",
		.summary = "List the modules of the guest's Linux kernel, as lsmod in the guest "
			   "would.",
		.targets = ALL_TARGETS,
		.help = "Each module has the address of its code, its size, the number of its\n"
			"users and the modules among them, a state other than Live, and the\n"
			"letters of what it taints the kernel with, in parentheses.\n\n"
			"Symbols of modules serve in all commands: guest-x fuse_dev_read, or\n"
			"fuse:fuse_dev_read where several modules have the name.",
		.options = mod_options,
		.run = gg_run_mod,
		.arguments = mod_arguments,
	},
	{
		.name = "dump",
		.gdb_name = "dump-guest-memory",
		.summary = "Write the guest's memory to FILE, as a vmcore.",
		.targets = ALL_TARGETS,
		.help = "FILE is an ELF vmcore for crash, drgn, makedumpfile and libkdumpfile.\n"
			"It has the notes of QEMU's own dump, and where a Linux kernel is found\n"
			"in the guest, its VMCOREINFO and virtual addresses.  It appears when\n"
			"it is whole; where some of the guest's memory is missing, there is an\n"
			"error that says which, and no file.",
		.options = dump_options,
		.run = gg_run_dump,
		.arguments = dump_arguments,
	},
	{
		.name = "select",
		.gdb_name = "guest-select",
		.summary = "List what can be looked at, or choose what all commands look at.",
		.debugger_help =
			"That is GDB's target, the core, process or connection of its current\n"
			"inferior, or the vmcore that -file names.  An asterisk marks which is\n"
			"looked at.  The file is looked at until -target, or until GDB's target\n"
			"is another one.",
		.options = select_options,
	},
	{
		.name = "sysrq",
		.gdb_name = "guest-sysrq",
		.summary =
			"Send a magic SysRq key to the guest's Linux kernel, and print the answer.",
		.targets = "It works on QEMU's gdbstub; the guest must have a PS/2 keyboard, as\n"
			   "PCs have by default.",
		.help = "The key is typed there with Alt and SysRq; the guest runs until its\n"
			"kernel has been quiet for a second after its answer, and is stopped\n"
			"again.  The kernel does what kernel.sysrq in the guest allows; what it\n"
			"does not allow it says or ignores.\n\n"
			"Keys at which work in the guest is lost ask first, unless \"set confirm\n"
			"off\".",
		.options = sysrq_options,
		.arguments = sysrq_arguments,
	},
};

const struct gg_command *gg_command_at(size_t index)
{
	return index < sizeof(commands) / sizeof(*commands) ? &commands[index] : NULL;
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
