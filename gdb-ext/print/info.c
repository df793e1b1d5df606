// SPDX-License-Identifier: GPL-3.0-or-later
//
// The overview of guest-info.
//
// In:  the facts about a guest.
// Out: a screenful of lines, each with a name at its start. Texts of the guest and of QEMU are
//      escaped where they are read.
#include "info.h"
#include "lines.h"
#include "verdict.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// A guest with a virtio-mem may have thousands of ranges.
enum { RANGES_SHOWN = 12 };

// ---- QEMU ----

// A debugger takes a vmcore for a core.
static void append_target(struct gg_buffer *out, const struct gg_info *info,
			  const struct gg_info_options *options)
{
	const char *const origin = info->source.origin;
	const struct gg_nested_name *nested = &info->source.nested;
	gg_append_line(out, "gdb-guest", "%s", PACKAGE_VERSION);
	// Guile's data of a command has no target's name.
	if (options->target)
		gg_append_line(out, origin ? "vmcore" : options->target_kind, "%s",
			       options->target);
	if (origin)
		gg_append_line(out, "", "%s", origin);
	if (nested->number)
		gg_append_line(out, "nested", "guest %s, which %s of the outer guest runs",
			       nested->number, nested->process);
	if (options->state_text)
		gg_append_line(out, "", "%s", options->state_text);
}

static const char *layout_text(const char *layout)
{
	if (!strcmp(layout, "types"))
		return "from QEMU's debuginfo";
	if (!strcmp(layout, "monitor"))
		return "as QEMU's monitor prints it";
	return "found by structure: QEMU has no debuginfo here";
}

static const char *text_or(const struct gg_fact *fact, const char *other)
{
	return fact->text ? fact->text : other;
}

static void append_qemu(struct gg_buffer *out, const struct gg_source_facts *facts)
{
	const char *accelerator = text_or(&facts->accelerator, "unknown");
	if (!facts->layout)
		return;
	gg_append_line(out, "QEMU", "%s, machine %s, %s, %s",
		       text_or(&facts->version, "version unknown"),
		       text_or(&facts->machine, "unknown"),
		       text_or(&facts->run_state, "run state unknown"),
		       strcmp(accelerator, "unknown") ? accelerator : "accelerator unknown");
	gg_append_line(out, "layout", "%s", layout_text(facts->layout));
}

void gg_append_info_source(struct gg_buffer *out, const struct gg_info *info,
			   const struct gg_info_options *options)
{
	append_target(out, info, options);
	append_qemu(out, &info->source);
}

// ---- CPUs ----

struct cpu_part {
	const char *word;
	enum gg_freshness freshness;
	enum gg_nesting nesting;
};

static bool is_in_part(const struct cpu_part *part, const struct gg_info_cpu *cpu)
{
	return part->nesting == GG_NOT_NESTED ? cpu->freshness == part->freshness
					      : cpu->nesting == part->nesting;
}

static void append_cpus(struct gg_buffer *out, const struct gg_info *info)
{
	static const struct cpu_part parts[] = {
		{ .word = "current", .freshness = GG_CURRENT },
		{ .word = "stale", .freshness = GG_STALE },
		{ .word = "unknown", .freshness = GG_UNKNOWN },
		{ .word = "as the vmcore's notes have them", .freshness = GG_NOTED },
		{ .word = "in a nested guest", .nesting = GG_NESTED },
		{ .word = "perhaps in a nested guest", .nesting = GG_MAYBE_NESTED },
	};
	struct gg_buffer line = { 0 };
	const char *separator = ": ";
	uint32_t *numbers = calloc(info->cpu_count + 1, sizeof(*numbers));
	if (info->cpu_error) {
		gg_append_line(out, "CPUs", "unknown");
		free(numbers);
		return;
	}
	out->failed |= !numbers;
	gg_buffer_format(&line, "%zu", info->cpu_count);
	for (size_t i = 0; numbers && i < sizeof(parts) / sizeof(*parts); i++) {
		size_t count = 0;
		for (size_t cpu = 0; cpu < info->cpu_count; cpu++)
			if (is_in_part(&parts[i], &info->cpus[cpu]))
				numbers[count++] = info->cpus[cpu].index;
		if (!count)
			continue;
		gg_buffer_format(&line, "%s%s ", separator, parts[i].word);
		gg_append_numbers(&line, numbers, count);
		separator = "; ";
	}
	free(numbers);
	gg_append_collected(out, "CPUs", &line);
}

// ---- RAM ----

// Appends the first of RANGES a line each, NAME in front of the first, SUFFIX behind each.
static void append_ranges(struct gg_buffer *out, const char *name,
			  const struct gg_info_ranges *ranges, const char *suffix)
{
	size_t shown = 0;
	for (; shown < ranges->listed && shown < RANGES_SHOWN; shown++) {
		struct gg_buffer line = { 0 };
		gg_append_range(&line, &ranges->ranges[shown]);
		gg_buffer_format(&line, "%s", suffix);
		gg_append_collected(out, shown ? "" : name, &line);
	}
	if (ranges->count > shown)
		gg_append_line(out, "", "... and %" PRIu64 " more", ranges->count - shown);
}

static void append_ram(struct gg_buffer *out, const struct gg_info *info)
{
	struct gg_buffer line = { 0 };
	gg_append_size(&line, info->ram.size);
	gg_buffer_format(&line, " in %" PRIu64 " range%s, read from %s", info->ram.count,
			 gg_plural(info->ram.count), info->backing);
	gg_append_collected(out, "RAM", &line);
	append_ranges(out, "", &info->ram, "");
	if (info->hidden.count) {
		gg_append_size(&line, info->hidden.size);
		gg_buffer_format(&line, ": a device, a ROM or SMRAM is mapped over it");
		gg_append_collected(out, "hidden", &line);
		append_ranges(out, "", &info->hidden, "");
	}
	if (info->absent.count) {
		gg_append_size(&line, info->absent.size);
		gg_buffer_format(&line, " in %" PRIu64 " range%s", info->absent.count,
				 gg_plural(info->absent.count));
		gg_append_collected(out, "missing", &line);
		append_ranges(out, "", &info->absent, ", missing");
	}
}

// ---- The kernel ----

static void append_release(struct gg_buffer *out, const struct gg_info_kernel *kernel)
{
	const char *const name = kernel->nodename;
	const char *const release = kernel->release ? kernel->release : "?";
	if (!name)
		gg_append_line(out, "kernel", "Linux %s, host name unknown", release);
	else if (!strcmp(name, "(none)")) // the kernel's default (CONFIG_DEFAULT_HOSTNAME)
		gg_append_line(out, "kernel", "Linux %s, host name not set", release);
	else
		gg_append_line(out, "kernel", "Linux %s, host name %s", release, name);
	if (kernel->version)
		gg_append_line(out, "", "%s", kernel->version);
}

static void append_vmcoreinfo(struct gg_buffer *out, const struct gg_info_kernel *kernel)
{
	const char *const offset = kernel->kaslr_offset;
	if (kernel->finder == GG_FOUND_BY_FILE) {
		gg_append_line(out, "", "VMCOREINFO %s%s%s", gg_finder_text(kernel->finder),
			       offset ? ", KASLR offset 0x" : "", offset ? offset : "");
		return;
	}
	gg_append_line(out, "", "VMCOREINFO at guest-physical 0x%" PRIx64 ", %s%s%s",
		       kernel->vmcoreinfo,
		       kernel->finder == GG_FOUND_BY_CHOICE ? "as chosen by guest-kernel"
							    : gg_finder_text(kernel->finder),
		       offset ? ", KASLR offset 0x" : "", offset ? offset : "");
}

static void append_tables(struct gg_buffer *out, const struct gg_info_kernel *kernel)
{
	struct gg_buffer line = { 0 };
	if (kernel->levels)
		gg_buffer_format(&line, "%u-level page tables", kernel->levels);
	else
		gg_buffer_format(&line, "the linear map alone (hash MMU)");
	gg_buffer_format(&line, ", image at 0x%" PRIx64 " (guest-physical 0x%" PRIx64,
			 kernel->image, kernel->image_gpa);
	if (kernel->image_size) {
		gg_buffer_format(&line, ", ");
		gg_append_size(&line, kernel->image_size);
	}
	gg_buffer_format(&line, ")");
	gg_append_collected(out, "", &line);
	if (kernel->has_direct_map)
		gg_append_line(out, "", "direct map at 0x%" PRIx64, kernel->direct_map);
}

// The kernel's clock starts later than QEMU's, after the firmware: the time between the record and
// the stop is a little less than their difference.
static void append_last_record(struct gg_buffer *out, const struct gg_source_facts *facts,
			       const struct gg_info_kernel *kernel)
{
	enum { TENTH = 100000000, TENTHS = 10 };
	struct gg_buffer line = { 0 };
	gg_buffer_format(&line, "last log line at ");
	gg_append_kernel_time(&line, kernel->last_record, 0);
	gg_buffer_format(&line, " s");
	if (facts->has_virtual_clock && facts->virtual_clock >= kernel->last_record) {
		const uint64_t age = facts->virtual_clock - kernel->last_record;
		const uint64_t tenths = age / TENTH + (age % TENTH >= TENTH / 2);
		gg_buffer_format(&line,
				 ", at most %" PRIu64 ".%" PRIu64 " s before the machine stopped",
				 tenths / TENTHS, tenths % TENTHS);
	}
	gg_append_collected(out, "", &line);
}

void gg_append_info_kernel(struct gg_buffer *out, const struct gg_info *info)
{
	const struct gg_info_kernel *kernel = &info->kernel;
	if (info->kernel_error) {
		gg_append_line(out, "kernel", "none found");
		return;
	}
	append_release(out, kernel);
	append_vmcoreinfo(out, kernel);
	append_tables(out, kernel);
	if (kernel->has_last_record)
		append_last_record(out, &info->source, kernel);
}

// ---- Notices ----

struct gg_error *gg_info_tell(const struct gg_info *info, const struct gg_notices *notices)
{
	const struct gg_source_facts *const facts = &info->source;
	const struct gg_error *const problems[] = { info->absent_error,     facts->version.err,
						    facts->machine.err,     facts->run_state.err,
						    facts->accelerator.err, info->cpu_error,
						    info->kernel_error };
	enum { PROBLEMS = sizeof(problems) / sizeof(*problems) };
	const char *told[PROBLEMS];
	size_t count = 0;
	struct gg_error *err = NULL;
	if (info->absent.count && info->absent_advice)
		err = gg_tell(notices, "missing: %s", info->absent_advice);
	for (size_t i = 0; !err && i < PROBLEMS + info->notice_count; i++) {
		const char *text = i >= PROBLEMS ? info->notices[i - PROBLEMS]
				   : problems[i] ? gg_error_message(problems[i])
						 : NULL;
		// Several facts may have the same reason.
		for (size_t j = 0; text && j < count; j++)
			if (!strcmp(text, told[j]))
				text = NULL;
		if (text && i < PROBLEMS)
			told[count++] = text;
		if (text)
			err = gg_tell(notices, "%s", text);
	}
	return err;
}

// ---- All ----

struct gg_error *gg_print_info_text(const struct gg_info *info,
				    const struct gg_info_options *options,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices)
{
	struct gg_buffer out = { 0 };
	gg_append_info_source(&out, info, options);
	append_cpus(&out, info);
	append_ram(&out, info);
	gg_append_info_kernel(&out, info);
	if (!info->kernel_error)
		gg_append_verdict(&out, &info->verdict, &info->source);
	struct gg_error *err = gg_write_lines(&out, writer);
	gg_buffer_deinit(&out);
	return err ? err : gg_info_tell(info, notices);
}

struct gg_error *gg_print_info(struct gg_guest *guest, const struct gg_info_options *options,
			       const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_info *info = NULL;
	if (options->layout)
		return gg_print_layout(guest, options, writer);
	struct gg_error *err = gg_guest_info(guest, options->all, &info);
	if (!err)
		err = options->json ? gg_print_info_json(info, options, writer)
				    : gg_print_info_text(info, options, writer, notices);
	gg_info_destroy(info);
	return err;
}

// ---- The row of the table of commands ----

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

const struct gg_command gg_command_info = {
	.name = "info",
	.gdb_name = "guest-info",
	.summary = "Show the guest at a glance: QEMU, CPUs, RAM, kernel, and what went wrong.",
	.targets = GG_ALL_TARGETS,
	.help = "The source of guest memory and its missing ranges are shown, the state\n"
		"of the CPUs' registers, and the way the guest's kernel was found.  Of a\n"
		"Linux kernel come a panic, oopses, lockups, RCU stalls, hung tasks, OOM\n"
		"kills and warnings, by its own variables and its log; CPUs that get no\n"
		"timer interrupts; uptime, clock, load, tasks by state, taint.",
	.options = info_options,
	.run = gg_run_info,
};
