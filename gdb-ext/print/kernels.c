// SPDX-License-Identifier: GPL-3.0-or-later
//
// The list of guest-kernel as text, or as JSON, an object on a line for each kernel:
//
//     {"number":2,"release":"6.1.0-56-cloud-amd64","architecture":"x86_64","chosen":false,
//      "cpus":[0],"crash_time":1795709142,"vmcoreinfo":"0x00000000019a0000",
//      "vmcoreinfo_by":"kdump","panic":"Kernel panic - not syncing: ...",
//      "last_record_ns":10885201000,"last_text":" </TASK>"}
//
// A key is always there, with null for what is not known. "crash_time" is in seconds since 1970,
// null for a kernel that has not crashed.
#include "kernels.h"
#include "words.h"
#include "base/json.h"
#include "rows.h"
#include "run.h"

#include <inttypes.h>

struct printer {
	const struct gg_kernels_options *options;
	struct gg_buffer out;
	unsigned int number; // of the last kernel
};

// ---- Text ----

static void append_crash(struct gg_buffer *out, uint64_t seconds)
{
	gg_buffer_format(out, ", crashed");
	if (!seconds) // VMCOREINFO does not say
		return;
	gg_buffer_format(out, " at ");
	gg_append_utc(out, seconds);
}

static void append_cpus(struct gg_buffer *out, const struct gg_kernel_info *kernel)
{
	if (!kernel->cpu_count) {
		gg_buffer_format(out, "%s",
				 kernel->finder == GG_FOUND_BY_FILE
					 ? "the CPUs that run it are not known"
					 : "no CPU runs it");
		return;
	}
	gg_buffer_format(out, "%s CPU%s ", kernel->has_crashed ? "has parked" : "running on",
			 gg_plural(kernel->cpu_count));
	gg_append_numbers(out, kernel->cpus, kernel->cpu_count);
}

void gg_append_kernel_text(struct gg_buffer *out, unsigned int number,
			   const struct gg_kernel_info *kernel)
{
	gg_buffer_format(out, "%c%u  Linux %s, %s, ", kernel->is_chosen ? '*' : ' ', number,
			 kernel->release, kernel->architecture);
	append_cpus(out, kernel);
	if (kernel->has_crashed)
		append_crash(out, kernel->crash_time);
	gg_buffer_format(out, "\n    VMCOREINFO ");
	if (kernel->finder != GG_FOUND_BY_FILE)
		gg_buffer_format(out, "at guest-physical 0x%" PRIx64 ", ", kernel->choice.note);
	gg_buffer_format(out, "%s\n", gg_finder_text(kernel->finder));
	if (kernel->panic)
		gg_buffer_format(out, "    panic: %s\n", kernel->panic);
	if (!kernel->last)
		return;
	gg_buffer_format(out, "    last log line: ");
	if (kernel->has_time) {
		enum { SECONDS_WIDTH = 5 }; // as the kernel prints it
		gg_buffer_format(out, "[");
		gg_append_kernel_time(out, kernel->time, SECONDS_WIDTH);
		gg_buffer_format(out, "] ");
	}
	gg_buffer_format(out, "%s\n", kernel->last);
}

// ---- JSON ----

static void append_uint_or_null(struct gg_buffer *out, const char *key, bool is_known,
				uint64_t value)
{
	if (is_known)
		gg_json_uint(out, key, value);
	else
		gg_json_null(out, key);
}

void gg_append_kernel_json(struct gg_buffer *out, unsigned int number,
			   const struct gg_kernel_info *kernel)
{
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "number", number);
	gg_json_string(out, "release", kernel->release);
	gg_json_string(out, "architecture", kernel->architecture);
	gg_json_bool(out, "chosen", kernel->is_chosen);
	gg_json_open_array(out, "cpus");
	for (size_t i = 0; i < kernel->cpu_count; i++)
		gg_json_uint(out, NULL, kernel->cpus[i]);
	gg_json_close_array(out);
	append_uint_or_null(out, "crash_time", kernel->has_crashed, kernel->crash_time);
	if (kernel->finder == GG_FOUND_BY_FILE)
		gg_json_null(out, "vmcoreinfo");
	else
		gg_json_address(out, "vmcoreinfo", kernel->choice.note);
	gg_json_string(out, "vmcoreinfo_by", gg_kernel_finder_name(kernel->finder));
	gg_json_string(out, "panic", kernel->panic);
	append_uint_or_null(out, "last_record_ns", kernel->has_time, kernel->time);
	gg_json_string(out, "last_text", kernel->last);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

// ---- All ----

static struct gg_error *append_kernel(void *data, const struct gg_kernel_info *kernel)
{
	struct printer *printer = data;
	const struct gg_kernels_options *options = printer->options;
	printer->number++;
	if (options->json)
		gg_append_kernel_json(&printer->out, printer->number, kernel);
	else
		gg_append_kernel_text(&printer->out, printer->number, kernel);
	return options->visit ? options->visit(options->data, kernel) : NULL;
}

struct gg_error *gg_print_kernels(struct gg_guest *guest, const struct gg_kernels_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct printer printer = { .options = options };
	(void)notices; // the list says all that there is to tell
	struct gg_error *err = gg_guest_kernels(guest, options->scan, append_kernel, &printer);
	if (!err)
		err = gg_write_out(&printer.out, writer);
	gg_buffer_deinit(&printer.out);
	return err;
}

// ---- The row of the table of commands ----

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

const struct gg_command gg_command_kernel = {
	.name = "kernel",
	.gdb_name = "guest-kernel",
	.summary = "List the Linux kernels in the guest's RAM, or choose the kernel to show.",
	.help = "RAM has several kernels after a crash, when a kernel for crashes (kdump)\n"
		"has been booted, and after a reset.  Each kernel has a number, its\n"
		"release, the CPUs that run it, the place of its VMCOREINFO, and the end\n"
		"of its log; an asterisk marks the kernel that the commands show.",
	.debugger_help = "With N, kernel N is shown by guest-klog, guest-x, guest-vtop and\n"
			 "guest-info, by the symbols of guest-regs and in the VMCOREINFO of\n"
			 "dump-guest-memory, of this core, process or connection alone, as long\n"
			 "as RAM has the kernel.\n\n"
			 "At a gdbstub the list has the running kernel, and the crashed kernel if\n"
			 "kdump booted the running kernel; -scan finds all kernels.",
	.options = kernel_options,
	.run = gg_run_kernel,
	.arguments = kernel_arguments,
};
