// SPDX-License-Identifier: GPL-3.0-or-later
//
// The table of commands.
//
// A new command: its data in guest/, its print function in this folder, its row here.
#include "command.h"
#include "run.h"

#include <gdb-guest/dump.h>
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
	  .help = "Show the places of members of QEMU's structures, by QEMU's debuginfo and as\n"
		  "    found without debuginfo, each with its proof, and compare both." },
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
	  .needs = "grep",
	  .high = MOST_CONTEXT,
	  .help = "With -grep, the N records before each match ..." },
	{ .name = "after",
	  .kind = GG_VALUE_INTEGER,
	  .needs = "grep",
	  .high = MOST_CONTEXT,
	  .help = "... the N records after it ..." },
	{ .name = "context",
	  .kind = GG_VALUE_INTEGER,
	  .needs = "grep",
	  .high = MOST_CONTEXT,
	  .help = "... or N on both sides." },
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
	  .help = "Only the last N records." },
	{ .name = "follow",
	  .kind = GG_VALUE_FLAG,
	  .needs_debugger = true,
	  .help = "Let the guest run, and print new records until Ctrl-C." },
	{ .name = "T",
	  .kind = GG_VALUE_FLAG,
	  .help = "Times in UTC, by the kernel's own clock, as in dmesg -T; a note says how\n"
		  "    exact they are." },
	{ .name = "raw",
	  .kind = GG_VALUE_FLAG,
	  .help = "The facility and the level, as a number, before each line: <6>." },
	{ .name = "decode",
	  .kind = GG_VALUE_FLAG,
	  .help = "The facility and the level, as words, before each line." },
	{ .name = "caller",
	  .kind = GG_VALUE_FLAG,
	  .help = "The task (T1) or CPU (C0) that wrote the record, behind the time." },
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
	{ .name = "task",
	  .kind = GG_VALUE_FLAG,
	  .help = "The task on each CPU also at a gdbstub, where that reads some MB." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each CPU, on a line of its own." },
	{ 0 }
};

static const struct gg_option x_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPU,
	  .help = "Through the page tables of CPU N, with its own per-CPU variables; without\n"
		  "    -cpu, through the page tables of the guest's kernel." },
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
	  .help = "Through the page tables of CPU N; without -cpu, through the page tables of\n"
		  "    the guest's kernel." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "One JSON object: the entries, and the guest-physical address." },
	{ 0 }
};

static const struct gg_option vtop_arguments[] = {
	{ .name = "address", .kind = GG_VALUE_ADDRESS, .label = "ADDR" }, { 0 }
};

static const struct gg_option kernel_options[] = {
	{ .name = "vmlinux",
	  .kind = GG_VALUE_FILE,
	  .needs_debugger = true,
	  .help = "Take the types of a kernel without BTF from FILE, its vmlinux with\n"
		  "    debuginfo, in all commands; none for \"\"." },
	{ .name = "scan",
	  .kind = GG_VALUE_FLAG,
	  .needs_debugger = true,
	  .help = "At a gdbstub search all of RAM, which is then read over the wire." },
	{ .name = "auto",
	  .kind = GG_VALUE_FLAG,
	  .needs_debugger = true,
	  .help = "Undo a choice: the commands show the running kernel again." },
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
	  .help = "By RSS, the largest first, with VSZ, RSS and SWAP in KiB, and RSS as a\n"
		  "    share of all memory." },
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

static const struct gg_option blocked_options[] = {
	{ .name = "all", .kind = GG_VALUE_FLAG, .help = "All tasks that sleep." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each task, on a line of its own." },
	{ 0 }
};

static const struct gg_option nested_options[] = {
	{ .name = "vcpus",
	  .kind = GG_VALUE_FLAG,
	  .help = "A line for each vCPU: its CPU, and the reason of its last exit." },
	{ .name = "memory",
	  .kind = GG_VALUE_FLAG,
	  .help = "Count memory at a gdbstub too, where that takes long." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each nested guest, on a line of its own." },
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
	  .help = "Equal stacks together, the commonest first, with their tasks." },
	{ .name = "raw", .kind = GG_VALUE_FLAG, .help = "The words of each frame too." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each stack, on a line of its own." },
	{ 0 }
};

static const struct gg_option struct_options[] = {
	{ .name = "pid",
	  .kind = GG_VALUE_TEXT,
	  .help = "The task_struct of this task, in the place of ADDRESS." },
	{ .name = "cpu",
	  .kind = GG_VALUE_CPU,
	  .help = "ADDRESS is of this CPU: its own per-CPU variable, its register." },
	{ .name = "list",
	  .kind = GG_VALUE_TEXT,
	  .help = "All values that are linked by this member, from the value at ADDRESS on: a\n"
		  "    list_head, a hlist_node, or a pointer to the next ..." },
	{ .name = "head",
	  .kind = GG_VALUE_FLAG,
	  .help = "... where ADDRESS is the list's head, which is in no value ..." },
	{ .name = "limit",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = UINT64_MAX,
	  .help = "... and at most so many of them (10000)." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each value, or of a layout for each member, on a line of\n"
		  "    its own." },
	{ 0 }
};

static const struct gg_option struct_arguments[] = {
	{ .name = "type", .kind = GG_VALUE_TYPE, .label = "TYPE[.MEMBER,...]" },
	{ .name = "address", .kind = GG_VALUE_ADDRESS, .label = "[ADDRESS]" },
	{ 0 }
};

static const struct gg_option mem_options[] = {
	{ .name = "zones",
	  .kind = GG_VALUE_FLAG,
	  .help = "The memory of each node's zones: free, the watermarks, managed." },
	{ .name = "slabs",
	  .kind = GG_VALUE_FLAG,
	  .help = "The biggest slab caches: objects, their size, slabs." },
	{ .name = "tasks",
	  .kind = GG_VALUE_FLAG,
	  .help = "The tasks with the most resident memory." },
	{ .name = "pages",
	  .kind = GG_VALUE_FLAG,
	  .help = "The pages by kind, as makedumpfile sees them, and the pages that a dump of\n"
		  "    each level leaves." },
	{ .name = "zeros",
	  .kind = GG_VALUE_FLAG,
	  .needs = "pages",
	  .help = "With -pages, count pages of zeros: all memory is read." },
	{ .name = "top",
	  .kind = GG_VALUE_INTEGER,
	  .high = UINT32_MAX,
	  .help = "At most N slab caches or tasks (10), all for 0." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object, or one for each zone, slab cache or task on a line of its\n"
		  "    own.  Sizes are in bytes." },
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

static const struct gg_option vmlinux_options[] = {
	{ .name = "output", .kind = GG_VALUE_FILE, .help = "Write the vmlinux to FILE." },
	{ .name = "force",
	  .kind = GG_VALUE_FLAG,
	  .help = "Replace FILE if it exists; without -output, make the file anew." },
	{ .name = "guest-addresses",
	  .kind = GG_VALUE_FLAG,
	  .needs = "output",
	  .help = "The addresses are those in the guest, not those that the kernel was linked\n"
		  "    with." },
	{ .name = "no-modules",
	  .kind = GG_VALUE_FLAG,
	  .help = "Leave out the modules: their symbols, types and functions." },
	{ .name = "kallsyms",
	  .kind = GG_VALUE_FILE,
	  .help = "Write what the guest's /proc/kallsyms has to FILE, for perf kvm." },
	{ .name = "modules",
	  .kind = GG_VALUE_FILE,
	  .help = "Write what the guest's /proc/modules has to FILE, for perf kvm." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object, on one line: the file, its size, the number of symbols." },
	{ 0 }
};

static const char *const absent_words[] = { "fail", "skip", NULL };
static const char *const via_words[] = { "gdb", "fastest", "monitor", NULL };

// Bit N of a dump level is word N.
static const char *const exclude_words[] = { "zero", "cache", "private", "user", "free", NULL };

static const struct gg_option dump_options[] = {
	{ .name = "force", .kind = GG_VALUE_FLAG, .help = "Replace FILE if it exists." },
	{ .name = "format",
	  .kind = GG_VALUE_WORD,
	  .word = gg_dump_format,
	  .word_count = 6,
	  .help = "The format of FILE: elf, the default, or a compressed kdump.  All readers\n"
		  "    open kdump-zlib; kdump-zstd is smaller, for newer readers." },
	{ .name = "level",
	  .kind = GG_VALUE_INTEGER,
	  .high = 31,
	  .help = "Leave pages of these kinds out, as makedumpfile -d N: the sum of 1 (zeros),\n"
		  "    2 (cache), 4 (cache with private data), 8 (programs' memory), 16 (free)." },
	{ .name = "exclude",
	  .kind = GG_VALUE_WORDS,
	  .words = exclude_words,
	  .help = "The same kinds by name." },
	{ .name = "small",
	  .kind = GG_VALUE_FLAG,
	  .needs = "format",
	  .help = "Make FILE small rather than fast: kdump-zlib, kdump-zstd." },
	{ .name = "flattened",
	  .kind = GG_VALUE_FLAG,
	  .needs = "format",
	  .help = "Write a kdump in makedumpfile's flattened form, which a FIFO takes." },
	{ .name = "threads",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = 64,
	  .help = "Work with N threads; the default is the number of CPUs." },
	{ .name = "begin",
	  .kind = GG_VALUE_INTEGER,
	  .needs = "length",
	  .high = UINT64_MAX,
	  .help = "Only guest-physical addresses from N on ..." },
	{ .name = "length",
	  .kind = GG_VALUE_INTEGER,
	  .needs = "begin",
	  .low = 1,
	  .high = UINT64_MAX,
	  .help = "... and only N bytes, as QMP's dump-guest-memory." },
	{ .name = "absent",
	  .kind = GG_VALUE_WORD,
	  .words = absent_words,
	  .help = "The way to deal with missing guest memory: fail, the default, or skip:\n"
		  "    leave missing memory out, and list its ranges." },
	{ .name = "no-notes",
	  .kind = GG_VALUE_FLAG,
	  .help = "Only memory: neither the CPUs' registers nor VMCOREINFO." },
	{ .name = "via",
	  .kind = GG_VALUE_WORD,
	  .words = via_words,
	  .needs_debugger = true,
	  .help = "The way guest memory is read: gdb is through GDB, slowly; fastest is the\n"
		  "    fastest way without QEMU's help, the default.  At QEMU's gdbstub, which\n"
		  "    is slow, monitor has QEMU write the memory to a file first, beside FILE.\n"
		  "    QEMU on another machine writes FILE there, as QEMU's own vmcore, and\n"
		  "    replaces a FILE that exists there." },
	{ 0 }
};

static const struct gg_option dump_arguments[] = {
	{ .name = "file", .kind = GG_VALUE_FILE, .label = "FILE" }, { 0 }
};

static const struct gg_option report_options[] = {
	{ .name = "force", .kind = GG_VALUE_FLAG, .help = "Replace FILE if it exists." },
	{ .name = "text", .kind = GG_VALUE_FLAG, .help = "Text in place of HTML." },
	{ .name = "no-log", .kind = GG_VALUE_FLAG, .help = "Leave out the kernel's log." },
	{ .name = "redact",
	  .kind = GG_VALUE_FLAG,
	  .help = "Replace names of hosts, IP and MAC addresses, command lines, and values of\n"
		  "    variables such as HOME=/root, by words in brackets.  Look over the report\n"
		  "    before you pass it on: such data in another form stays." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object about FILE: its size, the parts, their notes and errors." },
	{ 0 }
};

static const struct gg_option report_arguments[] = {
	{ .name = "file", .kind = GG_VALUE_FILE, .label = "FILE" }, { 0 }
};

static const struct gg_option select_options[] = {
	{ .name = "file",
	  .kind = GG_VALUE_FILE,
	  .help = "Look at FILE, a vmcore: ELF, or a compressed kdump, which GDB does not\n"
		  "    open." },
	{ .name = "target",
	  .kind = GG_VALUE_FLAG,
	  .help = "Return to GDB's target: its core, process or connection." },
	{ 0 }
};

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

static const struct gg_option profile_options[] = {
	{ .name = "hz",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = 1000,
	  .help = "Samples a second of each CPU (99); fewer are taken where the guest would\n"
		  "    stand still for more than about a fifth of the time." },
	{ .name = "seconds",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = LONGEST_WAIT,
	  .help = "Let the guest run for N seconds (10), or until Ctrl-C." },
	{ .name = "cpu",
	  .kind = GG_VALUE_CPUS,
	  .help = "Only these CPUs, by QEMU's numbers: N, N-M, or a list with commas." },
	{ .name = "stacks",
	  .kind = GG_VALUE_FLAG,
	  .help = "The kernel's stacks too, for -folded and -perf." },
	{ .name = "top",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = 1000000,
	  .help = "Show N rows at most (20)." },
	{ .name = "folded",
	  .kind = GG_VALUE_FILE,
	  .help = "Write folded stacks to FILE, for flamegraph.pl, speedscope and others ..." },
	{ .name = "perf",
	  .kind = GG_VALUE_FILE,
	  .help = "... or the samples as \"perf script\" prints them, for Firefox's profiler ..." },
	{ .name = "force", .kind = GG_VALUE_FLAG, .help = "... and replace a file that exists." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each row, and an object for the profile." },
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
			"Show the guest at a glance: QEMU, CPUs, RAM, kernel, and what went wrong.",
		.targets = ALL_TARGETS,
		.help = "The source of guest memory and its missing ranges are shown, the state\n"
			"of the CPUs' registers, and the way the guest's kernel was found.  Of a\n"
			"Linux kernel come a panic, oopses, lockups, RCU stalls, hung tasks, OOM\n"
			"kills and warnings, by its own variables and its log; CPUs that get no\n"
			"timer interrupts; uptime, clock, load, tasks by state, taint.",
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
			"is found, and the log of most other kernels.  Each line of a record\n"
			"starts with the record's time.  Where records were lost, a line\n"
			"starting \"note:\" says so.  Control characters and bytes that are not\n"
			"UTF-8 are shown as \\xHH.  On a terminal the levels have dmesg's\n"
			"colours.",
		.debugger_help =
			"\"set style enabled off\" turns the colours off.\n\n"
			"-follow works as \"dmesg --follow\" in the guest: the guest runs, is\n"
			"stopped for some milliseconds several times a second, and stays stopped\n"
			"after Ctrl-C.  Records that the kernel overwrites in between are\n"
			"reported as lost.  -follow takes a QEMU process or QEMU's gdbstub; a\n"
			"core cannot run.\n\n"
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
		.help = "Registers are current, stale or unknown.  They are stale where KVM has\n"
			"run the CPU since QEMU last asked KVM for registers: the old values are\n"
			"shown.  They are unknown where TCG was executing, or QEMU does not say.\n"
			"The registers of a vmcore are noted: as the vmcore's notes have them.\n"
			"An unknown digit is a question mark.\n\n"
			"A CPU in SMM executes the firmware: the registers are the firmware's.\n\n"
			"A CPU that executes a nested guest, because the guest is a hypervisor\n"
			"itself, is \"nested\": the guest's own registers, which the CPU saved,\n"
			"come first, and the nested guest's registers follow.\n\n"
			"Where the guest's kernel is a Linux with BTF, the task on each CPU is\n"
			"shown, and the time for which it has been there.",
		.debugger_help =
			"QEMU's gdbstub does not mark a nested CPU; the CPU's page tables show\n"
			"it, where the guest's kernel is known.\n\n"
			"Where -cpu names one CPU, its registers are set as $guest_rip and so\n"
			"on, its number as $guest_cpu, and $guest_current is 1 if the registers\n"
			"are current.",
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
			"number; quote an ADDR with spaces.  The format is GDB's x's, behind the\n"
			"command's name or behind ADDR: a count; x, d, u, o, t, c, s for text,\n"
			"a for addresses with their symbols, i for instructions; the size b, h,\n"
			"w or g.  Instructions are of 16, 32 or 64 bits as the CPU's are, and\n"
			"\"=>\" marks a CPU's instruction.  An address that is not mapped is an\n"
			"error that shows the entry of the page table.",
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
		.help = "ADDR is as in guest-x.  Each entry on the way is shown with its\n"
			"guest-physical address, its value and its flags; the last line shows\n"
			"the guest-physical address, and its place in QEMU's memory.",
		.options = vtop_options,
		.run = gg_run_vtop,
		.arguments = vtop_arguments,
	},
	{
		.name = "kernel",
		.gdb_name = "guest-kernel",
		.summary =
			"List the Linux kernels in the guest's RAM, or choose the kernel to show.",
		.help = "RAM has several kernels after a crash, when a kernel for crashes (kdump)\n"
			"has been booted, and after a reset.  Each kernel has a number, its\n"
			"release, the CPUs that run it, the place of its VMCOREINFO, and the end\n"
			"of its log; an asterisk marks the kernel that the commands show.",
		.debugger_help =
			"With N, kernel N is shown by guest-klog, guest-x, guest-vtop and\n"
			"guest-info, by the symbols of guest-regs and in the VMCOREINFO of\n"
			"dump-guest-memory, of this core, process or connection alone, as long\n"
			"as RAM has the kernel.\n\n"
			"At a gdbstub the list has the running kernel, and the crashed kernel if\n"
			"kdump booted the running kernel; -scan finds all kernels.",
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
		.help = "The guest needs no debuginfo: its kernel's own tables (ORC) lead from\n"
			"frame to frame.  An interrupt, an exception or a system call, with its\n"
			"number and name, is a line below the frame of its entry.\n\n"
			"A task that a CPU executes starts at the CPU's registers.  If they are\n"
			"stale or unknown, or the CPU has left the kernel, the registers that the\n"
			"kernel saved when it crashed are taken, or the stack in memory is\n"
			"searched; a line starting \"note:\" says so.  A frame with a ? is a "
			"guess.",
		.options = bt_options,
		.run = gg_run_bt,
	},
	{
		.name = "struct",
		.gdb_name = "guest-struct",
		.summary = "Show the layout of a type of the guest's kernel, or memory as a value "
			   "of it.",
		.targets = ALL_TARGETS,
		.help = "TYPE is a struct, union, enumeration or typedef; no debuginfo is needed.\n"
			"Alone it is shown with the offset and the size of each member, in bytes\n"
			"(24:5 is bit 5 of byte 24).  With ADDRESS, a symbol or a number, the\n"
			"value there is shown.  With members only these are shown, and read;\n"
			"they are paths, \"mm->pgd\" and \"cpus_mask.bits[0]\" too, quoted\n"
			"because of the \">\" where a shell sees them.  Memory that is not there\n"
			"is called so.\n\n"
			"The tasks by name:  guest-struct task_struct.pid,comm init_task -list "
			"tasks\n"
			"The modules:  guest-struct module.name modules -head -list list\n"
			"A task's memory:  guest-struct 'task_struct.mm->total_vm' -pid 1",
		.options = struct_options,
		.run = gg_run_struct,
		.arguments = struct_arguments,
	},
	{
		.name = "blocked",
		.gdb_name = "guest-blocked",
		.summary = "Show which tasks of the guest's kernel wait for which lock or disk.",
		.targets = ALL_TARGETS,
		.help = "Shows the tasks in the state D, and other tasks that wait for a lock:\n"
			"the time asleep, the lock, its holder, and the function that waits.\n"
			"The tasks that wait for a lock stand below its holder, indented.  Tasks\n"
			"that wait for each other are a DEADLOCK.\n\n"
			"A ? marks a holder that is not certain: the last of several readers, the\n"
			"last task that passed a semaphore, or a task that was started after the\n"
			"wait.  Behind each wait stands the evidence for its lock: the task's\n"
			"entry in the lock's queue (waiter), a member of its task_struct (task),\n"
			"or a word of its stack (stack), which the lock bears out.",
		.options = blocked_options,
		.run = gg_run_blocked,
	},
	{
		.name = "mem",
		.gdb_name = "guest-mem",
		.summary = "Show what the guest's memory is used for, as free in the guest would.",
		.targets = ALL_TARGETS,
		.help = "The values are those of the kernel's /proc/meminfo, in kB, and their "
			"part\n"
			"of the whole; a question mark stands for what this kernel does not count.",
		.options = mem_options,
		.run = gg_run_mem,
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
		.name = "nested",
		.gdb_name = "guest-nested",
		.summary = "List the virtual machines that the guest's Linux kernel runs by KVM.",
		.targets = ALL_TARGETS,
		.help = "Each has the process that runs it, its RAM, and the parts of RAM that "
			"are\n"
			"there, swapped by the kernel, and absent from the core or vmcore; the\n"
			"process has no page for the rest, as before the first touch.  Its vCPUs\n"
			"are on a CPU, halted, not started, or outside: in KVM or in the "
			"process.\n\n"
			"By the kernel's own types, since v5.17.  Reasons of exits are those of "
			"AMD's\n"
			"CPUs; of others they are not known.",
		.options = nested_options,
		.run = gg_run_nested,
	},
	{
		.name = "vmlinux",
		.gdb_name = "guest-vmlinux",
		.summary =
			"Make a vmlinux of what the guest's Linux kernel has of itself in memory.",
		.targets = ALL_TARGETS,
		.help = "The file has the symbols of the kernel and its modules, their types,\n"
			"their functions with prototypes, and the way from each function to its\n"
			"caller.  It has no lines of source and no inlined\n"
			"functions.  An argument has a value only as long as the function has\n"
			"not touched it.\n\n"
			"The addresses are those that the kernel was linked with, for crash and "
			"drgn\n"
			"on a vmcore; -guest-addresses is for a debugger that looks at the guest.",
		.debugger_help =
			"Without -output GDB itself loads the file, at QEMU's gdbstub and on a\n"
			"vmcore: then GDB's own backtrace, break, finish, print and ptype know\n"
			"the kernel and its modules.  The file is in the user's cache and is "
			"there\n"
			"at once the next time.  After a reboot of the guest, or when a module "
			"was\n"
			"loaded, the command replaces it; other symbols that are loaded stay.",
		.options = vmlinux_options,
		.run = gg_run_vmlinux,
	},
	{
		.name = "dump",
		.gdb_name = "dump-guest-memory",
		.summary = "Write the guest's memory to FILE, as a vmcore.",
		.targets = ALL_TARGETS,
		.help = "FILE is a vmcore for crash, drgn, makedumpfile and libkdumpfile: ELF, or\n"
			"with -format a compressed kdump.  FILE has the notes of QEMU's own dump,\n"
			"and where a Linux kernel is found in the guest, its VMCOREINFO and\n"
			"virtual addresses.  FILE appears when it is whole; where some of the\n"
			"guest's memory is missing, there is an error that lists the ranges, and\n"
			"no FILE.",
		.options = dump_options,
		.run = gg_run_dump,
		.arguments = dump_arguments,
	},
	{
		.name = "report",
		.gdb_name = "guest-report",
		.summary = "Write a report about the guest to FILE, for a ticket: a page of HTML.",
		.targets = ALL_TARGETS,
		.help = "The report has the verdict of guest-info; QEMU and its command line; a\n"
			"picture of the memory map; the CPUs with their tasks, registers and\n"
			"stacks; blocked tasks; the stacks of all tasks, equal stacks together;\n"
			"tasks; modules; the use of memory; the log.  A browser shows FILE alone:\n"
			"nothing is fetched.  A part that cannot be read has its error in its\n"
			"place.  FILE appears when it is whole, and only its owner can read it.",
		.debugger_help =
			"On a core of QEMU and a QEMU process the report also has the stacks of\n"
			"QEMU's own threads, as GDB's \"thread apply all backtrace\" shows them.",
		.alone_help =
			"The stacks of QEMU's own threads need GDB: guest-report there has them.",
		.options = report_options,
		.run = gg_run_report,
		.arguments = report_arguments,
	},
	{
		.name = "profile",
		.gdb_name = "guest-profile",
		.summary =
			"Show where the time of the guest's CPUs goes, by samples while it runs.",
		.targets = "It works at QEMU's gdbstub.",
		.help = "The guest runs, is stopped for a moment for each sample, and is stopped\n"
			"at the end.  A row has a task's samples in a function of the kernel, or\n"
			"in the task's program, and their share of the time of all CPUs; the\n"
			"samples of CPUs without work are idle and have no row.  The first lines\n"
			"say how many samples were taken, and how long the guest stood still.",
		.debugger_help =
			"On a terminal the table is shown each second.  Ctrl-C ends the "
			"samples.\n\n"
			"The packets go over GDB's own connection, and GDB's session goes on\n"
			"afterwards.  GDB's breakpoints are not in the guest meanwhile.",
		.alone_help = "A core cannot run: guest-profile is of use in GDB alone.",
		.options = profile_options,
		.run = gg_run_profile,
	},
	{
		.name = "select",
		.gdb_name = "guest-select",
		.summary = "List the guests to look at, or choose the guest of all commands.",
		.debugger_help =
			"The choices are GDB's target, which is the core, process or connection\n"
			"of its current inferior, and the vmcore that -file names.  An asterisk\n"
			"marks the current choice.  -file holds until -target, or until GDB's\n"
			"target changes.",
		.options = select_options,
	},
	{
		.name = "sysrq",
		.gdb_name = "guest-sysrq",
		.summary =
			"Send a magic SysRq key to the guest's Linux kernel, and print the answer.",
		.targets = "It works on QEMU's gdbstub; the guest must have a PS/2 keyboard, as\n"
			   "PCs have by default.",
		.help = "The key is typed at that keyboard with Alt and SysRq; the guest runs\n"
			"until its kernel has been quiet for a second after its answer, and is\n"
			"stopped again.  The kernel obeys keys that kernel.sysrq in the guest\n"
			"allows, and refuses or ignores others.\n\n"
			"Keys that lose work in the guest ask first, unless \"set confirm off\".",
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
