// SPDX-License-Identifier: GPL-3.0-or-later
//
// mm_struct (Linux include/linux/mm_types.h, v5.2 to v7.2), and the counters of its pages.
//
// In:  the kernel's symbols, members and memory.
// Out: sizes, addresses.
// Trusts nothing it reads: a counter below 0 counts as 0, as the kernel has it; the number of CPUs is
// bounded by linux/per-cpu.c.
#include "mm.h"
#include "linux/per-cpu.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// The counters were atomic_long_t; since Linux commit f1a7941243c1 (v6.2) they are percpu_counters.
#define COUNTER(index, text)                                                                       \
	GG_LAYOUT_ROW(struct gg_mm_layout, counts[index], "mm_struct", "rss_stat[" text "].count", \
		      "rss_stat.count[" text "]"),                                                 \
		GG_LAYOUT_ROW_OPTIONAL(struct gg_mm_layout, parts[index], "mm_struct",             \
				       "rss_stat[" text "].counters")

static const struct gg_layout_row rows[] = {
	COUNTER(GG_MM_FILE, "0"),
	COUNTER(GG_MM_ANON, "1"),
	COUNTER(GG_MM_SWAP, "2"),
	COUNTER(GG_MM_SHMEM, "3"),
	GG_LAYOUT_ROW(struct gg_mm_layout, total_vm, "mm_struct", "total_vm"),
	GG_LAYOUT_ROW(struct gg_mm_layout, pgd, "mm_struct", "pgd"),
	GG_LAYOUT_ROW(struct gg_mm_layout, arg_start, "mm_struct", "arg_start"),
	GG_LAYOUT_ROW(struct gg_mm_layout, arg_end, "mm_struct", "arg_end"),
	GG_LAYOUT_ROW(struct gg_mm_layout, env_start, "mm_struct", "env_start"),
	GG_LAYOUT_ROW(struct gg_mm_layout, env_end, "mm_struct", "env_end"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_mm_layout, exe_file, "mm_struct", "exe_file"),
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

// Reads _totalram_pages (Linux commit ca79b0c211af, v5.0): MemTotal in /proc/meminfo.
static struct gg_error *read_ram(struct gg_mm_reader *reader)
{
	const struct gg_host *host = &reader->kernel->typed;
	gg_gva_t address;
	uint64_t pages = 0;
	struct gg_error *err = gg_host_symbol(host, "_totalram_pages", &address);
	if (!err)
		err = gg_host_read_uint(host, address, host->address_size, &pages);
	reader->ram = pages * reader->page_size;
	return gg_error_unless_final(err);
}

struct gg_error *gg_mm_reader_init(struct gg_mm_reader *ret, const struct gg_answerers *kernel)
{
	const struct gg_host *host = &kernel->typed;
	*ret = (struct gg_mm_reader){
		.kernel = kernel,
		.page_size = gg_page_table_page_size(kernel->memory.table),
	};
	struct gg_error *err = gg_layout_resolve(host, rows, ROWS, &ret->layout);
	if (!err)
		err = gg_record_init(&ret->record, host, "mm_struct", rows, ROWS, &ret->layout);
	if (!err && ret->layout.parts[0].size)
		err = gg_per_cpu_offsets(kernel->symbols, &ret->offsets, &ret->cpu_count);
	return err ? err : read_ram(ret);
}

void gg_mm_reader_deinit(struct gg_mm_reader *reader)
{
	gg_record_deinit(&reader->record);
	free(reader->offsets);
	*reader = (struct gg_mm_reader){ 0 };
}

// ---- The counters ----

// Adds the CPU's part of the counters, which are an array at PARTS since Linux commit c439d5e8a025
// (v6.6) and are mostly read at once for that reason.
static struct gg_error *add_parts(const struct gg_host *host, uint64_t offset,
				  const gg_gva_t parts[GG_MM_COUNTERS],
				  int64_t counts[GG_MM_COUNTERS])
{
	enum { PART = 4 };
	uint8_t bytes[GG_MM_COUNTERS * PART];
	const bool is_array = parts[GG_MM_COUNTERS - 1] - parts[0] == sizeof(bytes) - PART;
	struct gg_error *err = NULL;
	if (is_array)
		err = gg_host_read(host, parts[0] + offset, bytes, sizeof(bytes));
	for (size_t i = 0; !err && i < GG_MM_COUNTERS; i++) {
		uint64_t part = 0;
		struct gg_cursor cursor =
			gg_cursor(bytes, sizeof(bytes), host->big_endian, "percpu_counter");
		const struct gg_member member = { i * PART, PART };
		err = is_array ? gg_cursor_member(&cursor, &member, &part)
			       : gg_host_read_uint(host, parts[i] + offset, PART, &part);
		counts[i] = (int64_t)((uint64_t)counts[i] + (uint64_t)(int32_t)part);
	}
	return err;
}

static struct gg_error *read_counters(struct gg_mm_reader *reader, uint64_t ret[GG_MM_COUNTERS])
{
	const struct gg_mm_layout *layout = &reader->layout;
	int64_t counts[GG_MM_COUNTERS];
	gg_gva_t parts[GG_MM_COUNTERS];
	for (size_t i = 0; i < GG_MM_COUNTERS; i++) {
		counts[i] = (int64_t)gg_record_value(&reader->record, &layout->counts[i]);
		parts[i] = gg_record_value(&reader->record, &layout->parts[i]);
	}
	// The kernel of 32 bits has counters of 32 bits before v6.2.
	for (size_t i = 0; layout->counts[0].size == 4 && i < GG_MM_COUNTERS; i++)
		counts[i] = (int32_t)counts[i];
	struct gg_error *err = NULL;
	for (size_t cpu = 0; !err && parts[0] && cpu < reader->cpu_count; cpu++)
		if (reader->offsets[cpu])
			err = add_parts(&reader->kernel->typed, reader->offsets[cpu], parts,
					counts);
	for (size_t i = 0; i < GG_MM_COUNTERS; i++)
		ret[i] = counts[i] > 0 ? (uint64_t)counts[i] * reader->page_size : 0;
	return err;
}

struct gg_error *gg_mm_read(struct gg_mm_reader *reader, gg_gva_t address, struct gg_mm *ret)
{
	const struct gg_mm_layout *layout = &reader->layout;
	const struct gg_record *record = &reader->record;
	uint64_t counts[GG_MM_COUNTERS];
	struct gg_error *err = gg_record_read(&reader->record, address);
	if (!err)
		err = read_counters(reader, counts);
	if (err)
		return err;
	*ret = (struct gg_mm){
		.vsz = gg_record_value(record, &layout->total_vm) * reader->page_size,
		.rss = counts[GG_MM_FILE] + counts[GG_MM_ANON] + counts[GG_MM_SHMEM],
		.swap = counts[GG_MM_SWAP],
		.pgd = gg_record_value(record, &layout->pgd),
		.arg_start = gg_record_value(record, &layout->arg_start),
		.arg_end = gg_record_value(record, &layout->arg_end),
		.env_start = gg_record_value(record, &layout->env_start),
		.env_end = gg_record_value(record, &layout->env_end),
		.exe_file = gg_record_value(record, &layout->exe_file),
	};
	return NULL;
}
