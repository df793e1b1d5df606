// SPDX-License-Identifier: GPL-3.0-or-later
//
// A profile as a table or as JSON.
#include "profile.h"
#include "base/json.h"
#include "base/notices.h"
#include "base/vector.h"
#include "cpu-list.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/output.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double NANOSECONDS = 1e9;

// The samples of a task in a function, or in its program.
struct row {
	int32_t pid;
	const char *comm;
	bool is_user;
	gg_gva_t start;          // of the function, or PC without a symbol; 0 of a program
	struct gg_symbol symbol; // its name is NULL without a symbol
	size_t count;
};

struct table {
	struct row *rows;
	size_t count;
};

struct printer {
	struct gg_guest *guest;
	const struct gg_profile_options *options;
	const struct gg_writer *writer;
	struct gg_cpu_list cpus;
	unsigned int shown; // lines of the last table on the terminal
};

// ---- Rows ----

static int compare_places(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	const int names = strcmp(left->comm, right->comm);
	if (names)
		return names;
	if (left->is_user != right->is_user)
		return left->is_user ? 1 : -1;
	return (left->start > right->start) - (left->start < right->start);
}

static int compare_counts(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return compare_places(a, b);
}

static struct gg_error *make_row(struct gg_guest *guest, const struct gg_sample *sample,
				 struct row *row)
{
	char name[GG_PLACE_NAME];
	*row = (struct row){
		.pid = sample->pid, .comm = sample->comm, .is_user = sample->is_user, .count = 1
	};
	if (sample->is_user)
		return NULL;
	struct gg_error *err = gg_place_name(guest, sample->pc, true, &row->symbol, name);
	row->start = row->symbol.name ? row->symbol.address : sample->pc;
	return err;
}

// Adds equal rows up.
static void merge(struct table *table)
{
	size_t count = 0;
	for (size_t i = 0; i < table->count; i++) {
		if (count && !compare_places(&table->rows[count - 1], &table->rows[i]))
			table->rows[count - 1].count += table->rows[i].count;
		else
			table->rows[count++] = table->rows[i];
	}
	table->count = count;
}

// Makes the rows of the samples that are not idle, the most frequent row first. The caller frees them.
static struct gg_error *make_table(struct gg_guest *guest, const struct gg_profile *profile,
				   struct table *ret)
{
	struct gg_error *err = NULL;
	*ret = (struct table){ .rows = calloc(profile->count + 1, sizeof(*ret->rows)) };
	if (!ret->rows)
		return gg_enomem;
	for (size_t i = 0; !err && i < profile->count; i++)
		if (!profile->samples[i].is_idle)
			err = make_row(guest, &profile->samples[i], &ret->rows[ret->count++]);
	qsort(ret->rows, ret->count, sizeof(*ret->rows), compare_places);
	merge(ret);
	qsort(ret->rows, ret->count, sizeof(*ret->rows), compare_counts);
	return err;
}

// ---- Facts ----

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static double rate(const struct gg_profile *profile)
{
	return share(profile->rounds, profile->elapsed) * NANOSECONDS;
}

static int compare_delays(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

// Sorts the delays, and returns their median.
static uint64_t median_delay(const struct gg_profile *profile)
{
	if (!profile->rounds)
		return 0;
	qsort(profile->delays, profile->rounds, sizeof(*profile->delays), compare_delays);
	return profile->delays[profile->rounds / 2];
}

// ---- Text ----

static void append_row(struct gg_buffer *out, const struct row *row, size_t samples)
{
	enum { PERCENT = 100 };
	gg_buffer_format(out, "%6.2f %% %8zu %7" PRId32 " ", PERCENT * share(row->count, samples),
			 row->count, row->pid);
	const int width = gg_append_name(out, row->comm);
	gg_buffer_format(out, "%*s ", width < GG_TASK_COMM ? GG_TASK_COMM - width : 0, "");
	if (row->is_user)
		gg_buffer_format(out, "(user)");
	else if (!row->symbol.name)
		gg_buffer_format(out, "0x%" PRIx64, row->start);
	else
		gg_buffer_format(out, "%s", row->symbol.name);
	if (row->symbol.module)
		gg_buffer_format(out, " [%s]", row->symbol.module);
	gg_buffer_format(out, "\n");
}

static void append_facts(struct gg_buffer *out, const struct printer *printer,
			 const struct gg_profile *profile)
{
	enum { PERCENT = 100, MILLISECOND = 1000000 };
	gg_buffer_format(out, "%zu samples of %zu CPU%s in %.1f s: ", profile->count,
			 printer->cpus.count, gg_plural(printer->cpus.count),
			 (double)profile->elapsed / NANOSECONDS);
	gg_buffer_format(out, "%.1f a second, %u asked for; idle %.1f %%\n", rate(profile),
			 printer->options->hz, PERCENT * share(profile->idle, profile->count));
	if (profile->is_unstopped) {
		gg_buffer_format(
			out,
			"the guest was not stopped; a CPU's place is the last that QEMU noted, "
			"up to a block of code ago\n");
		return;
	}
	gg_buffer_format(out, "the guest stood still for %.1f %% of the time",
			 PERCENT * share(profile->stopped, profile->elapsed));
	if (profile->delays)
		gg_buffer_format(out, "; a sample is taken %.2f ms after it is asked for (median)",
				 (double)median_delay(profile) / MILLISECOND);
	gg_buffer_format(out, "\n");
}

static void append_table(struct gg_buffer *out, const struct printer *printer,
			 const struct gg_profile *profile, const struct table *table)
{
	const size_t top = printer->options->top;
	gg_buffer_format(out, "   SHARE  SAMPLES     PID COMMAND          FUNCTION\n");
	for (size_t i = 0; i < table->count && i < top; i++)
		append_row(out, &table->rows[i], profile->count);
	if (table->count > top)
		gg_buffer_format(out, "   ... %zu more rows: -top %zu shows all\n",
				 table->count - top, table->count);
}

// ---- JSON ----

static void append_row_json(struct gg_buffer *out, const struct row *row, size_t samples)
{
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "samples", row->count);
	gg_json_format(out, "share", "%.6f", share(row->count, samples));
	gg_json_format(out, "pid", "%" PRId32, row->pid);
	gg_json_string(out, "comm", row->comm);
	gg_json_string(out, "mode", row->is_user ? "user" : "kernel");
	gg_json_string(out, "symbol", row->symbol.name);
	gg_json_string(out, "module", row->symbol.module);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

static void append_facts_json(struct gg_buffer *out, const struct printer *printer,
			      const struct gg_profile *profile)
{
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "samples", profile->count);
	gg_json_uint(out, "idle", profile->idle);
	gg_json_open_array(out, "cpus");
	for (size_t i = 0; i < printer->cpus.count; i++)
		gg_json_uint(out, NULL, printer->cpus.indices[i]);
	gg_json_close_array(out);
	gg_json_uint(out, "rounds", profile->rounds);
	gg_json_format(out, "seconds", "%.3f", (double)profile->elapsed / NANOSECONDS);
	gg_json_format(out, "hz", "%.3f", rate(profile));
	gg_json_uint(out, "asked_hz", printer->options->hz);
	gg_json_format(out, "stopped", "%.6f", share(profile->stopped, profile->elapsed));
	if (profile->delays)
		gg_json_uint(out, "delay_ns", median_delay(profile));
	else
		gg_json_null(out, "delay_ns");
	gg_json_bool(out, "limited", profile->is_limited);
	gg_json_string(out, "ended", profile->ended[0] ? profile->ended : NULL);
	gg_json_bool(out, "interrupted", profile->is_interrupted);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

static struct gg_error *write_result(struct printer *printer, const struct gg_profile *profile)
{
	struct gg_buffer out = { 0 };
	struct table table = { 0 };
	struct gg_error *err = make_table(printer->guest, profile, &table);
	if (!err && printer->options->json) {
		for (size_t i = 0; i < table.count; i++)
			append_row_json(&out, &table.rows[i], profile->count);
		append_facts_json(&out, printer, profile);
	} else if (!err) {
		append_facts(&out, printer, profile);
		append_table(&out, printer, profile, &table);
	}
	if (!err)
		err = gg_write_out(&out, printer->writer);
	free(table.rows);
	gg_buffer_deinit(&out);
	return err;
}

// ---- The terminal ----

static struct winsize terminal_size(void)
{
	struct winsize size = { 0 };
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	return size;
}

// Appends TEXT as far as it fits into a window of SIZE, a line of which has the cursor. Returns the number of lines.
static unsigned int fit(const struct gg_buffer *text, struct winsize size, struct gg_buffer *out)
{
	unsigned int lines = 0, column = 0;
	for (size_t i = 0; i < text->size && lines + 1 < size.ws_row; i++) {
		const bool is_end = text->bytes[i] == '\n';
		// The bytes of a character in UTF-8 but for the first.
		column += (text->bytes[i] & 0xc0) != 0x80;
		if (is_end || column <= size.ws_col)
			gg_buffer_uint(out, 1, text->bytes[i]);
		column = is_end ? 0 : column;
		lines += is_end;
	}
	return lines;
}

static void show(const struct gg_buffer *out)
{
	size_t done = 0;
	while (done < out->size) {
		const ssize_t written = write(STDOUT_FILENO, out->bytes + done, out->size - done);
		if (written <= 0)
			return;
		done += (size_t)written;
	}
}

// The cursor goes up to the start of the last table, and the rest of the screen is erased.
static void append_erase(struct printer *printer, struct gg_buffer *out)
{
	if (printer->shown)
		gg_buffer_format(out, "\r\033[%uA\033[J", printer->shown);
	printer->shown = 0;
}

static void erase(struct printer *printer)
{
	struct gg_buffer out = { 0 };
	append_erase(printer, &out);
	show(&out);
	gg_buffer_deinit(&out);
}

// Shows the table on the terminal, in place of the last table and without a pager, which would wait for a key while the
// guest stands still.
static struct gg_error *look(void *data, const struct gg_profile *profile)
{
	struct printer *printer = data;
	struct gg_buffer text = { 0 }, out = { 0 };
	struct table table = { 0 };
	struct gg_error *err = make_table(printer->guest, profile, &table);
	if (!err) {
		append_facts(&text, printer, profile);
		append_table(&text, printer, profile, &table);
		append_erase(printer, &out);
		printer->shown = fit(&text, terminal_size(), &out);
		err = gg_buffer_check(&out);
	}
	if (!err)
		show(&out);
	free(table.rows);
	gg_buffer_deinit(&text);
	gg_buffer_deinit(&out);
	return err;
}

// ---- Files ----

typedef struct gg_error *append_fn(struct gg_guest *guest, const struct gg_profile *profile,
				   struct gg_buffer *out);

struct file {
	const char *path;
	append_fn *append;
	struct gg_output *output;
};

static struct gg_error *open_file(const struct printer *printer, struct file *file)
{
	return file->path ? gg_output_create(file->path, printer->options->force,
					     gg_guest_files(printer->guest), &file->output)
			  : NULL;
}

static struct gg_error *write_file(const struct printer *printer, const struct gg_profile *profile,
				   struct file *file)
{
	struct gg_buffer out = { 0 };
	if (!file->path)
		return NULL;
	struct gg_error *err = file->append(printer->guest, profile, &out);
	if (!err)
		err = gg_buffer_check(&out);
	if (!err && out.size)
		err = gg_output_write(file->output, 0, out.bytes, out.size);
	if (!err)
		err = gg_output_commit(file->output, out.size);
	gg_buffer_deinit(&out);
	return err;
}

// ---- The command ----

static struct gg_error *tell_limits(const struct printer *printer, const struct gg_profile *profile,
				    const struct gg_notices *notices)
{
	static const double NEARLY = 0.95;
	const bool is_process = !printer->options->address;
	struct gg_error *err = NULL;
	if (profile->is_limited && rate(profile) < NEARLY * printer->options->hz)
		err = gg_tell(notices, "fewer samples were taken than asked for: the guest stands "
				       "still for about a fifth of the time at most");
	if (!err && profile->is_full)
		err = gg_tell(notices, "the profile has ended early: it keeps %d samples",
			      GG_PROFILE_SAMPLES);
	if (!err && profile->ended[0])
		err = gg_tell(notices, "the %s stopped by itself%s %s",
			      is_process ? "process" : "guest", is_process ? ":" : "",
			      profile->ended);
	return err;
}

static struct gg_error *profile_to(struct printer *printer, struct file *files,
				   const struct gg_notices *notices)
{
	const struct gg_profile_options *options = printer->options;
	const struct gg_profile_request request = {
		.options = options,
		.cpus = printer->cpus.indices,
		.cpu_count = printer->cpus.count,
		.look = options->live && !options->json ? look : NULL,
		.data = printer,
	};
	struct gg_profile profile;
	struct gg_error *err = gg_guest_profile(printer->guest, &request, notices, &profile);
	erase(printer);
	if (!err)
		err = write_result(printer, &profile);
	if (!err)
		err = tell_limits(printer, &profile, notices);
	for (struct file *file = files; !err && file->append; file++)
		err = write_file(printer, &profile, file);
	gg_profile_deinit(&profile);
	return err;
}

struct gg_error *gg_print_profile(struct gg_guest *guest, const struct gg_profile_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct printer printer = { .guest = guest, .options = options, .writer = writer };
	struct file files[] = { { options->folded, gg_profile_append_folded, NULL },
				{ options->flame, gg_profile_append_flame, NULL },
				{ options->perf, gg_profile_append_perf, NULL },
				{ NULL, NULL, NULL } };
	if (!options->address && !options->run)
		return gg_error_create(
			GG_UNSUPPORTED,
			"a core cannot run: samples are taken at QEMU's gdbstub, in GDB "
			"(target remote ADDRESS), or of a QEMU process (attach PID, or "
			"guest-core -p PID)");
	struct gg_error *err = gg_cpu_list_create(guest, options->cpus, &printer.cpus);
	for (struct file *file = files; !err && file->append; file++)
		err = open_file(&printer, file);
	if (!err)
		err = profile_to(&printer, files, notices);
	for (struct file *file = files; file->append; file++)
		gg_output_destroy(file->output);
	gg_cpu_list_deinit(&printer.cpus);
	return err;
}

// ---- The row of the table of commands ----

enum { LONGEST_PROFILE = 3600 };

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
	  .high = LONGEST_PROFILE,
	  .help = "Let the guest run for N seconds (10), or until Ctrl-C." },
	{ .name = "cpu",
	  .kind = GG_VALUE_CPUS,
	  .help = "Only these CPUs, by QEMU's numbers: N, N-M, or a list with commas." },
	{ .name = "stacks",
	  .kind = GG_VALUE_FLAG,
	  .help = "The kernel's stacks too, for -folded, -flame and -perf." },
	{ .name = "stop",
	  .kind = GG_VALUE_FLAG,
	  .help = "Stop a process for each sample: its CPUs are seen at one moment then.\n"
		  "    At the gdbstub this is always so." },
	{ .name = "top",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = 1000000,
	  .help = "Show N rows at most (20)." },
	{ .name = "folded",
	  .kind = GG_VALUE_FILE,
	  .help = "Write folded stacks to FILE, for flamegraph.pl, speedscope and others ..." },
	{ .name = "flame",
	  .kind = GG_VALUE_FILE,
	  .help = "... or a flame graph, an SVG for a browser ..." },
	{ .name = "perf",
	  .kind = GG_VALUE_FILE,
	  .help = "... or the samples as \"perf script\" prints them, for Firefox's profiler ..." },
	{ .name = "force", .kind = GG_VALUE_FLAG, .help = "... and replace a file that exists." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each row, and an object for the profile." },
	{ 0 }
};

const struct gg_command gg_command_profile = {
	.name = "profile",
	.gdb_name = "guest-profile",
	.summary = "Show where the time of the guest's CPUs goes, by samples while it runs.",
	.targets = "It works at QEMU's gdbstub, and on a QEMU process that executes the guest\n"
		   "itself (TCG).",
	.help = "At the gdbstub the guest runs, is stopped for a moment for each sample,\n"
		"and is stopped at the end.  A process is not stopped without -stop; a CPU's\n"
		"place is the last that QEMU noted there, up to a block of code ago.\n\n"
		"A row has a task's samples in a function of the kernel, or\n"
		"in the task's program, and their share of the time of all CPUs; the\n"
		"samples of CPUs without work are idle and have no row.  The first lines\n"
		"say how many samples were taken, and how long the guest stood still.\n"
		"On a terminal the table is shown each second.  Ctrl-C ends the samples.",
	.debugger_help =
		"The gdbstub's packets go over GDB's own connection, and GDB's session goes on\n"
		"afterwards.  GDB's breakpoints are not in the guest meanwhile.",
	.alone_help = "A core cannot run: profile is of use with -p PID.",
	.options = profile_options,
	.run = gg_run_profile,
};
