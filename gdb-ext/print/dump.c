// SPDX-License-Identifier: GPL-3.0-or-later
//
// The output of dump-guest-memory: a line for each range when it is begun, and at the end the size, the
// time and the rate. The line of progress is the front end's, which has the terminal.
#include "words.h"
#include "base/notices.h"
#include "guest/guest.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/dump.h>

// ---- Progress ----

// The seconds that the rest takes at the rate so far; UINT64_MAX while that is not known.
static uint64_t seconds_left(uint64_t done, uint64_t total, double seconds)
{
	const uint64_t rest = total > done ? total - done : 0;
	const double left =
		done && seconds > 0 ? (double)rest * seconds / (double)done : (double)UINT64_MAX;
	if (left >= (double)UINT64_MAX)
		return UINT64_MAX;
	return (uint64_t)left + ((double)(uint64_t)left < left);
}

static uint64_t rate(uint64_t done, double seconds)
{
	const double value = seconds > 0 ? (double)done / seconds : 0;
	return value < (double)UINT64_MAX ? (uint64_t)(value + 0.5) : UINT64_MAX;
}

static double percent(uint64_t part, uint64_t whole)
{
	const double hundred = 100;
	return whole ? hundred * (double)part / (double)whole : 0;
}

char *gg_progress_text(uint64_t done, uint64_t total, uint64_t written, double seconds)
{
	struct gg_buffer text = { 0 };
	const uint64_t left = seconds_left(done, total, seconds);
	gg_append_size(&text, done);
	gg_buffer_format(&text, " of ");
	gg_append_size(&text, total);
	gg_buffer_format(&text, ", ");
	if (written && done) {
		gg_append_size(&text, written);
		gg_buffer_format(&text, " written (%.0f %%), ", percent(written, done));
	}
	gg_append_size(&text, rate(done, seconds));
	gg_buffer_format(&text, "/s, ");
	if (left == UINT64_MAX) {
		gg_buffer_format(&text, "...");
	} else {
		gg_append_duration(&text, left);
		gg_buffer_format(&text, " left");
	}
	gg_buffer_append(&text, "", 1);
	if (text.failed)
		gg_buffer_deinit(&text);
	return (char *)text.bytes;
}

// ---- The dump ----

struct printer {
	const struct gg_dump_options *options; // the caller's
	const struct gg_writer *writer;
	const struct gg_notices *notices;
	struct gg_buffer text;
	gg_gpa_t start;       // of the last range
	bool has_range;       // a range was begun
	bool suggest_monitor; // that was not done yet
};

// Says that QEMU could write at the disk's speed, where the line to a gdbstub is so slow that a
// user would like to know.
static struct gg_error *suggest_monitor(struct printer *printer,
					const struct gg_dump_progress *progress)
{
	enum { SECONDS_BEFORE = 2, SECONDS_LONG = 30 };
	const uint64_t left = seconds_left(progress->done, progress->total, progress->seconds);
	if (!printer->suggest_monitor || progress->seconds <= SECONDS_BEFORE ||
	    left == UINT64_MAX || left <= SECONDS_LONG)
		return NULL;
	printer->suggest_monitor = false;
	return gg_tell(printer->notices, "-via monitor is faster: it has QEMU write the memory "
					 "itself, at its disk's speed");
}

static struct gg_error *print_range(struct printer *printer, const struct gg_ram_range *range)
{
	if (printer->has_range && printer->start == range->start)
		return NULL;
	printer->has_range = true;
	printer->start = range->start;
	gg_append_range(&printer->text, range);
	gg_buffer_append(&printer->text, "\n", 1);
	return gg_write_out(&printer->text, printer->writer);
}

static struct gg_error *show_progress(void *data, const struct gg_dump_progress *progress)
{
	struct printer *printer = data;
	const struct gg_dump_options *options = printer->options;
	struct gg_error *err = suggest_monitor(printer, progress);
	if (!err)
		err = print_range(printer, progress->range);
	return err || !options->progress ? err : options->progress(options->data, progress);
}

static struct gg_error *print_result(struct printer *printer, const struct gg_dump_result *result)
{
	const double shortest = 1e-3; // of a time that a rate may be of
	const double seconds = result->seconds > shortest ? result->seconds : shortest;
	gg_buffer_format(&printer->text, "%s: ", printer->options->path);
	gg_append_size(&printer->text, result->memory_size);
	gg_buffer_format(&printer->text, " of guest memory in %.2f s (", result->seconds);
	gg_append_size(&printer->text, rate(result->memory_size, seconds));
	gg_buffer_format(&printer->text, "/s)");
	if (result->is_compressed) {
		gg_buffer_format(&printer->text, ", ");
		gg_append_size(&printer->text, result->file_size);
		gg_buffer_format(&printer->text, " in the file (%.1f %%)",
				 percent(result->file_size, result->memory_size));
	}
	if (result->left_out) {
		gg_buffer_format(&printer->text, ", ");
		gg_append_size(&printer->text, result->left_out);
		gg_buffer_format(&printer->text, " left out");
	}
	gg_buffer_append(&printer->text, "\n", 1);
	return gg_write_out(&printer->text, printer->writer);
}

struct gg_error *gg_print_dump(struct gg_guest *guest, const struct gg_dump_options *options,
			       const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct printer printer = { .options = options,
				   .writer = writer,
				   .notices = notices,
				   .suggest_monitor = options->suggest_monitor &&
						      gg_guest_is_over_wire(guest) };
	struct gg_dump_options own = *options;
	struct gg_dump_result result;
	own.progress = show_progress;
	own.data = &printer;
	own.notices = notices;
	struct gg_error *err = gg_dump(guest, &own, &result);
	if (!err)
		err = print_result(&printer, &result);
	gg_buffer_deinit(&printer.text);
	return err;
}

// ---- The row of the table of commands ----

static const char *const absent_words[] = { "fail", "skip", NULL };
static const char *const via_words[] = { "gdb", "fastest", "monitor", NULL };

// Bit N of a dump level is word N.
static const char *const exclude_words[] = { "zero", "cache",  "private", "user",
					     "free", "memmap", NULL };

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
	  .help = "The same kinds by name, and memmap: the struct pages of pages that are left\n"
		  "    out, for a guest with much free memory, as makedumpfile -e." },
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

const struct gg_command gg_command_dump = {
	.name = "dump",
	.gdb_name = "dump-guest-memory",
	.summary = "Write the guest's memory to FILE, as a vmcore.",
	.targets = GG_ALL_TARGETS,
	.help = "FILE is a vmcore for crash, drgn, makedumpfile and libkdumpfile: ELF, or\n"
		"with -format a compressed kdump.  FILE has the notes of QEMU's own dump,\n"
		"and where a Linux kernel is found in the guest, its VMCOREINFO and\n"
		"virtual addresses.  FILE appears when it is whole; where some of the\n"
		"guest's memory is missing, there is an error that lists the ranges, and\n"
		"no FILE.",
	.options = dump_options,
	.run = gg_run_dump,
	.arguments = dump_arguments,
};
