// SPDX-License-Identifier: GPL-3.0-or-later
#include "elf.h"
#include "base/buffer.h"
#include "base/cleanup.h"

#include <gelf.h>
#include <string.h>

static struct gg_error *libelf_error(const char *what)
{
	return gg_error_create(GG_SYSTEM, "libelf: %s: %s", what, elf_errmsg(-1));
}

static void cleanup_elf(Elf **elf)
{
	elf_end(*elf);
}

// The section header's index of the section NAME; 0 without.
static uint32_t index_of(const struct gg_elf_section *sections, size_t count, const char *name)
{
	for (size_t i = 0; name && i < count; i++)
		if (!strcmp(sections[i].name, name))
			return (uint32_t)i + 1;
	return 0;
}

static bool has_memory(const struct gg_elf_section *section)
{
	return section->flags & SHF_ALLOC && section->size;
}

static struct gg_error *add_section(Elf *elf, const struct gg_elf_section *section, size_t name,
				    uint32_t link)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *data = scn ? elf_newdata(scn) : NULL;
	GElf_Shdr header;
	if (!data || !gelf_getshdr(scn, &header))
		return libelf_error(section->name);
	// libelf does not change the bytes, and would convert them by their type.
	*data = (Elf_Data){
		.d_buf = (void *)section->bytes,
		.d_type = ELF_T_BYTE,
		.d_size = section->size,
		.d_align = section->alignment ? section->alignment : 1,
		.d_version = EV_CURRENT,
	};
	header.sh_name = (GElf_Word)name;
	header.sh_type = section->type;
	header.sh_flags = section->flags;
	header.sh_addr = section->address;
	header.sh_entsize = section->entry_size;
	header.sh_link = link;
	header.sh_info = section->info;
	return gelf_update_shdr(scn, &header) ? NULL : libelf_error(section->name);
}

// Appends NAME, with its NUL; returns its offset.
static size_t append_name(struct gg_buffer *names, const char *name)
{
	const size_t offset = names->size;
	gg_buffer_append(names, name, strlen(name) + 1);
	return offset;
}

static struct gg_error *add_sections(Elf *elf, const struct gg_elf_section *sections, size_t count,
				     struct gg_buffer *names)
{
	GElf_Ehdr header;
	struct gg_elf_section own = { .name = ".shstrtab", .type = SHT_STRTAB };
	gg_buffer_zeros(names, 1);
	for (size_t i = 0; i < count; i++) {
		struct gg_error *err =
			add_section(elf, &sections[i], append_name(names, sections[i].name),
				    index_of(sections, count, sections[i].link));
		if (err)
			return err;
	}
	const size_t name = append_name(names, own.name);
	struct gg_error *err = gg_buffer_check(names);
	if (err)
		return err;
	own.bytes = names->bytes;
	own.size = names->size;
	err = add_section(elf, &own, name, 0);
	if (err)
		return err;
	if (!gelf_getehdr(elf, &header))
		return libelf_error("the header");
	header.e_shstrndx = (GElf_Half)(count + 1);
	return gelf_update_ehdr(elf, &header) ? NULL : libelf_error("the header");
}

static uint32_t program_flags(const struct gg_elf_section *section)
{
	return PF_R | (section->flags & SHF_WRITE ? PF_W : 0) |
	       (section->flags & SHF_EXECINSTR ? PF_X : 0);
}

// Fills in the program headers once libelf has given the sections their places.
static struct gg_error *fill_program_headers(Elf *elf, const struct gg_elf_section *sections,
					     size_t count)
{
	int next = 0;
	for (size_t i = 0; i < count; i++) {
		GElf_Shdr place;
		if (!has_memory(&sections[i]))
			continue;
		if (!gelf_getshdr(elf_getscn(elf, i + 1), &place))
			return libelf_error(sections[i].name);
		GElf_Phdr header = {
			.p_type = PT_LOAD,
			.p_flags = program_flags(&sections[i]),
			.p_offset = place.sh_offset,
			.p_vaddr = place.sh_addr,
			.p_paddr = place.sh_addr,
			.p_filesz = place.sh_size,
			.p_memsz = place.sh_size,
			.p_align = place.sh_addralign,
		};
		if (!gelf_update_phdr(elf, next++, &header))
			return libelf_error("a program header");
	}
	return NULL;
}

static struct gg_error *begin(Elf *elf, const struct gg_arch *arch, uint32_t flags,
			      const struct gg_elf_section *sections, size_t count)
{
	GElf_Ehdr header = { 0 };
	size_t loads = 0;
	for (size_t i = 0; i < count; i++)
		loads += has_memory(&sections[i]);
	const int class = arch->word == 8 ? ELFCLASS64 : ELFCLASS32;
	if (!gelf_newehdr(elf, class) || !gelf_getehdr(elf, &header))
		return libelf_error("the header");
	header.e_ident[EI_DATA] = arch->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	header.e_type = ET_EXEC;
	header.e_machine = arch->elf_machine;
	header.e_version = EV_CURRENT;
	header.e_flags = flags;
	if (!gelf_update_ehdr(elf, &header) || (loads && !gelf_newphdr(elf, loads)))
		return libelf_error("the header");
	return NULL;
}

struct gg_error *gg_elf_write(int fd, const struct gg_arch *arch, uint32_t flags,
			      const struct gg_elf_section *sections, size_t count, uint64_t *ret)
{
	struct gg_buffer names = { 0 };
	elf_version(EV_CURRENT);
	_cleanup_(cleanup_elf) Elf *elf = elf_begin(fd, ELF_C_WRITE, NULL);
	if (!elf)
		return libelf_error("the file");
	struct gg_error *err = begin(elf, arch, flags, sections, count);
	if (!err)
		err = add_sections(elf, sections, count, &names);
	if (!err && elf_update(elf, ELF_C_NULL) < 0)
		err = libelf_error("the layout");
	if (!err)
		err = fill_program_headers(elf, sections, count);
	const int64_t size = err ? 0 : elf_update(elf, ELF_C_WRITE);
	if (size < 0)
		err = libelf_error("writing");
	gg_buffer_deinit(&names);
	*ret = (uint64_t)size;
	return err;
}
