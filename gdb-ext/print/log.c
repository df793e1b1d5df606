// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's log, as the command's options choose it.
#include "run.h"
#include "words.h"
#include "base/buffer.h"
#include "base/notices.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/log.h>
#include <inttypes.h>
#include <string.h>

// ---- Options ----

static uint64_t bits_of(const struct gg_options *options, const char *name)
{
	const struct gg_value *value = gg_options_value(options, name);
	return value ? value->bits : 0;
}

static struct gg_log_bound bound_of(const struct gg_options *options, const char *name)
{
	const struct gg_value *value = gg_options_value(options, name);
	return value ? value->time : (struct gg_log_bound){ 0 };
}

static struct gg_log_query to_query(const struct gg_options *options)
{
	const uint64_t context = gg_options_number(options, "context", 0);
	return (struct gg_log_query){
		.transcript = gg_options_text(options, "hexdump"),
		.levels = (unsigned int)bits_of(options, "level"),
		.facilities = (unsigned int)bits_of(options, "facility"),
		.pattern = gg_options_text(options, "grep"),
		.before = gg_options_number(options, "before", context),
		.after = gg_options_number(options, "after", context),
		.since = bound_of(options, "since"),
		.until = bound_of(options, "until"),
		.since_clear = gg_options_has(options, "since-clear"),
		.tail = gg_options_number(options, "tail", 0),
	};
}

// Reads the style; a file gets neither colours nor the terminal's character set.
static struct gg_log_style to_style(const struct gg_options *options,
				    const struct gg_front_end *front)
{
	const bool is_file = gg_options_has(options, "output");
	return (struct gg_log_style){
		.wall = gg_options_has(options, "T"),
		.raw = gg_options_has(options, "raw"),
		.decode = gg_options_has(options, "decode"),
		.caller = gg_options_has(options, "caller"),
		.json = gg_options_has(options, "json"),
		.colour = front->colour && !is_file,
		.ascii = !is_file && !gg_shows_utf8(),
	};
}

// ---- Output ----

// The text and the notices behind it, NUL behind each, until both are complete.
struct collected {
	struct gg_buffer text, notices;
};

static struct gg_error *collect_text(void *data, const char *text, size_t size)
{
	struct collected *collected = data;
	gg_buffer_append(&collected->text, text, size);
	return gg_buffer_check(&collected->text);
}

static struct gg_error *collect_notice(void *data, const char *text)
{
	struct collected *collected = data;
	gg_buffer_append(&collected->notices, text, strlen(text) + 1);
	return gg_buffer_check(&collected->notices);
}

static struct gg_error *write_collected(const struct collected *collected,
					const struct gg_writer *writer,
					const struct gg_notices *notices)
{
	struct gg_error *err = NULL;
	if (collected->text.size)
		err = writer->write(writer->data, (const char *)collected->text.bytes,
				    collected->text.size);
	for (size_t at = 0; !err && at < collected->notices.size;) {
		const char *notice = (const char *)collected->notices.bytes + at;
		err = gg_tell(notices, "%s", notice);
		at += strlen(notice) + 1;
	}
	return err;
}

static struct gg_error *save(struct gg_guest *guest, const struct gg_log_query *query,
			     const struct gg_log_style *style, const struct gg_options *options,
			     struct collected *collected)
{
	const char *path = gg_options_text(options, "output");
	const struct gg_notices notices = { collect_notice, collected };
	uint64_t count;
	struct gg_error *err = gg_guest_log_save(
		guest, query, style, path, gg_options_has(options, "force"), &notices, &count);
	if (err)
		return err;
	gg_buffer_append(&collected->text, path, strlen(path));
	gg_buffer_format(&collected->text, ": %" PRIu64 " record%s\n", count, gg_plural(count));
	return gg_buffer_check(&collected->text);
}

struct gg_error *gg_run_klog(struct gg_guest *guest, const struct gg_options *options,
			     const struct gg_front_end *front, const struct gg_writer *writer,
			     const struct gg_notices *notices)
{
	struct collected collected = { 0 };
	const struct gg_writer collector = { collect_text, &collected };
	const struct gg_notices later = { collect_notice, &collected };
	const struct gg_log_style style = to_style(options, front);
	const struct gg_log_query query = to_query(options);
	struct gg_error *err;
	if (gg_options_has(options, "output"))
		err = save(guest, &query, &style, options, &collected);
	else
		err = gg_guest_log_print(guest, &query, &style, &collector, &later);
	if (!err)
		err = write_collected(&collected, writer, notices);
	gg_buffer_deinit(&collected.text);
	gg_buffer_deinit(&collected.notices);
	return err;
}

// ---- The row of the table of commands ----

enum { LOG_LEVELS = 8, LOG_FACILITIES = 24, MOST_CONTEXT = 1000000 };

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

const struct gg_command gg_command_klog = {
	.name = "klog",
	.gdb_name = "guest-klog",
	.summary = "Print the log of the guest's Linux kernel, as dmesg in the guest would.",
	.targets = GG_ALL_TARGETS,
	.help = "The guest needs no debuginfo; the log of every kernel with VMCOREINFO\n"
		"is found, and the log of most other kernels.  Each line of a record\n"
		"starts with the record's time.  Where records were lost, a line\n"
		"starting \"note:\" says so.  Control characters and bytes that are not\n"
		"UTF-8 are shown as \\xHH.  On a terminal the levels have dmesg's\n"
		"colours.",
	.debugger_help = "\"set style enabled off\" turns the colours off.\n\n"
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
};
