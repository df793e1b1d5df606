// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's memory as a vmcore, from the RAM map to the file under its name.
//
// The kernel is looked for in the bytes as they are copied, so that a large core is read once; to a
// stream, whose headers come first, it has to be looked for before. While other threads copy, the
// kernel that all CPUs run is found by their page tables, and what the headers need is read; the
// bytes then confirm it. Nothing but the place of RAM is needed to copy it to a file: the CPUs' registers,
// which a debugger with QEMU's debuginfo is slow to read, are read meanwhile too.
#include "base/cleanup.h"
#include "guest/guest.h"
#include "guest/pages.h"
#include "aliases.h"
#include "copy.h"
#include "dump-kdump.h"
#include "format-elf.h"
#include "notes.h"
#include "pieces.h"

#include <gdb-guest/dump.h>
#include <gdb-guest/interrupt.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct dump {
	struct gg_guest *guest;
	const struct gg_dump_options *options;
	const struct gg_ram_map *map;
	const struct gg_codec *codec; // of a compressed kdump; NULL: ELF
	struct gg_pieces pieces;
	struct gg_pieces parts; // of pieces, without excluded pages; of ELF alone
	const struct gg_kernel *kernel;
	bool filtered; // the kernel's pages were looked at:
	struct gg_page_filter filter;
	struct gg_page_set kept; // pages of the filter that go into the file all the same
	bool kept_is_known;
	struct gg_vmcore_elf elf;
	struct gg_buffer notes;
	struct gg_output *output;
	struct gg_vmcoreinfo_scan scans[2]; // of a little-endian and of a big-endian guest
	struct gg_buffer cpu_notes;         // NOTES, as they are before a kernel is known
	bool has_cpu_notes;
	bool lacks_room;     // for CPU_NOTES, whose size was not known when the file was laid out
	bool foreseen;       // the headers have a kernel that is to be confirmed
	uint64_t unreadable; // bytes that were known to be when the pieces were laid out
	bool streams;        // a stream has got its first bytes
	bool told;           // the notices about what is cut are out
	size_t begun;        // pieces whose start has been shown
	double began, last_progress; // seconds
};

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static struct gg_error *show_progress(struct dump *dump, size_t piece, uint64_t done,
				      uint64_t written)
{
	if (!dump->options->progress)
		return NULL;
	dump->last_progress = now();
	struct gg_dump_progress progress = {
		.range = &dump->pieces.pieces[piece],
		.done = done,
		.total = dump->codec ? dump->pieces.size : dump->parts.size,
		.written = written,
		.seconds = dump->last_progress - dump->began,
	};
	return dump->options->progress(dump->options->data, &progress);
}

// ---- Memory ----

static void look_for_kernel(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	struct dump *dump = data;
	for (size_t i = 0; !dump->options->no_notes && i < 2; i++)
		gg_vmcoreinfo_scan_bytes(&dump->scans[i], gpa, bytes, size);
}

// At the start of each piece, and ten times a second.
static struct gg_error *note_progress(struct dump *dump, size_t piece, uint64_t done,
				      uint64_t written)
{
	static const double interval = 0.1;
	struct gg_error *err = NULL;
	while (!err && dump->begun <= piece && dump->begun < dump->pieces.count)
		err = show_progress(dump, dump->begun++, done, written);
	if (!err && piece < dump->pieces.count && now() - dump->last_progress >= interval)
		err = show_progress(dump, piece, done, written);
	return err;
}

static struct gg_error *note_kdump(void *data, size_t piece, uint64_t done, uint64_t written)
{
	return note_progress(data, piece, done, written);
}

static struct gg_error *note_elf(void *data, size_t part, uint64_t done)
{
	struct dump *dump = data;
	const struct gg_pieces *pieces = &dump->pieces;
	size_t piece = dump->begun ? dump->begun - 1 : 0;
	while (piece < pieces->count &&
	       (part == dump->parts.count ||
		pieces->pieces[piece].start + (pieces->pieces[piece].size - 1) <
			dump->parts.pieces[part].start))
		piece++;
	return note_progress(dump, piece, done, 0);
}

// Tests whether more memory is known to be absent than when the pieces were laid out.
static bool is_outdated(const struct dump *dump)
{
	return gg_guest_backing(dump->guest)->unreadable != dump->unreadable;
}

static struct gg_error *check_absent(const struct dump *dump, uint64_t absent)
{
	return absent && !is_outdated(dump)
		       ? gg_error_create(GG_ABSENT, "0x%" PRIx64 " bytes of memory went away",
					 absent)
		       : NULL;
}

// ---- The CPUs ----

// Without notes the memory of any guest will do.
static struct gg_error *find_arch(struct dump *dump, const struct gg_arch **ret)
{
	struct gg_error *err = gg_guest_arch(dump->guest, ret);
	if (!err || gg_error_kind(err) != GG_UNSUPPORTED)
		return err;
	if (!dump->options->no_notes)
		return gg_error_context(err, "the CPUs' registers (-no-notes does without)");
	gg_error_destroy(err);
	*ret = &gg_arch_unknown;
	return gg_tell(dump->options->notices, "the guest's architecture is not known here, and so "
					       "not in the vmcore: its e_machine is EM_NONE");
}

static struct gg_error *prepare_notes(struct dump *dump)
{
	struct gg_vmcore_elf *elf = &dump->elf;
	dump->notes.size = dump->cpu_notes.size = 0;
	struct gg_error *err = find_arch(dump, &elf->arch);
	if (err)
		return err;
	dump->notes.big_endian = elf->arch->big_endian;
	if (!dump->options->no_notes)
		err = gg_vmcore_cpu_notes(dump->guest, elf->arch, dump->options->notices,
					  &dump->notes);
	gg_buffer_append(&dump->cpu_notes, dump->notes.bytes, dump->notes.size);
	if (!err)
		err = gg_buffer_check(&dump->cpu_notes);
	dump->has_cpu_notes = !err;
	return err;
}

// Reads the CPUs' notes where they are not read yet, for a file that is laid out.
static struct gg_error *complete_notes(struct dump *dump)
{
	struct gg_error *err = dump->has_cpu_notes ? NULL : prepare_notes(dump);
	if (err)
		return err;
	dump->lacks_room = dump->cpu_notes.size > dump->elf.notes_room;
	return dump->lacks_room
		       ? gg_error_create(GG_UNSUPPORTED, "%zu bytes of notes", dump->cpu_notes.size)
		       : NULL;
}

// ---- The kernel ----

// The part of the image whose bytes one segment has.
static void place_image(struct gg_vmcore_elf *elf, const struct gg_kernel *kernel)
{
	for (size_t i = 0; !kernel->paging.image_is_direct && i < elf->count; i++) {
		const struct gg_vmcore_segment *segment = &elf->segments[i];
		const uint64_t offset = kernel->image_gpa - segment->gpa;
		if (offset >= segment->size)
			continue;
		const uint64_t left = segment->size - offset;
		elf->image = (struct gg_vmcore_segment){
			.gpa = kernel->image_gpa,
			.gva = kernel->image,
			.size = kernel->image_size < left ? kernel->image_size : left,
			.offset = segment->offset + offset,
		};
	}
}

static struct gg_error *find_aliases(struct dump *dump, const struct gg_kernel *kernel)
{
	bool complete;
	struct gg_error *err = gg_vmcore_find_aliases(dump->guest, kernel, &dump->elf, &complete);
	if (err || complete)
		return err;
	return gg_tell(dump->options->notices,
		       "the kernel maps more pieces of memory than the vmcore has program headers "
		       "for: GDB without gdb-guest cannot read all of the vmalloc memory in it");
}

// Makes the headers as they were before a kernel was known.
static void forget_kernel(struct dump *dump)
{
	dump->foreseen = false;
	dump->elf.image = (struct gg_vmcore_segment){ 0 };
	dump->elf.alias_count = 0;
	for (size_t i = 0; i < dump->elf.count; i++)
		dump->elf.segments[i].gva = 0;
	dump->notes.size = 0;
	gg_buffer_append(&dump->notes, dump->cpu_notes.bytes, dump->cpu_notes.size);
}

static struct gg_error *use_kernel(struct dump *dump, const struct gg_kernel *kernel)
{
	gg_note_append(&dump->notes, "VMCOREINFO", 0, kernel->info.text, kernel->info.size);
	if (dump->codec)
		return NULL;
	place_image(&dump->elf, kernel);
	for (size_t i = 0; i < dump->elf.count; i++) {
		struct gg_vmcore_segment *segment = &dump->elf.segments[i];
		gg_gva_t address;
		if (gg_kernel_direct_address(kernel, segment->gpa, &address))
			segment->gva = address;
	}
	struct gg_error *err = find_aliases(dump, kernel);
	return err ? err : gg_buffer_check(&dump->notes);
}

// SCAN is what was found in the whole of RAM, or NULL. A vmcore without a kernel is one all the
// same.
static struct gg_error *find_kernel(struct dump *dump, const struct gg_vmcoreinfo_scan *scan)
{
	const struct gg_kernel *kernel;
	bool is_same;
	struct gg_error *err = gg_guest_confirm_kernel(dump->guest, scan, dump->options->notices,
						       &kernel, &is_same);
	if (is_same)
		return NULL;
	if (dump->foreseen)
		forget_kernel(dump);
	if (!err)
		return use_kernel(dump, kernel);
	if (gg_error_is_final(err))
		return err;
	struct gg_error *told = gg_tell(dump->options->notices, "%s", gg_error_message(err));
	gg_error_destroy(err);
	return told;
}

// ---- The copy ----

// Reads what the headers need while others copy.
static struct gg_error *foresee_kernel(void *data)
{
	struct dump *dump = data;
	const struct gg_kernel *kernel = NULL;
	struct gg_error *err = complete_notes(dump);
	if (!err && !dump->options->no_notes)
		err = gg_guest_foresee_kernel(dump->guest, &kernel);
	if (err || !kernel)
		return err;
	dump->foreseen = true;
	return use_kernel(dump, kernel);
}

static struct gg_error *copy_memory(struct dump *dump, bool *cloned)
{
	_cleanup_free_ struct gg_job *jobs = calloc(dump->parts.count, sizeof(*jobs));
	if (!jobs)
		return gg_enomem;
	for (size_t i = 0; i < dump->parts.count; i++)
		jobs[i] = (struct gg_job){
			.gpa = dump->parts.pieces[i].start,
			.hva = dump->parts.pieces[i].hva,
			.size = dump->parts.pieces[i].size,
			.offset = dump->elf.segments[i].offset,
		};
	struct gg_copy copy = {
		.backing = gg_guest_backing(dump->guest),
		.output = dump->output,
		.jobs = jobs,
		.count = dump->parts.count,
		.threads = dump->options->threads,
		.seen = look_for_kernel,
		.meanwhile = dump->streams ? NULL : foresee_kernel,
		.progress = note_elf,
		.data = dump,
		.find_absent = dump->options->skip_absent && !dump->streams,
	};
	struct gg_error *err = gg_copy_run(&copy);
	*cloned = copy.cloned;
	return err ? err : check_absent(dump, copy.absent);
}

// ---- The file ----

static struct gg_error *write_headers(struct dump *dump)
{
	_cleanup_free_ void *headers = NULL;
	size_t size;
	struct gg_error *err = gg_vmcore_elf_encode(&dump->elf, &headers, &size);
	return err ? err : gg_copy_write(dump->output, 0, headers, size);
}

static struct gg_error *write_stream(struct dump *dump)
{
	bool cloned;
	struct gg_error *err = dump->options->no_notes ? NULL : find_kernel(dump, NULL);
	if (err || is_outdated(dump))
		return err;
	dump->streams = true;
	err = write_headers(dump);
	return err ? err : copy_memory(dump, &cloned);
}

// The headers come last: without them it is no vmcore.
static struct gg_error *write_file(struct dump *dump)
{
	bool cloned = false;
	struct gg_error *err = copy_memory(dump, &cloned);
	if (is_outdated(dump))
		return err;
	if (!err)
		err = complete_notes(dump);
	if (err)
		return err;
	const bool saw_all = !cloned && !dump->options->filter && !dump->filter.excluded.count;
	struct gg_vmcoreinfo_scan *scan = &dump->scans[dump->elf.arch->big_endian];
	scan->missing = dump->map->size - dump->pieces.size;
	if (!dump->options->no_notes)
		err = find_kernel(dump, saw_all ? scan : NULL);
	return err ? err : write_headers(dump);
}

// Finds the pages that the memmap excludes by mistake.
static struct gg_error *find_kept(void *data)
{
	struct dump *dump = data;
	gg_page_set_deinit(&dump->kept);
	struct gg_error *err = gg_page_filter_find_kept(dump->guest, &dump->filter,
							dump->options->notices, &dump->kept);
	dump->kept_is_known = !err;
	return err;
}

// Writes KDUMP, and once more in the rare case that the memmap turns out to exclude pages by mistake.
static struct gg_error *write_kept(struct dump *dump, struct gg_kdump_dump *kdump)
{
	for (;;) {
		gg_page_set_subtract(&dump->filter.excluded, &dump->kept);
		gg_page_set_deinit(&dump->kept);
		kdump->excluded = dump->filter.excluded.count ? &dump->filter.excluded : NULL;
		kdump->meanwhile = dump->kept_is_known ? NULL : find_kept;
		struct gg_error *err = gg_kdump_dump(kdump);
		if (!err && !dump->kept_is_known)
			err = find_kept(dump);
		if (err || !dump->kept.count)
			return err;
		err = gg_output_restart(dump->output);
		if (err)
			return err;
	}
}

static struct gg_error *write_kdump(struct dump *dump, struct gg_dump_result *ret)
{
	struct gg_kdump_dump kdump = {
		.guest = dump->guest,
		.kernel = dump->options->no_notes ? NULL : dump->kernel,
		.options = dump->options,
		.codec = dump->codec,
		.arch = dump->elf.arch,
		.map = dump->map,
		.pieces = &dump->pieces,
		.page_size = gg_kdump_page_size(dump->kernel),
		.notes = &dump->notes,
		.cpu_notes_size = dump->cpu_notes.size,
		.output = dump->output,
		.find_absent = dump->options->skip_absent && !dump->streams,
		.progress = note_kdump,
		.data = dump,
	};
	struct gg_error *err = dump->options->no_notes ? NULL : find_kernel(dump, NULL);
	if (err || is_outdated(dump))
		return err;
	dump->streams = gg_output_is_sequential(dump->output);
	err = write_kept(dump, &kdump);
	ret->file_size = kdump.file_size;
	ret->memory_size = kdump.memory_size;
	return err ? err : check_absent(dump, kdump.absent);
}

// ---- What goes into the file ----

static struct gg_error *find_pieces(struct dump *dump)
{
	const struct gg_piece_options options = {
		.filter = dump->options->filter,
		.begin = dump->options->begin,
		.length = dump->options->length,
		.skip_absent = dump->options->skip_absent,
	};
	struct gg_error *err = gg_guest_ram_map(dump->guest, &dump->map);
	if (!err)
		dump->unreadable = gg_guest_backing(dump->guest)->unreadable;
	if (!err)
		err = gg_pieces_init(&dump->pieces, dump->map, gg_guest_absent_advice(dump->guest),
				     &options, dump->options->notices);
	return err;
}

static struct gg_error *lay_out(struct dump *dump, uint64_t *file_size)
{
	enum { NOTES_ROOM = 128 << 10 }; // for some 150 CPUs: a hole
	struct gg_vmcore_elf *elf = &dump->elf;
	elf->notes = &dump->notes;
	elf->notes_room = dump->cpu_notes.size > NOTES_ROOM ? dump->cpu_notes.size : NOTES_ROOM;
	elf->count = dump->parts.count;
	elf->alias_room = dump->options->no_notes ? 0 : GG_VMCORE_MAX_ALIASES;
	elf->segments = calloc(elf->count, sizeof(*elf->segments));
	if (!elf->segments)
		return gg_enomem;
	for (size_t i = 0; i < elf->count; i++)
		elf->segments[i] = (struct gg_vmcore_segment){
			.gpa = dump->parts.pieces[i].start,
			.size = dump->parts.pieces[i].size,
		};
	return gg_vmcore_elf_lay_out(elf, file_size);
}

// ---- Pages ----

// Finds the kernel and the pages that the level leaves out. A guest without a kernel, or a kernel whose pages
// cannot be told apart, is dumped as a whole.
static struct gg_error *find_excluded(struct dump *dump)
{
	const unsigned int level = dump->options->level & ~(unsigned int)GG_LEVEL_ZERO;
	const struct gg_notices *notices = dump->options->notices;
	dump->filtered = true;
	struct gg_error *err =
		gg_guest_kernel(dump->guest, NULL, level ? notices : NULL, &dump->kernel);
	// The end of the struct pages matters without a level, too.
	if (!err)
		err = gg_page_filter_init(dump->guest, level ? level : GG_LEVEL_FREE,
					  dump->options->threads, level ? notices : NULL,
					  &dump->filter);
	if (err && gg_error_is_final(err))
		return err;
	if (err || !level)
		gg_page_filter_deinit(&dump->filter);
	struct gg_error *told = NULL;
	if (err && level)
		told = gg_tell(notices, "no pages are left out: %s", gg_error_message(err));
	gg_error_destroy(err);
	return told;
}

// Cuts what goes into the file: by pages, which a kdump has, or by what an ELF file leaves out.
static struct gg_error *cut_pieces(struct dump *dump)
{
	// Shorter holes would cost the readers more in program headers than they save in bytes.
	enum { SHORTEST_HOLE = 16 };
	const uint64_t page_size = gg_kdump_page_size(dump->kernel);
	const struct gg_notices *notices = dump->told ? NULL : dump->options->notices;
	dump->told = true;
	if (!dump->codec)
		return gg_pieces_split(&dump->pieces, &dump->filter.excluded, page_size,
				       SHORTEST_HOLE, &dump->parts);
	struct gg_error *err = gg_pieces_trim(&dump->pieces, page_size,
					      dump->filter.census.end * page_size, notices);
	return err || dump->pieces.count
		       ? err
		       : gg_error_create(GG_NOT_FOUND, "no whole page of RAM goes into the file");
}

// Tests whether more than one thread works on the memory.
static bool works_together(const struct dump *dump)
{
	return gg_workers_count(gg_guest_backing(dump->guest), dump->options->threads,
				GG_MAX_WORKERS) > 1;
}

// Tests whether the pages that the memmap excludes by mistake are looked for while others work.
static bool finds_kept_later(const struct dump *dump)
{
	return dump->codec && !gg_output_is_sequential(dump->output) && works_together(dump);
}

// Tests whether the CPUs' notes are read while others copy.
static bool reads_notes_later(const struct dump *dump)
{
	return !dump->codec && !(dump->options->level & ~(unsigned int)GG_LEVEL_ZERO) &&
	       !gg_output_is_sequential(dump->output) && works_together(dump);
}

static struct gg_error *prepare_memory(struct dump *dump, uint64_t *file_size)
{
	struct gg_error *err =
		dump->has_cpu_notes || reads_notes_later(dump) ? NULL : prepare_notes(dump);
	if (!err && !dump->filtered &&
	    (dump->codec || dump->options->level & ~(unsigned int)GG_LEVEL_ZERO))
		err = find_excluded(dump);
	if (!err && !dump->kept_is_known && !finds_kept_later(dump)) {
		err = find_kept(dump);
		gg_page_set_subtract(&dump->filter.excluded, &dump->kept);
	}
	if (!err)
		err = cut_pieces(dump);
	return err || dump->codec ? err : lay_out(dump, file_size);
}

// ---- From there to its name ----

static void forget_found(struct dump *dump)
{
	for (size_t i = 0; i < 2; i++)
		dump->scans[i] = (struct gg_vmcoreinfo_scan){ .big_endian = i };
}

// Once more, without the memory that was found to be absent: an error lists it, or it is left out.
static struct gg_error *start_anew(struct dump *dump, uint64_t *file_size)
{
	gg_pieces_deinit(&dump->pieces);
	gg_pieces_deinit(&dump->parts);
	free(no_cleanup_ptr(dump->elf.segments));
	dump->elf.count = 0;
	forget_kernel(dump);
	forget_found(dump);
	dump->lacks_room = false;
	dump->begun = 0;
	struct gg_error *err = gg_output_restart(dump->output);
	if (!err)
		err = find_pieces(dump);
	return err ? err : prepare_memory(dump, file_size);
}

static struct gg_error *write_once(struct dump *dump, struct gg_dump_result *ret)
{
	ret->memory_size = dump->parts.size;
	if (dump->codec)
		return write_kdump(dump, ret);
	return gg_output_is_sequential(dump->output) ? write_stream(dump) : write_file(dump);
}

// Tests whether the file is to be written once more, after ERR (borrowed) or success.
static bool needs_another(const struct dump *dump, const struct gg_error *err)
{
	const bool is_absent = !err || gg_error_kind(err) == GG_ABSENT;
	return dump->lacks_room || (is_outdated(dump) && is_absent);
}

static struct gg_error *write_all(struct dump *dump, struct gg_dump_result *ret)
{
	enum { MOST_ATTEMPTS = 4 }; // one finds all that is absent, unless more becomes so
	for (unsigned int attempt = 0;; attempt++) {
		struct gg_error *err = write_once(dump, ret);
		if (!needs_another(dump, err))
			return err;
		if (dump->streams)
			return gg_error_context(err, "a stream cannot be begun anew; name a file");
		gg_error_destroy(err);
		if (attempt == MOST_ATTEMPTS)
			return gg_error_create(GG_ABSENT, "more and more memory cannot be read");
		err = start_anew(dump, &ret->file_size);
		if (err)
			return err;
	}
}

static struct gg_error *check_output(const struct dump *dump)
{
	return dump->codec && !dump->options->flattened && gg_output_is_sequential(dump->output)
		       ? gg_error_create(
				 GG_INVALID,
				 "%s is a stream, which a kdump is written to with -flattened "
				 "only; name a file, or take -format elf",
				 dump->options->path)
		       : NULL;
}

static struct gg_error *check_format(struct dump *dump)
{
	const struct gg_dump_options *options = dump->options;
	const char *format = options->format ? options->format : "elf";
	dump->codec = gg_kdump_codec(format);
	if (!dump->codec && strcmp(format, "elf"))
		return gg_error_create(GG_INVALID, "there is no format \"%s\"; kdump-zlib is one",
				       format);
	if (options->flattened && !dump->codec)
		return gg_error_create(GG_INVALID,
				       "-flattened is for a kdump; a stream takes elf as it is");
	if (options->small && (!dump->codec || !dump->codec->can_be_small))
		return gg_error_create(
			GG_INVALID, "-small is for kdump-zlib and kdump-zstd, not for %s", format);
	return NULL;
}

static struct gg_error *write_output(struct dump *dump, struct gg_dump_result *ret)
{
	struct gg_error *err = gg_output_create(dump->options->path, dump->options->force,
						gg_guest_files(dump->guest), &dump->output);
	if (!err)
		err = check_output(dump);
	if (!err)
		err = prepare_memory(dump, &ret->file_size);
	if (!err)
		err = write_all(dump, ret);
	if (!err)
		err = gg_output_commit(dump->output, ret->file_size);
	gg_output_destroy(dump->output);
	return err;
}

struct gg_error *gg_dump(struct gg_guest *guest, const struct gg_dump_options *options,
			 struct gg_dump_result *ret)
{
	struct dump dump = { .guest = guest, .options = options, .began = now() };
	struct gg_error *err = check_format(&dump);
	if (err)
		return err;
	forget_found(&dump);
	gg_interrupt_begin();
	err = find_pieces(&dump);
	if (!err)
		err = write_output(&dump, ret);
	gg_interrupt_end();
	ret->is_compressed = dump.codec;
	ret->left_out = dump.pieces.size - ret->memory_size;
	ret->seconds = now() - dump.began;
	gg_buffer_deinit(&dump.notes);
	gg_buffer_deinit(&dump.cpu_notes);
	free(dump.elf.segments);
	free(dump.elf.aliases);
	gg_pieces_deinit(&dump.pieces);
	gg_pieces_deinit(&dump.parts);
	gg_page_filter_deinit(&dump.filter);
	gg_page_set_deinit(&dump.kept);
	return err;
}
