// SPDX-License-Identifier: GPL-3.0-or-later
//
// An ELF vmcore (System V gABI, chapter 5; Linux fs/proc/vmcore.c, QEMU dump/dump.c, makedumpfile
// elf_info.c).
//
// A PT_LOAD says which guest-physical memory (p_paddr) the file has at which offset. Two headers
// may have the same memory: kdump's and this library's vmcores have another header for the kernel's
// image. The bytes are the same then, and the header that begins first counts. A p_filesz below
// p_memsz is memory that was left out.
#include "base/cleanup.h"
#include "pread.h"
#include "vmcore-file.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

// Guest-physical memory, or the part of a header's memory that the file lacks.
struct segment {
	uint64_t start, end; // guest-physical
	uint64_t offset;     // of START in the file; of held memory
	enum gg_vmcore_kind kind;
};

struct segments {
	struct segment *segments; // ascending, disjoint
	size_t count;
};

struct elf_state {
	Elf *elf;
	struct segments held, missing;
};

// ---- Headers ----

static int compare_segments(const void *left, const void *right)
{
	const struct segment *a = left, *b = right;
	if (a->start != b->start)
		return a->start > b->start ? 1 : -1;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

static void append(struct segments *segments, const struct segment *segment)
{
	if (segment->start < segment->end)
		segments->segments[segments->count++] = *segment;
}

// Adds the memory of PHDR: the bytes that the file holds, and the rest.
static void add_segment(struct gg_vmcore_file *file, const GElf_Phdr *phdr, uint64_t file_size)
{
	struct elf_state *state = file->state;
	struct segment held = { .start = phdr->p_paddr, .offset = phdr->p_offset };
	struct segment missing;
	const uint64_t announced = phdr->p_filesz < phdr->p_memsz ? phdr->p_filesz : phdr->p_memsz;
	const uint64_t left = phdr->p_offset < file_size ? file_size - phdr->p_offset : 0;
	// Memory without a physical address has -1 for p_paddr.
	if (__builtin_add_overflow(held.start, phdr->p_memsz, &missing.end))
		return;
	held.kind = GG_VMCORE_HELD;
	held.end = missing.start = held.start + (announced < left ? announced : left);
	append(&state->held, &held);
	missing.kind = GG_VMCORE_CUT_OFF;
	missing.offset = 0;
	file->cut_off |= announced > left;
	if (announced > left) {
		struct segment cut = missing;
		cut.end = held.start + announced;
		append(&state->missing, &cut);
		missing.start = cut.end;
	}
	missing.kind = GG_VMCORE_EXCLUDED;
	append(&state->missing, &missing);
}

// Cuts off each segment's beginning that another has already.
static void make_disjoint(struct segments *segments)
{
	size_t kept = 0;
	uint64_t end = 0;
	qsort(segments->segments, segments->count, sizeof(*segments->segments), compare_segments);
	for (size_t i = 0; i < segments->count; i++) {
		struct segment segment = segments->segments[i];
		const uint64_t overlap = segment.start < end ? end - segment.start : 0;
		if (overlap >= segment.end - segment.start)
			continue;
		segment.start += overlap;
		segment.offset += overlap;
		end = segment.end;
		segments->segments[kept++] = segment;
	}
	segments->count = kept;
}

static struct gg_error *add_notes(struct gg_vmcore_file *file, const GElf_Phdr *phdr)
{
	if (phdr->p_filesz > GG_VMCORE_MAX_NOTES - file->notes.size)
		return gg_error_create(GG_BAD_DATA,
				       "its notes have %" PRIu64 " bytes, more than %d",
				       (uint64_t)phdr->p_filesz, GG_VMCORE_MAX_NOTES);
	_cleanup_free_ uint8_t *bytes = malloc(phdr->p_filesz + 1);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err =
		gg_vmcore_pread(file->fd, bytes, (size_t)phdr->p_filesz, phdr->p_offset);
	if (err)
		return gg_error_context(err, "its notes");
	gg_buffer_append(&file->notes, bytes, (size_t)phdr->p_filesz);
	return gg_buffer_check(&file->notes);
}

// Finds the number of program headers. A header has at least 32 bytes in the file.
static struct gg_error *count_headers(struct elf_state *state, uint64_t file_size, size_t *ret)
{
	enum { SMALLEST_HEADER = sizeof(Elf32_Phdr) };
	if (elf_getphdrnum(state->elf, ret))
		return gg_error_create(GG_BAD_DATA, "no program headers: %s", elf_errmsg(-1));
	if (!*ret)
		return gg_error_create(GG_BAD_DATA, "no program headers");
	if (*ret > file_size / SMALLEST_HEADER)
		return gg_error_create(GG_BAD_DATA,
				       "%zu program headers in a file of %" PRIu64 " bytes", *ret,
				       file_size);
	// Each header is memory that is held, cut off and excluded at most.
	state->held.segments = calloc(*ret, sizeof(struct segment));
	state->missing.segments = calloc(*ret, 2 * sizeof(struct segment));
	return state->held.segments && state->missing.segments ? NULL : gg_enomem;
}

static struct gg_error *read_program_headers(struct gg_vmcore_file *file)
{
	struct elf_state *state = file->state;
	struct stat status;
	size_t count;
	if (fstat(file->fd, &status))
		return gg_error_system(errno, "fstat");
	struct gg_error *err = count_headers(state, (uint64_t)status.st_size, &count);
	for (size_t i = 0; !err && i < count; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(state->elf, (int)i, &phdr))
			return gg_error_create(GG_BAD_DATA, "program header %zu: %s", i,
					       elf_errmsg(-1));
		if (phdr.p_type == PT_NOTE)
			err = add_notes(file, &phdr);
		else if (phdr.p_type == PT_LOAD)
			add_segment(file, &phdr, (uint64_t)status.st_size);
	}
	if (err)
		return err;
	make_disjoint(&state->held);
	make_disjoint(&state->missing);
	return NULL;
}

static struct gg_error *read_headers(struct gg_vmcore_file *file)
{
	struct elf_state *state = file->state;
	GElf_Ehdr ehdr;
	elf_version(EV_CURRENT);
	state->elf = elf_begin(file->fd, ELF_C_READ, NULL);
	if (!state->elf || elf_kind(state->elf) != ELF_K_ELF || !gelf_getehdr(state->elf, &ehdr))
		return gg_error_create(GG_BAD_DATA, "not readable as ELF: %s", elf_errmsg(-1));
	if (ehdr.e_type != ET_CORE)
		return gg_error_create(GG_BAD_DATA, "not a core (e_type is %u, not %u)",
				       ehdr.e_type, ET_CORE);
	file->machine = ehdr.e_machine;
	file->big_endian = ehdr.e_ident[EI_DATA] == ELFDATA2MSB;
	file->address_size = ehdr.e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	return read_program_headers(file);
}

// ---- Memory ----

// Finds the first segment that ends behind GPA, or NULL.
static const struct segment *find_segment(const struct segments *segments, gg_gpa_t gpa)
{
	size_t low = 0, high = segments->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (segments->segments[middle].end > gpa)
			high = middle;
		else
			low = middle + 1;
	}
	return low < segments->count ? &segments->segments[low] : NULL;
}

// Cuts EXTENT, which is no memory, by SEGMENT; SEGMENT may be NULL.
static void cut_by_segment(const struct segment *segment, gg_gpa_t gpa,
			   struct gg_vmcore_extent *extent)
{
	if (!segment)
		return;
	const bool is_in = segment->start <= gpa;
	const uint64_t alike = (is_in ? segment->end : segment->start) - gpa;
	if (alike < extent->size)
		extent->size = alike;
	if (!is_in)
		return;
	extent->kind = segment->kind;
	if (segment->kind == GG_VMCORE_HELD)
		extent->offset = (int64_t)(segment->offset + (gpa - segment->start));
}

static struct gg_error *elf_extent(struct gg_vmcore_file *file, gg_gpa_t gpa, uint64_t size,
				   struct gg_vmcore_extent *ret)
{
	const struct elf_state *state = file->state;
	*ret = (struct gg_vmcore_extent){ .size = size, .kind = GG_VMCORE_NO_MEMORY, .offset = -1 };
	cut_by_segment(find_segment(&state->held, gpa), gpa, ret);
	if (ret->kind == GG_VMCORE_NO_MEMORY)
		cut_by_segment(find_segment(&state->missing, gpa), gpa, ret);
	return NULL;
}

static struct gg_error *elf_read(struct gg_vmcore_file *file, gg_gpa_t gpa, void *buffer,
				 size_t size)
{
	struct gg_vmcore_extent extent;
	struct gg_error *err = elf_extent(file, gpa, size, &extent);
	if (!err)
		err = gg_vmcore_pread(file->fd, buffer, size, (uint64_t)extent.offset);
	return err ? gg_error_context(err, "vmcore %s", file->path) : NULL;
}

static void elf_destroy(struct gg_vmcore_file *file)
{
	struct elf_state *state = file->state;
	elf_end(state->elf);
	free(state->held.segments);
	free(state->missing.segments);
	free(state);
}

static const struct gg_vmcore_file_ops elf_ops = {
	.extent = elf_extent,
	.read = elf_read,
	.destroy = elf_destroy,
};

struct gg_error *gg_vmcore_elf_init(struct gg_vmcore_file *file)
{
	struct elf_state *state = calloc(1, sizeof(*state));
	if (!state)
		return gg_enomem;
	file->ops = &elf_ops;
	file->format = "ELF";
	file->state = state;
	return read_headers(file);
}
