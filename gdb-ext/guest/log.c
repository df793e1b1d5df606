// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest's kernel log, from whatever there is of the guest to where it is wanted.
#include "guest.h"
#include "linux/log/filter.h"
#include "linux/log/find.h"
#include "linux/log/printer.h"
#include "linux/wall-clock.h"
#include "qemu/monitor/xp-transcript.h"
#include "base/output.h"

#include <inttypes.h>
#include <stdlib.h>

// ---- By what it looks like ----

// Tells the way the log was found, since a guess may be wrong.
static struct gg_error *read_guess(struct gg_log_search *search, const char *where,
				   struct gg_log_sink *sink)
{
	struct gg_log_guess *guess = malloc(sizeof(*guess));
	if (!guess)
		return gg_enomem;
	struct gg_error *err = gg_log_find(search, guess);
	if (!err)
		err = gg_tell(sink->notices, "%s: what looks like %s, at %s0x%" PRIx64, where,
			      gg_guess_format_name(guess->format),
			      search->is_transcript ? "" : "guest-physical ", search->at);
	if (!err)
		err = gg_log_read(&guess->host, sink);
	free(guess);
	return err;
}

static struct gg_error *read_transcript(const char *path, struct gg_log_sink *sink)
{
	struct gg_transcript *transcript;
	struct gg_error *err = gg_transcript_read(path, &transcript);
	if (err)
		return err;
	struct gg_log_search search = { .map = gg_transcript_map(transcript),
					.is_transcript = true };
	err = read_guess(&search, "the log is found by its structure", sink);
	gg_transcript_destroy(transcript);
	return err ? gg_error_context(err, "%s", path) : NULL;
}

// Tests whether a log is looked for by its structure: the layouts are those of little-endian kernels
// of 64 bits.
static bool may_have_log(const struct gg_page_format *format)
{
	return format->address_bits == 64 && !format->big_endian;
}

// Adds the page tables of a CPU.
static struct gg_error *add_tables_of(struct gg_guest *guest, const struct gg_qemu_cpu *cpu,
				      struct gg_log_search *search)
{
	const struct gg_machine_cpu *read;
	struct gg_error *err = gg_machine_cpu(&guest->machine, cpu, &read);
	const size_t count = err ? 0 : read->kernel_paging_count;
	for (size_t i = 0; !err && i < count && search->table_count < GG_LOG_SEARCH_TABLES; i++)
		if (may_have_log(read->kernel_pagings[i].format))
			err = gg_page_table_create(guest->machine.map, &read->kernel_pagings[i],
						   &search->tables[search->table_count++]);
	return err;
}

// Adds the tables that the CPUs use: a CPU in a process has the kernel's half too.
static void add_tables(struct gg_guest *guest, struct gg_log_search *search)
{
	for (size_t i = 0; i < guest->machine.cpus.count; i++)
		gg_error_destroy(add_tables_of(guest, &guest->machine.cpus.cpus[i], search));
}

// Says what the guest is, where no log is found in it.
static struct gg_error *explain(const struct gg_log_search *search, struct gg_error *no_kernel,
				struct gg_error *no_log)
{
	const char *what = "there is no Linux kernel in the guest's RAM";
	if (search->has_kernel)
		what = "there is a Linux kernel in the guest's RAM, but no log of it is found";
	else if (!search->table_count)
		what = "the guest has not booted: no CPU of it uses page tables, and there is no "
		       "Linux kernel in its RAM";
	struct gg_error *err =
		gg_error_create(gg_error_kind(no_kernel), "%s (%s; %s)", what,
				gg_error_message(no_kernel), gg_error_message(no_log));
	gg_error_destroy(no_kernel);
	gg_error_destroy(no_log);
	return err;
}

// NO_KERNEL, which is consumed, is why it cannot be done otherwise.
static struct gg_error *read_unknown(struct gg_guest *guest, struct gg_log_sink *sink,
				     struct gg_error *no_kernel)
{
	struct gg_log_search search = { .map = guest->machine.map,
					.debug = guest->machine.source->debug };
	add_tables(guest, &search);
	struct gg_error *err =
		read_guess(&search, "without VMCOREINFO the log is found by its structure", sink);
	if (err && gg_error_kind(err) == GG_NOT_FOUND && !sink->records)
		err = explain(&search, no_kernel, err);
	else
		gg_error_destroy(no_kernel);
	for (size_t i = 0; i < search.table_count; i++)
		gg_page_table_destroy(search.tables[i]);
	return err;
}

// ---- By VMCOREINFO ----

struct gg_error *gg_guest_read_log(struct gg_guest *guest, const struct gg_notices *notices,
				   struct gg_log_sink *sink)
{
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_check_ram(guest);
	if (err)
		return err;
	err = gg_guest_running_kernel(guest, notices, &kernel);
	if (err && guest->machine.map && guest->machine.arch &&
	    (gg_error_kind(err) == GG_NOT_FOUND || gg_error_kind(err) == GG_ABSENT) &&
	    !gg_guest_is_over_wire(guest))
		return read_unknown(guest, sink, err);
	if (err)
		return err;
	return gg_log_read(gg_kernel_host(kernel), sink);
}

// ---- The wall clock ----

struct gg_error *gg_guest_wall_offset(struct gg_guest *guest, const struct gg_notices *notices,
				      int64_t *ret)
{
	const struct gg_kernel *kernel;
	if (!guest)
		return gg_error_create(GG_INVALID, "a transcript has no clock but the log's");
	struct gg_error *err = gg_guest_running_kernel(guest, NULL, &kernel);
	if (!err)
		err = gg_wall_clock_find(kernel->answerers.symbols, ret);
	if (err)
		return gg_error_context(err, "the kernel's clock");
	return gg_tell(notices, "times in UTC are the log's clock plus the kernel's present "
				"offset, as with dmesg -T; they are wrong for records from before "
				"the guest's clock was set or the guest suspended");
}

// A time that the log's clock cannot have is before or after all of them.
static void resolve_bound(struct gg_log_bound *bound, int64_t offset)
{
	if (!bound->is_set || !bound->is_wall)
		return;
	bound->is_wall = false;
	if (__builtin_sub_overflow(bound->time, offset, &bound->time))
		bound->time = bound->time < 0 ? INT64_MAX : INT64_MIN;
}

struct gg_error *gg_guest_resolve_query(struct gg_guest *guest, const struct gg_notices *notices,
					struct gg_log_query *query)
{
	enum { SECOND = 1000000000 };
	int64_t offset = 0;
	if (!(query->since.is_set && query->since.is_wall) &&
	    !(query->until.is_set && query->until.is_wall))
		return NULL;
	struct gg_error *err = gg_guest_wall_offset(guest, notices, &offset);
	if (err)
		return err;
	// A time in UTC is a whole second.
	if (query->until.is_wall && query->until.time <= INT64_MAX - SECOND)
		query->until.time += SECOND - 1;
	resolve_bound(&query->since, offset);
	resolve_bound(&query->until, offset);
	return NULL;
}

// ---- Records ----

static struct gg_error *pass_record(void *data, const struct gg_log_record *record)
{
	return gg_log_filter_record(data, record);
}

static struct gg_error *tell_empty(const struct gg_log_sink *sink)
{
	if (!sink->records)
		return gg_tell(sink->notices, "the log is empty");
	return gg_tell(sink->notices, "none of the log's %" PRIu64 " record%s matches the options",
		       sink->records, sink->records == 1 ? "" : "s");
}

struct gg_error *gg_guest_log(struct gg_guest *guest, const struct gg_log_query *query,
			      gg_visit_record_fn *visit, void *data,
			      const struct gg_notices *notices)
{
	struct gg_log_filter filter;
	struct gg_log_sink sink = { .record = pass_record, .data = &filter, .notices = notices };
	struct gg_log_query resolved = *query;
	struct gg_error *err =
		gg_guest_resolve_query(query->transcript ? NULL : guest, notices, &resolved);
	if (!err)
		err = gg_log_filter_init(&filter, &resolved, visit, data);
	if (err)
		return err;
	filter.from = &sink;
	sink.debug = guest ? guest->machine.source->debug : NULL;
	if (!query->transcript && !guest)
		err = gg_error_create(GG_INVALID, "neither a guest nor a transcript");
	else if (query->transcript)
		err = read_transcript(query->transcript, &sink);
	else
		err = gg_guest_read_log(guest, notices, &sink);
	if (!err && guest)
		err = gg_guest_check(guest);
	if (!err)
		err = gg_log_filter_end(&filter);
	if (!err && !filter.shown)
		err = tell_empty(&sink);
	gg_log_filter_deinit(&filter);
	gg_log_sink_deinit(&sink);
	return err;
}

// ---- Text ----

static struct gg_error *print_record(void *data, const struct gg_log_record *record)
{
	return gg_log_printer_record(data, record);
}

// The bounds' offset is the times' too, and one notice tells of both.
static struct gg_error *print_log(struct gg_guest *guest, const struct gg_log_query *query,
				  const struct gg_log_style *style, const struct gg_writer *writer,
				  const struct gg_notices *notices, uint64_t *ret)
{
	struct gg_log_style filled = *style;
	struct gg_log_query resolved = *query;
	struct gg_log_printer printer = { .style = &filled, .writer = writer };
	struct gg_guest *of_times = query->transcript ? NULL : guest;
	struct gg_error *err = NULL;
	if (style->wall)
		err = gg_guest_wall_offset(of_times, notices, &filled.wall_offset);
	if (!err)
		err = gg_guest_resolve_query(of_times, style->wall ? NULL : notices, &resolved);
	if (!err)
		err = gg_guest_log(guest, &resolved, print_record, &printer, notices);
	if (!err)
		err = gg_log_printer_end(&printer);
	*ret = printer.records;
	gg_log_printer_deinit(&printer);
	return err;
}

struct gg_error *gg_guest_log_print(struct gg_guest *guest, const struct gg_log_query *query,
				    const struct gg_log_style *style,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices)
{
	uint64_t count;
	return print_log(guest, query, style, writer, notices, &count);
}

// ---- A file ----

struct file {
	struct gg_output *output;
	uint64_t size;
};

static struct gg_error *write_file(void *data, const char *text, size_t size)
{
	struct file *file = data;
	struct gg_error *err = gg_output_write(file->output, file->size, text, size);
	file->size += size;
	return err;
}

struct gg_error *gg_guest_log_save(struct gg_guest *guest, const struct gg_log_query *query,
				   const struct gg_log_style *style, const char *path, bool force,
				   const struct gg_notices *notices, uint64_t *ret)
{
	const char *looked_at[GG_SOURCE_FILES + 2] = { 0 };
	size_t count = 0;
	struct file file = { .size = 0 };
	const struct gg_writer writer = { write_file, &file };
	for (const char *const *from = guest ? gg_guest_files(guest) : NULL; from && *from; from++)
		looked_at[count++] = *from;
	if (query->transcript)
		looked_at[count++] = query->transcript;
	struct gg_error *err = gg_output_create(path, force, looked_at, &file.output);
	if (err)
		return err;
	err = print_log(guest, query, style, &writer, notices, ret);
	if (!err)
		err = gg_output_commit(file.output, file.size);
	gg_output_destroy(file.output);
	return err;
}
