// SPDX-License-Identifier: GPL-3.0-or-later
#include "run.h"

#include <gdb-guest/cpus.h>
#include <gdb-guest/dump.h>
#include <gdb-guest/blocked.h>
#include <gdb-guest/examine.h>
#include <gdb-guest/info.h>
#include <gdb-guest/kernels.h>
#include <gdb-guest/profile.h>
#include <gdb-guest/pages.h>
#include <gdb-guest/report.h>
#include <gdb-guest/stacks.h>
#include <gdb-guest/struct.h>
#include <gdb-guest/trace.h>
#include <gdb-guest/meminfo.h>
#include <gdb-guest/modules.h>
#include <gdb-guest/nested.h>
#include <gdb-guest/tasks.h>
#include <gdb-guest/virtual.h>
#include <gdb-guest/vmlinux.h>
#include <stdlib.h>
#include <string.h>

struct gg_error *gg_run_info(struct gg_guest *guest, const struct gg_options *options,
			     const struct gg_front_end *front, const struct gg_writer *writer,
			     const struct gg_notices *notices)
{
	const struct gg_info_options info = {
		.json = gg_options_has(options, "json"),
		.all = gg_options_has(options, "all"),
		.layout = gg_options_has(options, "layout"),
		.target_kind = front->target_kind,
		.target = front->target,
		.state_before = front->state_before,
		.state_text = front->state_text,
	};
	return gg_print_info(guest, &info, writer, notices);
}

struct gg_error *gg_run_report(struct gg_guest *guest, const struct gg_options *options,
			       const struct gg_front_end *front, const struct gg_writer *writer,
			       const struct gg_notices *notices)
{
	const struct gg_report_options report = {
		.path = gg_options_text(options, "file"),
		.force = gg_options_has(options, "force"),
		.text = gg_options_has(options, "text"),
		.no_log = gg_options_has(options, "no-log"),
		.redact = gg_options_has(options, "redact"),
		.json = gg_options_has(options, "json"),
		.info = { .target_kind = front->target_kind,
			  .target = front->target,
			  .state_before = front->state_before,
			  .state_text = front->state_text },
		.threads = front->threads,
		.progress = front->progress,
		.data = front->data,
	};
	return gg_print_report(guest, &report, writer, notices);
}

struct gg_error *gg_run_regs(struct gg_guest *guest, const struct gg_options *options,
			     const struct gg_front_end *front, const struct gg_writer *writer,
			     const struct gg_notices *notices)
{
	const struct gg_registers_options registers = {
		.cpus = gg_options_text(options, "cpu"),
		.all = gg_options_has(options, "all"),
		.task = gg_options_has(options, "task"),
		.json = gg_options_has(options, "json"),
		.set_variable = front->set_variable,
		.data = front->data,
	};
	return gg_print_registers(guest, &registers, writer, notices);
}

static struct gg_address_text address_of(const struct gg_options *options,
					 const struct gg_front_end *front)
{
	const bool has_cpu = gg_options_has(options, "cpu");
	return (struct gg_address_text){
		.text = gg_options_text(options, "address"),
		.cpu = has_cpu ? (int64_t)gg_options_number(options, "cpu", 0) : GG_KERNEL_TABLES,
		.front = front,
	};
}

struct gg_error *gg_run_x(struct gg_guest *guest, const struct gg_options *options,
			  const struct gg_front_end *front, const struct gg_writer *writer,
			  const struct gg_notices *notices)
{
	const struct gg_examine_options examine = {
		.address = address_of(options, front),
		.format = gg_options_text(options, "format"),
		.is_physical = gg_options_has(options, "physical"),
		.intel = front->intel,
		.json = gg_options_has(options, "json"),
	};
	return gg_print_examine(guest, &examine, writer, notices);
}

struct gg_error *gg_run_vtop(struct gg_guest *guest, const struct gg_options *options,
			     const struct gg_front_end *front, const struct gg_writer *writer,
			     const struct gg_notices *notices)
{
	const struct gg_translation_options translation = {
		.address = address_of(options, front),
		.json = gg_options_has(options, "json"),
	};
	return gg_print_translation(guest, &translation, writer, notices);
}

struct gg_error *gg_run_kernel(struct gg_guest *guest, const struct gg_options *options,
			       const struct gg_front_end *front, const struct gg_writer *writer,
			       const struct gg_notices *notices)
{
	const struct gg_kernels_options kernels = { .scan = gg_options_has(options, "scan"),
						    .json = gg_options_has(options, "json"),
						    .visit = front->listed,
						    .data = front->data };
	return gg_print_kernels(guest, &kernels, writer, notices);
}

struct gg_error *gg_run_ps(struct gg_guest *guest, const struct gg_options *options,
			   const struct gg_front_end *front, const struct gg_writer *writer,
			   const struct gg_notices *notices)
{
	(void)front;
	const struct gg_tasks_options tasks = {
		.states = gg_options_text(options, "state"),
		.pids = gg_options_text(options, "pid"),
		.kernel_only = gg_options_has(options, "kernel"),
		.user_only = gg_options_has(options, "user"),
		.threads = gg_options_has(options, "threads"),
		.tree = gg_options_has(options, "tree"),
		.memory = gg_options_has(options, "memory"),
		.args = gg_options_has(options, "args"),
		.paths = gg_options_has(options, "paths"),
		.json = gg_options_has(options, "json"),
	};
	return gg_print_tasks(guest, &tasks, writer, notices);
}

struct gg_error *gg_run_bt(struct gg_guest *guest, const struct gg_options *options,
			   const struct gg_front_end *front, const struct gg_writer *writer,
			   const struct gg_notices *notices)
{
	(void)front;
	const struct gg_stacks_options stacks = {
		.cpus = gg_options_text(options, "cpu"),
		.pids = gg_options_text(options, "pid"),
		.states = gg_options_text(options, "state"),
		.all = gg_options_has(options, "all"),
		.group = gg_options_has(options, "group"),
		.raw = gg_options_has(options, "raw"),
		.json = gg_options_has(options, "json"),
	};
	return gg_print_stacks(guest, &stacks, writer, notices);
}

struct gg_error *gg_run_blocked(struct gg_guest *guest, const struct gg_options *options,
				const struct gg_front_end *front, const struct gg_writer *writer,
				const struct gg_notices *notices)
{
	(void)front;
	const struct gg_blocked_options blocked = {
		.all = gg_options_has(options, "all"),
		.json = gg_options_has(options, "json"),
	};
	return gg_print_blocked(guest, &blocked, writer, notices);
}

struct gg_error *gg_run_nested(struct gg_guest *guest, const struct gg_options *options,
			       const struct gg_front_end *front, const struct gg_writer *writer,
			       const struct gg_notices *notices)
{
	(void)front;
	const struct gg_nested_options nested = {
		.vcpus = gg_options_has(options, "vcpus"),
		.memory = gg_options_has(options, "memory"),
		.scan = gg_options_has(options, "scan"),
		.json = gg_options_has(options, "json"),
	};
	return gg_print_nested(guest, &nested, writer, notices);
}

struct gg_error *gg_run_mem(struct gg_guest *guest, const struct gg_options *options,
			    const struct gg_front_end *front, const struct gg_writer *writer,
			    const struct gg_notices *notices)
{
	enum { TOP = 10 };
	(void)front;
	const struct gg_meminfo_options memory = {
		.zones = gg_options_has(options, "zones"),
		.slabs = gg_options_has(options, "slabs"),
		.tasks = gg_options_has(options, "tasks"),
		.pages = gg_options_has(options, "pages"),
		.zeros = gg_options_has(options, "zeros"),
		.top = gg_options_number(options, "top", TOP),
		.json = gg_options_has(options, "json"),
	};
	if (memory.zones + memory.slabs + memory.tasks + memory.pages > 1)
		return gg_error_create(GG_INVALID,
				       "-zones, -slabs, -tasks and -pages exclude each other");
	if (gg_options_has(options, "top") && !memory.slabs && !memory.tasks)
		return gg_error_create(GG_INVALID, "-top goes with -slabs or -tasks");
	return gg_print_meminfo(guest, &memory, writer, notices);
}

struct gg_error *gg_run_mod(struct gg_guest *guest, const struct gg_options *options,
			    const struct gg_front_end *front, const struct gg_writer *writer,
			    const struct gg_notices *notices)
{
	(void)front;
	const struct gg_modules_options modules = {
		.name = gg_options_text(options, "module"),
		.symbols = gg_options_text(options, "symbols"),
		.verbose = gg_options_has(options, "v"),
		.json = gg_options_has(options, "json"),
	};
	if (modules.name && modules.symbols)
		return gg_error_create(GG_INVALID, "-symbols names the module: leave out \"%s\"",
				       modules.name);
	return gg_print_modules(guest, &modules, writer, notices);
}

struct gg_error *gg_run_struct(struct gg_guest *guest, const struct gg_options *options,
			       const struct gg_front_end *front, const struct gg_writer *writer,
			       const struct gg_notices *notices)
{
	enum { MOST_VALUES = 10000 };
	const struct gg_struct_options typed = {
		.type = gg_options_text(options, "type"),
		.address = address_of(options, front),
		.pid = gg_options_text(options, "pid"),
		.list = gg_options_text(options, "list"),
		.is_head = gg_options_has(options, "head"),
		.limit = gg_options_number(options, "limit", MOST_VALUES),
		.json = gg_options_has(options, "json"),
	};
	return gg_print_struct(guest, &typed, writer, notices);
}

static struct gg_error *show_dump(void *data, const struct gg_dump_progress *progress)
{
	const struct gg_front_end *front = data;
	char *text = gg_progress_text(progress->done, progress->total, progress->written,
				      progress->seconds);
	if (!text)
		return gg_enomem;
	struct gg_error *err = front->progress(front->data, text, progress->seconds);
	free(text);
	return err;
}

struct gg_error *gg_run_dump(struct gg_guest *guest, const struct gg_options *options,
			     const struct gg_front_end *front, const struct gg_writer *writer,
			     const struct gg_notices *notices)
{
	const struct gg_value *absent = gg_options_value(options, "absent");
	const struct gg_value *exclude = gg_options_value(options, "exclude");
	const struct gg_dump_options dump = {
		.path = gg_options_text(options, "file"),
		.force = gg_options_has(options, "force"),
		.no_notes = gg_options_has(options, "no-notes"),
		.skip_absent = absent && !strcmp(absent->text, "skip"),
		.filter = gg_options_has(options, "begin"),
		.begin = gg_options_number(options, "begin", 0),
		.length = gg_options_number(options, "length", 0),
		.format = gg_options_text(options, "format"),
		.flattened = gg_options_has(options, "flattened"),
		.small = gg_options_has(options, "small"),
		.level = (unsigned int)(gg_options_number(options, "level", 0) |
					(exclude ? exclude->bits : 0)),
		.threads = (unsigned int)gg_options_number(options, "threads", 0),
		.progress = front->progress ? show_dump : NULL,
		.data = (void *)front,
		.suggest_monitor = front->is_debugger && !gg_options_has(options, "via"),
	};
	if (dump.level & GG_LEVEL_MEMMAP && !(dump.level & (GG_LEVEL_ALL & ~GG_LEVEL_ZERO)))
		return gg_error_create(GG_INVALID,
				       "-exclude memmap leaves out the struct pages of pages that "
				       "are left out: name such pages too, as by -level 31");
	return gg_print_dump(guest, &dump, writer, notices);
}

struct gg_error *gg_run_vmlinux(struct gg_guest *guest, const struct gg_options *options,
				const struct gg_front_end *front, const struct gg_writer *writer,
				const struct gg_notices *notices)
{
	const struct gg_vmlinux_options vmlinux = {
		.path = gg_options_text(options, "output"),
		.force = gg_options_has(options, "force"),
		.kallsyms = gg_options_text(options, "kallsyms"),
		.modules = gg_options_text(options, "modules"),
		.guest_addresses = gg_options_has(options, "guest-addresses"),
		.no_modules = gg_options_has(options, "no-modules"),
		.json = gg_options_has(options, "json"),
	};
	return gg_print_vmlinux(guest, &vmlinux, front, writer, notices);
}

struct gg_error *gg_run_profile(struct gg_guest *guest, const struct gg_options *options,
				const struct gg_front_end *front, const struct gg_writer *writer,
				const struct gg_notices *notices)
{
	enum { HZ = 99, SECONDS = 10, TOP = 20 };
	const struct gg_profile_options profile = {
		.address = front->stub_thread ? front->target : NULL,
		.thread = front->stub_thread,
		.pid = front->run ? (pid_t)strtol(front->target, NULL, 10) : 0,
		.run = front->run,
		.run_data = front->data,
		.cpus = gg_options_text(options, "cpu"),
		.hz = (unsigned int)gg_options_number(options, "hz", HZ),
		.seconds = (unsigned int)gg_options_number(options, "seconds", SECONDS),
		.stacks = gg_options_has(options, "stacks"),
		.stop = gg_options_has(options, "stop"),
		.top = (unsigned int)gg_options_number(options, "top", TOP),
		.folded = gg_options_text(options, "folded"),
		.flame = gg_options_text(options, "flame"),
		.perf = gg_options_text(options, "perf"),
		.force = gg_options_has(options, "force"),
		.json = gg_options_has(options, "json"),
		.live = front->colour,
	};
	return gg_print_profile(guest, &profile, writer, notices);
}

struct gg_error *gg_run_trace(struct gg_guest *guest, const struct gg_options *options,
			      const struct gg_front_end *front, const struct gg_writer *writer,
			      const struct gg_notices *notices)
{
	enum { SECONDS = 10, LIMIT = 200 };
	const char *before = front->state_before;
	const struct gg_trace_options trace = {
		.address = front->stub_thread ? front->target : NULL,
		.thread = front->stub_thread,
		.let_run = !before || strcmp(before, "paused") != 0,
		.functions = gg_options_text(options, "functions"),
		.condition = gg_options_text(options, "if"),
		.count = gg_options_number(options, "count", 0),
		.seconds = (unsigned int)gg_options_number(options, "seconds", SECONDS),
		.limit = (unsigned int)gg_options_number(options, "limit", LIMIT),
		.arguments = gg_options_has(options, "args"),
		.results = gg_options_has(options, "return"),
		.stacks = gg_options_has(options, "stack"),
		.summary = gg_options_has(options, "summary"),
		.json = gg_options_has(options, "json"),
	};
	return gg_print_trace(guest, &trace, writer, notices);
}
