// SPDX-License-Identifier: GPL-3.0-or-later
#include "dump-kdump.h"
#include "base/cleanup.h"

#include <gdb-guest/pages.h>
#include <string.h>
#include <time.h>

const struct gg_codec *gg_kdump_codec(const char *format)
{
	for (const struct gg_codec *codec = gg_codecs; codec->name; codec++)
		if (!strcmp(codec->name, format))
			return codec;
	return NULL;
}

const char *gg_dump_format(unsigned int index)
{
	return index ? gg_codecs[index - 1].name : "elf";
}

uint64_t gg_kdump_page_size(const struct gg_kernel *kernel)
{
	return kernel ? gg_page_table_page_size(kernel->table) : GG_KDUMP_MIN_PAGE;
}

// Sets the names of the kernel, which the caller frees, and the machine.
static void set_names(const struct gg_kdump_dump *dump, char *names[GG_KDUMP_UTS],
		      struct gg_kdump *kdump)
{
	enum { MACHINE = 4 };
	for (unsigned int i = 0; dump->kernel && i < GG_KDUMP_UTS; i++)
		kdump->uts[i] = names[i] = gg_kernel_uts(dump->kernel, i);
	if (dump->kernel && !names[0])
		kdump->uts[0] = "Linux";
	if (dump->kernel && !names[GG_UTS_RELEASE])
		kdump->uts[GG_UTS_RELEASE] = names[GG_UTS_RELEASE] =
			gg_vmcoreinfo_value(&dump->kernel->info, "OSRELEASE");
	if (!kdump->uts[MACHINE] || !*kdump->uts[MACHINE])
		kdump->uts[MACHINE] = dump->arch->name;
}

static void set_notes(const struct gg_kdump_dump *dump, struct gg_kdump *kdump)
{
	kdump->notes = dump->notes;
	if (!dump->kernel || dump->notes->size == dump->cpu_notes_size)
		return;
	kdump->vmcoreinfo = dump->cpu_notes_size + GG_VMCOREINFO_HEADER;
	kdump->vmcoreinfo_size = dump->kernel->info.size;
	kdump->phys_base = (uint64_t)gg_vmcoreinfo_number_or(&dump->kernel->info, "phys_base", 0);
}

static struct gg_error *count_cpus(struct gg_guest *guest, uint32_t *ret)
{
	const struct gg_qemu_cpus *cpus;
	*ret = 1;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (err && gg_error_is_final(err))
		return err;
	if (!err && cpus->count)
		*ret = (uint32_t)cpus->count;
	gg_error_destroy(err);
	return NULL;
}

// Makes the ranges of whole pages of all RAM, below the last piece's end.
static struct gg_kdump_range *memory_of(const struct gg_kdump_dump *dump, uint64_t end)
{
	const uint64_t page_size = dump->page_size;
	struct gg_kdump_range *memory = calloc(dump->map->count, sizeof(*memory));
	for (size_t i = 0; memory && i < dump->map->count; i++) {
		const struct gg_ram_range *range = &dump->map->ranges[i];
		const uint64_t first = (range->start + page_size - 1) / page_size * page_size;
		uint64_t last = (range->start + range->size) / page_size * page_size;
		if (last > end)
			last = end;
		memory[i].start = first;
		memory[i].size = last > first ? last - first : 0;
	}
	return memory;
}

static struct gg_error *write_pieces(struct gg_kdump_dump *dump, struct gg_kdump *kdump)
{
	const struct gg_pieces *pieces = dump->pieces;
	const struct gg_ram_range *last = &pieces->pieces[pieces->count - 1];
	_cleanup_free_ struct gg_job *jobs = calloc(pieces->count, sizeof(*jobs));
	_cleanup_free_ struct gg_kdump_range *memory = memory_of(dump, last->start + last->size);
	if (!jobs || !memory)
		return gg_enomem;
	for (size_t i = 0; i < pieces->count; i++)
		jobs[i] = (struct gg_job){ .gpa = pieces->pieces[i].start,
					   .hva = pieces->pieces[i].hva,
					   .size = pieces->pieces[i].size };
	kdump->pages = (last->start + last->size) / dump->page_size;
	struct gg_kdump_writer writer = {
		.kdump = kdump,
		.codec = dump->codec,
		.small = dump->options->small,
		.flattened = dump->options->flattened,
		.threads = dump->options->threads,
		.output = dump->output,
		.backing = gg_guest_backing(dump->guest),
		.jobs = jobs,
		.count = pieces->count,
		.excluded = dump->excluded,
		.memory = memory,
		.memory_count = dump->map->count,
		.progress = dump->progress,
		.meanwhile = dump->meanwhile,
		.data = dump->data,
		.find_absent = dump->find_absent,
	};
	struct gg_error *err = gg_kdump_write(&writer);
	dump->absent = writer.absent;
	dump->file_size = writer.file_size;
	dump->memory_size = kdump->described * dump->page_size;
	return err;
}

struct gg_error *gg_kdump_dump(struct gg_kdump_dump *dump)
{
	enum { ZEROS = 1 }; // which the file has once
	char *names[GG_KDUMP_UTS] = { 0 };
	struct gg_kdump kdump = {
		.arch = dump->arch,
		.time = time(NULL),
		.page_size = (uint32_t)dump->page_size,
		.codec_flag = dump->codec->flag,
		.dump_level = (dump->options->level & GG_LEVEL_ALL) | ZEROS,
		.lacks_memmap = dump->excluded && dump->options->level & GG_LEVEL_MEMMAP,
	};
	set_names(dump, names, &kdump);
	set_notes(dump, &kdump);
	struct gg_error *err = count_cpus(dump->guest, &kdump.cpus);
	if (!err)
		err = write_pieces(dump, &kdump);
	for (size_t i = 0; i < GG_KDUMP_UTS; i++)
		free(names[i]);
	return err;
}
