// SPDX-License-Identifier: GPL-3.0-or-later
//
// The headers of an ELF vmcore (System V gABI, chapters 4 and 5), encoded by libelf.
//
// In:  the segments.
// Out: their places in the file, and the bytes that stand before them.
//
// libelf writes to a file descriptor and wants to seek in it; the vmcore may be a FIFO. So it
// writes into a memfd.
#include "elf.h"
#include "../cleanup.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static uint64_t align_up(uint64_t value)
{
	return (value + GG_VMCORE_ALIGNMENT - 1) / GG_VMCORE_ALIGNMENT * GG_VMCORE_ALIGNMENT;
}

static struct gg_error *elf_error(const char *what)
{
	return gg_error_create(GG_SYSTEM, "%s: libelf: %s", what, elf_errmsg(-1));
}

// Behind the headers, each segment's bytes aligned.
static struct gg_error *lay_out(struct gg_vmcore_elf *elf, size_t headers_size, uint64_t *file_size)
{
	uint64_t offset = headers_size;
	for (size_t i = 0; i < elf->count; i++) {
		struct gg_vmcore_segment *segment = &elf->segments[i];
		segment->offset = align_up(offset);
		if (__builtin_add_overflow(segment->offset, segment->size, &offset) ||
		    offset > INT64_MAX)
			return gg_error_create(GG_BAD_DATA,
					       "0x%" PRIx64 " bytes at 0x%" PRIx64
					       " make the file larger than 2^63 bytes",
					       segment->size, segment->address);
	}
	*file_size = offset;
	return NULL;
}

static struct gg_error *write_program_headers(Elf *out, const struct gg_vmcore_elf *elf)
{
	for (size_t i = 0; i < elf->count; i++) {
		const struct gg_vmcore_segment *segment = &elf->segments[i];
		GElf_Phdr phdr = {
			.p_type = PT_LOAD,
			.p_offset = segment->offset,
			.p_paddr = segment->address,
			.p_filesz = segment->size,
			.p_memsz = segment->size,
		};
		if (!gelf_update_phdr(out, (int)i, &phdr))
			return elf_error("program header");
	}
	return NULL;
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

static struct gg_error *write_headers(Elf *out, struct gg_vmcore_elf *elf, uint64_t *file_size)
{
	// Section 0 counts what e_phnum cannot; libelf makes it together with a section 1, here
	// empty.
	bool counted_in_section = elf->count >= PN_XNUM;
	if (!gelf_newehdr(out, elf->arch->elf_class) || (counted_in_section && !elf_newscn(out)) ||
	    !gelf_newphdr(out, elf->count))
		return elf_error("new headers");
	elf_flagelf(out, ELF_C_SET, ELF_F_LAYOUT);

	GElf_Ehdr ehdr;
	if (!gelf_getehdr(out, &ehdr))
		return elf_error("ELF header");
	ehdr.e_ident[EI_DATA] = elf->arch->elf_data;
	ehdr.e_type = ET_CORE;
	ehdr.e_machine = elf->arch->elf_machine;
	ehdr.e_version = EV_CURRENT;
	ehdr.e_ehsize = (GElf_Half)gelf_fsize(out, ELF_T_EHDR, 1, EV_CURRENT);
	ehdr.e_phoff = ehdr.e_ehsize;
	size_t end = ehdr.e_phoff + gelf_fsize(out, ELF_T_PHDR, elf->count, EV_CURRENT);
	if (counted_in_section) {
		ehdr.e_shoff = end;
		end += gelf_fsize(out, ELF_T_SHDR, 2, EV_CURRENT);
	}
	if (!gelf_update_ehdr(out, &ehdr))
		return elf_error("ELF header");

	struct gg_error *err = counted_in_section ? move_empty_section(out, end) : NULL;
	if (!err)
		err = lay_out(elf, end, file_size);
	if (!err)
		err = write_program_headers(out, elf);
	if (!err && elf_update(out, ELF_C_WRITE) < 0)
		err = elf_error("writing");
	return err;
}

// All of the memfd.
static struct gg_error *read_back(int fd, void **ret, size_t *size)
{
	struct stat status;
	if (fstat(fd, &status))
		return gg_error_system(errno, "fstat");
	_cleanup_free_ char *bytes = malloc((size_t)status.st_size);
	if (!bytes)
		return gg_enomem;
	for (off_t done = 0; done < status.st_size;) {
		ssize_t got = pread(fd, bytes + done, (size_t)(status.st_size - done), done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return gg_error_system(got ? errno : EIO, "reading them back");
		done += got;
	}
	*size = (size_t)status.st_size;
	*ret = no_cleanup_ptr(bytes);
	return NULL;
}

struct gg_error *gg_vmcore_elf_encode(struct gg_vmcore_elf *elf, void **ret, size_t *size,
				      uint64_t *file_size)
{
	_cleanup_close_ int fd = memfd_create("vmcore headers", MFD_CLOEXEC);
	if (fd < 0)
		return gg_error_system(errno, "memfd_create");

	elf_version(EV_CURRENT);
	Elf *out = elf_begin(fd, ELF_C_WRITE, NULL);
	if (!out)
		return elf_error("elf_begin");
	struct gg_error *err = write_headers(out, elf, file_size);
	elf_end(out);
	if (!err)
		err = read_back(fd, ret, size);
	return err ? gg_error_context(err, "encoding the ELF headers") : NULL;
}
