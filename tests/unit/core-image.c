// SPDX-License-Identifier: GPL-3.0-or-later
#include "core-image.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_OFFSET = 4096 };

static void write_headers(FILE *file, const struct core_segment *segments, size_t count,
			  uint16_t type)
{
	const Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = type,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)count,
	};
	fwrite(&ehdr, sizeof(ehdr), 1, file);
	uint64_t offset = FIRST_OFFSET;
	for (size_t i = 0; i < count; i++) {
		const Elf64_Phdr phdr = {
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W,
			.p_offset = offset,
			.p_vaddr = segments[i].address,
			.p_filesz = segments[i].file_size,
			.p_memsz = segments[i].memory_size,
		};
		fwrite(&phdr, sizeof(phdr), 1, file);
		offset += segments[i].file_size;
	}
}

void core_image_write(const char *path, const struct core_segment *segments, size_t count,
		      uint16_t type)
{
	FILE *file = fopen(path, "w");
	if (!file)
		abort();
	write_headers(file, segments, count, type);
	fseek(file, FIRST_OFFSET, SEEK_SET);
	for (size_t i = 0; i < count; i++)
		for (uint64_t n = 0; n < segments[i].file_size; n++)
			fputc((int)((segments[i].address + n) >> 8 & 0xff), file);
	if (fclose(file))
		abort();
}
