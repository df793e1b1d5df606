// SPDX-License-Identifier: GPL-3.0-or-later
#include "core-image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t note_size(const struct core_image *image)
{
	size_t size = 2 * 8 + image->mapping_count * 3 * 8;
	for (size_t i = 0; i < image->mapping_count; i++)
		size += strlen(image->mappings[i].path) + 1;
	return size;
}

static void write_note(FILE *file, const struct core_image *image)
{
	const Elf64_Nhdr nhdr = { .n_namesz = sizeof("CORE"),
				  .n_descsz = (Elf64_Word)note_size(image),
				  .n_type = NT_FILE };
	const uint64_t head[] = { image->mapping_count, 4096 };
	fseek(file, CORE_IMAGE_NOTE, SEEK_SET);
	fwrite(&nhdr, sizeof(nhdr), 1, file);
	fwrite("CORE\0\0\0", 8, 1, file);
	fwrite(head, sizeof(head), 1, file);
	for (size_t i = 0; i < image->mapping_count; i++) {
		const struct core_mapping *mapping = &image->mappings[i];
		const uint64_t words[] = { mapping->start, mapping->end, mapping->page_offset };
		fwrite(words, sizeof(words), 1, file);
	}
	for (size_t i = 0; i < image->mapping_count; i++)
		fwrite(image->mappings[i].path, strlen(image->mappings[i].path) + 1, 1, file);
}

static void write_headers(FILE *file, const struct core_image *image)
{
	const Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = image->type,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)(image->count + 1),
	};
	const Elf64_Phdr note = {
		.p_type = image->mapping_count ? PT_NOTE : PT_NULL,
		.p_offset = CORE_IMAGE_NOTE,
		.p_filesz = sizeof(Elf64_Nhdr) + 8 + (note_size(image) + 3) / 4 * 4,
	};
	fwrite(&ehdr, sizeof(ehdr), 1, file);
	fwrite(&note, sizeof(note), 1, file);
	uint64_t offset = CORE_IMAGE_FIRST;
	for (size_t i = 0; i < image->count; i++) {
		const struct core_segment *segment = &image->segments[i];
		const Elf64_Phdr phdr = {
			.p_type = PT_LOAD,
			.p_flags = segment->of_machine  ? 0
				   : segment->read_only ? PF_R
							: PF_R | PF_W,
			.p_offset = offset,
			.p_vaddr = segment->address,
			.p_filesz = segment->file_size,
			.p_memsz = segment->memory_size,
		};
		fwrite(&phdr, sizeof(phdr), 1, file);
		offset += segment->file_size;
	}
}

static void write_bytes(FILE *file, const struct core_segment *segment)
{
	if (segment->bytes) {
		fwrite(segment->bytes, segment->file_size, 1, file);
		return;
	}
	for (uint64_t n = 0; n < segment->file_size; n++)
		fputc((int)((segment->address + n) >> 8 & 0xff), file);
}

void core_image_write(const char *path, const struct core_image *image)
{
	FILE *file = fopen(path, "w");
	if (!file)
		abort();
	write_headers(file, image);
	if (image->mapping_count)
		write_note(file, image);
	fseek(file, CORE_IMAGE_FIRST, SEEK_SET);
	for (size_t i = 0; i < image->count; i++)
		write_bytes(file, &image->segments[i]);
	if (fclose(file))
		abort();
}
