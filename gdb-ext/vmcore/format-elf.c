// SPDX-License-Identifier: GPL-3.0-or-later
//
// The headers of an ELF vmcore (System V gABI, chapters 4 and 5), encoded by libelf.
//
// In:  the segments, the notes.
// Out: the segments' places in the file, and the bytes that stand before them.
//
// The notes are complete when all memory has been looked at; memory's place in the file must be certain
// before memory is copied. So there is room for all headers and notes that may come.
//
// libelf writes to a file descriptor and wants to seek in it; the vmcore may be a FIFO. So it
// writes into a memfd.
#include "format-elf.h"
#include "base/cleanup.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t align_up(uint64_t value)
{
	return (value + GG_VMCORE_ALIGNMENT - 1) / GG_VMCORE_ALIGNMENT * GG_VMCORE_ALIGNMENT;
}

static struct gg_error *elf_error(const char *what)
{
	return gg_error_create(GG_SYSTEM, "%s: libelf: %s", what, elf_errmsg(-1));
}

// Returns the largest number of program headers: besides the segments, the notes, the image and the
// aliases.
static size_t max_headers(const struct gg_vmcore_elf *elf)
{
	return elf->count + 2 + elf->alias_room;
}

static void cut_alias_room(struct gg_vmcore_elf *elf)
{
	const size_t others = elf->count + 2;
	const size_t left = others < PN_XNUM ? PN_XNUM - 1 - others : 0;
	if (elf->alias_room > left)
		elf->alias_room = left;
}

// Returns the offset of the notes: the same whether or not all headers come to be.
static uint64_t notes_offset(const struct gg_vmcore_elf *elf)
{
	return sizeof(Elf64_Ehdr) + max_headers(elf) * sizeof(Elf64_Phdr) + 2 * sizeof(Elf64_Shdr);
}

struct gg_error *gg_vmcore_elf_lay_out(struct gg_vmcore_elf *elf, uint64_t *file_size)
{
	cut_alias_room(elf);
	uint64_t offset = notes_offset(elf) + elf->notes_room + GG_VMCORE_RESERVE;
	for (size_t i = 0; i < elf->count; i++) {
		struct gg_vmcore_segment *segment = &elf->segments[i];
		segment->offset = align_up(offset);
		if (__builtin_add_overflow(segment->offset, segment->size, &offset) ||
		    offset > INT64_MAX)
			return gg_error_create(GG_BAD_DATA,
					       "0x%" PRIx64 " bytes at 0x%" PRIx64
					       " make the file larger than 2^63 bytes",
					       segment->size, segment->gpa);
	}
	*file_size = offset;
	return NULL;
}

static struct gg_error *write_load(Elf *out, int index, const struct gg_vmcore_segment *segment)
{
	GElf_Phdr phdr = {
		.p_type = PT_LOAD,
		.p_offset = segment->offset,
		.p_vaddr = segment->gva,
		.p_paddr = segment->gpa,
		.p_filesz = segment->size,
		.p_memsz = segment->size,
	};
	return gelf_update_phdr(out, index, &phdr) ? NULL : elf_error("program header");
}

static struct gg_error *write_program_headers(Elf *out, const struct gg_vmcore_elf *elf)
{
	int index = 0;
	struct gg_error *err = NULL;
	if (elf->notes->size) {
		GElf_Phdr phdr = {
			.p_type = PT_NOTE,
			.p_offset = notes_offset(elf),
			.p_filesz = elf->notes->size,
			.p_memsz = elf->notes->size,
		};
		if (!gelf_update_phdr(out, index++, &phdr))
			return elf_error("program header");
	}
	// Before the ranges, so that whoever takes the first match of an address finds the image.
	if (elf->image.size)
		err = write_load(out, index++, &elf->image);
	for (size_t i = 0; !err && i < elf->count; i++)
		err = write_load(out, index++, &elf->segments[i]);
	for (size_t i = 0; !err && i < elf->alias_count; i++)
		err = write_load(out, index++, &elf->aliases[i]);
	return err;
}

// elf_update() fills the gap before a section with zeros: one at offset 0 would cost the ELF
// header.
static struct gg_error *move_empty_section(Elf *out, uint64_t offset)
{
	Elf_Scn *section = elf_getscn(out, 1);
	GElf_Shdr shdr;
	if (!section || !gelf_getshdr(section, &shdr))
		return elf_error("section header");
	shdr.sh_offset = offset;
	return gelf_update_shdr(section, &shdr) ? NULL : elf_error("section header");
}

// Returns the file's class: the architecture's, but that of 64 bits where an address or an offset
// needs them.
static int file_class(const struct gg_vmcore_elf *elf)
{
	uint64_t last = 0;
	for (size_t i = 0; i < elf->count; i++)
		last |= (elf->segments[i].gpa + (elf->segments[i].size - 1)) |
			(elf->segments[i].offset + (elf->segments[i].size - 1));
	return last > UINT32_MAX ? ELFCLASS64 : elf->arch->elf_class;
}

static struct gg_error *write_headers(Elf *out, const struct gg_vmcore_elf *elf)
{
	const size_t count = elf->count + !!elf->notes->size + !!elf->image.size + elf->alias_count;
	// Section 0 counts what e_phnum cannot; libelf makes it together with a section 1, here
	// empty.
	const bool counted_in_section = count >= PN_XNUM;
	if (!gelf_newehdr(out, file_class(elf)) || (counted_in_section && !elf_newscn(out)) ||
	    !gelf_newphdr(out, count))
		return elf_error("new headers");
	elf_flagelf(out, ELF_C_SET, ELF_F_LAYOUT);

	GElf_Ehdr ehdr;
	if (!gelf_getehdr(out, &ehdr))
		return elf_error("ELF header");
	ehdr.e_ident[EI_DATA] = elf->arch->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	ehdr.e_type = ET_CORE;
	ehdr.e_machine = elf->arch->elf_machine;
	ehdr.e_version = EV_CURRENT;
	ehdr.e_ehsize = (GElf_Half)gelf_fsize(out, ELF_T_EHDR, 1, EV_CURRENT);
	ehdr.e_phoff = ehdr.e_ehsize;
	if (counted_in_section)
		ehdr.e_shoff = ehdr.e_phoff + gelf_fsize(out, ELF_T_PHDR, count, EV_CURRENT);
	if (!gelf_update_ehdr(out, &ehdr))
		return elf_error("ELF header");

	struct gg_error *err =
		counted_in_section ? move_empty_section(out, notes_offset(elf)) : NULL;
	if (!err)
		err = write_program_headers(out, elf);
	if (!err && elf_update(out, ELF_C_WRITE) < 0)
		err = elf_error("writing");
	return err;
}

// All of the memfd, and behind it the notes.
static struct gg_error *read_back(int fd, const struct gg_vmcore_elf *elf, void **ret, size_t *size)
{
	const size_t start = (size_t)notes_offset(elf);
	*size = start + elf->notes->size;
	_cleanup_free_ char *bytes = calloc(1, *size);
	if (!bytes)
		return gg_enomem;
	for (size_t done = 0; done < start;) {
		ssize_t got = pread(fd, bytes + done, start - done, (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return gg_error_system(errno, "reading them back");
		if (!got)
			break;
		done += (size_t)got;
	}
	if (elf->notes->size)
		memcpy(bytes + start, elf->notes->bytes, elf->notes->size);
	*ret = no_cleanup_ptr(bytes);
	return NULL;
}

struct gg_error *gg_vmcore_elf_encode(const struct gg_vmcore_elf *elf, void **ret, size_t *size)
{
	_cleanup_close_ int fd = memfd_create("vmcore headers", MFD_CLOEXEC);
	if (fd < 0)
		return gg_error_system(errno, "memfd_create");

	elf_version(EV_CURRENT);
	Elf *out = elf_begin(fd, ELF_C_WRITE, NULL);
	if (!out)
		return elf_error("elf_begin");
	struct gg_error *err = write_headers(out, elf);
	elf_end(out);
	if (!err)
		err = read_back(fd, elf, ret, size);
	return err ? gg_error_context(err, "encoding the ELF headers") : NULL;
}
