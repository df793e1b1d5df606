// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's memory as a vmcore, from the RAM map to the file under its name.
#include "../cleanup.h"
#include "../guest.h"
#include "copy.h"
#include "elf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct dump {
	struct gg_guest *guest;
	const struct gg_dump_options *options;
	const struct gg_ram_map *map;
	struct gg_output *output;
	const struct gg_ram_range *range; // the one at work
	uint64_t done;
	double began, last_progress; // seconds
};

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static struct gg_error *show_progress(struct dump *dump)
{
	if (!dump->options->progress)
		return NULL;
	dump->last_progress = now();
	struct gg_dump_progress progress = {
		.range = dump->range,
		.done = dump->done,
		.total = dump->map->size,
		.seconds = dump->last_progress - dump->began,
	};
	return dump->options->progress(dump->options->progress_data, &progress);
}

static struct gg_error *count_copied(void *data, uint64_t size)
{
	static const double interval = 0.1;
	struct dump *dump = data;
	dump->done += size;
	return now() - dump->last_progress >= interval ? show_progress(dump) : NULL;
}

// "0x0-0x9ffff (pc.ram), ..." of what is absent.
struct absent_list {
	char *text;
	size_t size;
	FILE *stream;
	unsigned int count;
};

static struct gg_error *list_absent(void *data, const struct gg_ram_range *piece)
{
	enum { MAX_LISTED = 16 };
	struct absent_list *list = data;
	if (list->count++ < MAX_LISTED)
		fprintf(list->stream, "%s0x%" PRIx64 "-0x%" PRIx64 " (%s)",
			list->count > 1 ? ", " : "", piece->start, piece->start + piece->size - 1,
			piece->block);
	else if (list->count == MAX_LISTED + 1)
		fprintf(list->stream, ", ...");
	return NULL;
}

static struct gg_error *absent_error(const struct gg_guest *guest, const struct absent_list *list)
{
	static const char left_out[] =
		"the core was made without them: QEMU must run with -machine dump-guest-core=on, "
		"and bits of /proc/PID/coredump_filter be set for what backs its memory (0x7f)";
	static const char cut_off[] =
		"the core file is cut off: look at the limit of its size (ulimit -c, "
		"systemd-coredump's ExternalSizeMax) and at the disk it was written to";
	return gg_error_create(GG_ABSENT, "the core lacks %u range%s of the guest's memory: %s; %s",
			       list->count, list->count == 1 ? "" : "s", list->text,
			       gg_core_file_is_cut_off(guest->core) ? cut_off : left_out);
}

// Fails before anything is written, with all that is missing.
static struct gg_error *check_absent(const struct dump *dump)
{
	struct absent_list list = { 0 };
	list.stream = open_memstream(&list.text, &list.size);
	if (!list.stream)
		return gg_enomem;
	struct gg_error *err =
		gg_ram_map_absent(dump->map, &dump->guest->backing, list_absent, &list);
	fclose(list.stream);
	_cleanup_free_ char *text = list.text;
	if (!err && list.count)
		err = absent_error(dump->guest, &list);
	return err;
}

static struct gg_error *copy_ranges(struct dump *dump, const struct gg_vmcore_elf *elf)
{
	_cleanup_free_ uint8_t *buffer = malloc(GG_COPY_CHUNK);
	if (!buffer)
		return gg_enomem;
	for (size_t i = 0; i < dump->map->count; i++) {
		dump->range = &dump->map->ranges[i];
		struct gg_error *err = show_progress(dump);
		if (!err)
			err = gg_copy(&dump->guest->backing, dump->range->hva, dump->range->size,
				      dump->output, elf->segments[i].offset, buffer, count_copied,
				      dump);
		if (err)
			return gg_error_context(err, "the range at 0x%" PRIx64 " (%s)",
						dump->range->start, dump->range->block);
	}
	return NULL;
}

static struct gg_error *write_file(struct dump *dump, struct gg_vmcore_elf *elf,
				   struct gg_dump_result *ret)
{
	_cleanup_free_ void *headers = NULL;
	size_t headers_size;
	struct gg_error *err = gg_vmcore_elf_encode(elf, &headers, &headers_size, &ret->file_size);
	if (err)
		return err;

	const char *protected[3] = { 0 };
	size_t count = 0;
	if (dump->guest->core)
	protected[count++] = gg_core_file_path(dump->guest->core);
	if (dump->guest->program_path)
	protected[count++] = dump->guest->program_path;

	err = gg_output_create(dump->options->path, dump->options->force, protected, &dump->output);
	if (!err)
		err = gg_output_write(dump->output, 0, headers, headers_size);
	if (!err)
		err = copy_ranges(dump, elf);
	if (!err)
		err = gg_output_commit(dump->output, ret->file_size);
	gg_output_destroy(dump->output);
	return err;
}

static struct gg_error *write_vmcore(struct dump *dump, struct gg_dump_result *ret)
{
	struct gg_vmcore_elf elf = { .count = dump->map->count };
	struct gg_error *err = gg_arch_find(dump->guest->host, &elf.arch);
	if (err)
		return err;
	_cleanup_free_ struct gg_vmcore_segment *segments = calloc(elf.count, sizeof(*segments));
	if (!segments)
		return gg_enomem;
	for (size_t i = 0; i < elf.count; i++)
		segments[i] = (struct gg_vmcore_segment){
			.address = dump->map->ranges[i].start,
			.size = dump->map->ranges[i].size,
		};
	elf.segments = segments;
	return write_file(dump, &elf, ret);
}

struct gg_error *gg_dump(struct gg_guest *guest, const struct gg_dump_options *options,
			 struct gg_dump_result *ret)
{
	struct dump dump = { .guest = guest, .options = options, .began = now() };
	gg_interrupt_begin();
	struct gg_error *err = gg_guest_ram_map(guest, &dump.map);
	if (!err && !dump.map->count)
		err = gg_error_create(GG_NOT_FOUND, "the guest has no RAM");
	if (!err)
		err = check_absent(&dump);
	if (!err)
		err = write_vmcore(&dump, ret);
	gg_interrupt_end();
	if (err)
		return err;
	ret->memory_size = dump.map->size;
	ret->seconds = now() - dump.began;
	return NULL;
}
