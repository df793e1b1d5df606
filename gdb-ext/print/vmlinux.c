// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/command.h>
#include <gdb-guest/vmlinux.h>
#include <stdlib.h>

static void append_text(struct gg_buffer *out, const struct gg_vmlinux_file *file, bool is_loaded)
{
	gg_buffer_format(out, "%s%s: ", is_loaded ? "loading " : "", file->path);
	gg_append_size(out, file->facts.size);
	if (file->is_new)
		gg_buffer_format(out, ", %zu symbols, %zu functions with their arguments\n",
				 file->facts.symbols, file->facts.functions);
	else
		gg_buffer_format(out, ", made before\n");
}

static void append_count(struct gg_buffer *out, const char *key, bool is_known, size_t count)
{
	if (is_known)
		gg_json_uint(out, key, count);
	else
		gg_json_null(out, key);
}

static void append_json(struct gg_buffer *out, const struct gg_vmlinux_file *file, bool is_loaded)
{
	gg_json_open_object(out, NULL);
	gg_json_string(out, "file", file->path);
	gg_json_uint(out, "size", file->facts.size);
	gg_json_bool(out, "new", file->is_new);
	gg_json_bool(out, "loaded", is_loaded);
	append_count(out, "symbols", file->is_new, file->facts.symbols);
	append_count(out, "functions", file->is_new, file->facts.functions);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

static struct gg_error *print_file(const struct gg_vmlinux_options *options,
				   const struct gg_vmlinux_file *file,
				   const struct gg_writer *writer)
{
	struct gg_buffer out = { 0 };
	(options->json ? append_json : append_text)(&out, file, !options->path);
	struct gg_error *err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	return err;
}

static struct gg_error *load_from_cache(struct gg_guest *guest,
					const struct gg_vmlinux_options *options,
					const struct gg_front_end *front,
					const struct gg_writer *writer,
					const struct gg_notices *notices)
{
	struct gg_vmlinux_file file = { 0 };
	if (!front->load_symbols)
		return gg_error_create(GG_INVALID,
				       "-output FILE is missing; only in GDB can the command do "
				       "without, and load what it makes");
	struct gg_error *err = gg_guest_vmlinux_in_cache(guest, options, notices, &file);
	if (!err)
		err = print_file(options, &file, writer);
	if (!err)
		err = front->load_symbols(front->data, file.path, file.is_new);
	free(file.path);
	return err;
}

static struct gg_error *print_proc_file(const struct gg_vmlinux_options *options, const char *path,
					const char *key, uint64_t size, size_t count,
					const struct gg_writer *writer)
{
	struct gg_buffer out = { 0 };
	if (options->json) {
		gg_json_open_object(&out, NULL);
		gg_json_string(&out, "file", path);
		gg_json_uint(&out, "size", size);
		gg_json_uint(&out, key, count);
		gg_json_close_object(&out);
		gg_json_end_line(&out);
	} else {
		gg_buffer_format(&out, "%s: %zu %s\n", path, count, key);
	}
	struct gg_error *err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	return err;
}

static struct gg_error *write_proc_files(struct gg_guest *guest,
					 const struct gg_vmlinux_options *options,
					 const struct gg_writer *writer,
					 const struct gg_notices *notices)
{
	struct gg_vmlinux_facts facts = { 0 };
	struct gg_error *err = NULL;
	if (options->kallsyms) {
		err = gg_guest_write_kallsyms(guest, options->kallsyms, options->force, notices,
					      &facts);
		if (!err)
			err = print_proc_file(options, options->kallsyms, "symbols", facts.size,
					      facts.symbols, writer);
	}
	if (!err && options->modules) {
		err = gg_guest_write_modules(guest, options->modules, options->force, notices,
					     &facts);
		if (!err)
			err = print_proc_file(options, options->modules, "modules", facts.size,
					      facts.modules, writer);
	}
	return err;
}

struct gg_error *gg_print_vmlinux(struct gg_guest *guest, const struct gg_vmlinux_options *options,
				  const struct gg_front_end *front, const struct gg_writer *writer,
				  const struct gg_notices *notices)
{
	struct gg_vmlinux_file file = { .path = (char *)options->path, .is_new = true };
	struct gg_error *err = NULL;
	if (!options->path && !options->kallsyms && !options->modules)
		return load_from_cache(guest, options, front, writer, notices);
	if (options->path)
		err = gg_guest_vmlinux(guest, options, notices, &file.facts);
	if (!err && options->path)
		err = print_file(options, &file, writer);
	return err ? err : write_proc_files(guest, options, writer, notices);
}

// ---- The row of the table of commands ----

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

const struct gg_command gg_command_vmlinux = {
	.name = "vmlinux",
	.gdb_name = "guest-vmlinux",
	.summary = "Make a vmlinux of what the guest's Linux kernel has of itself in memory.",
	.targets = GG_ALL_TARGETS,
	.help = "The file has the symbols of the kernel and its modules, their types,\n"
		"their functions with prototypes, and the way from each function to its\n"
		"caller.  It has no lines of source and no inlined\n"
		"functions.  An argument has a value only as long as the function has\n"
		"not touched it.\n\n"
		"The addresses are those that the kernel was linked with, for crash and drgn\n"
		"on a vmcore; -guest-addresses is for a debugger that looks at the guest.",
	.debugger_help =
		"Without -output GDB itself loads the file, at QEMU's gdbstub and on a\n"
		"vmcore: then GDB's own backtrace, break, finish, print and ptype know\n"
		"the kernel and its modules.  The file is in the user's cache and is there\n"
		"at once the next time.  After a reboot of the guest, or when a module was\n"
		"loaded, the command replaces it; other symbols that are loaded stay.",
	.options = vmlinux_options,
	.run = gg_run_vmlinux,
};
