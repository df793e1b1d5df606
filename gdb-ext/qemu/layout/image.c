// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the files that a process has mapped.
// Out: symbols and data of the programs among them (PT_INTERP: a library has none), at their
//      addresses in the process.
//
// Not from the debugger: it has the symbols of the file it was told of, at the place where the
// program's entry would put them, which is wrong for a program started by naming the loader.
#include "image.h"
#include "base/cleanup.h"

#include <gelf.h>
#include <string.h>

enum { MAX_DATA = 64, MAX_PROGRAMS = 8 };

struct program {
	int fd;
	Elf *elf;
	uint64_t bias; // what is added to the file's addresses
	uint16_t machine;
};

struct gg_images {
	struct program programs[MAX_PROGRAMS];
	size_t count;
	struct gg_image_data data[MAX_DATA];
	size_t data_count;
};

// Adds its data to IMAGES, and sets PROGRAM's bias. False where it is not a program.
static bool read_headers(struct gg_images *images, struct program *program, uint64_t address)
{
	size_t count;
	GElf_Phdr phdr;
	bool runs = false, has_start = false;
	if (elf_getphdrnum(program->elf, &count))
		return false;
	for (size_t i = 0; i < count && gelf_getphdr(program->elf, (int)i, &phdr); i++) {
		runs |= phdr.p_type == PT_INTERP;
		if (phdr.p_type == PT_LOAD && !phdr.p_offset && !has_start) {
			program->bias = address - phdr.p_vaddr;
			has_start = true;
		}
	}
	if (!runs || !has_start)
		return false;
	for (size_t i = 0; i < count && gelf_getphdr(program->elf, (int)i, &phdr); i++)
		if (phdr.p_type == PT_LOAD && !(phdr.p_flags & PF_X) &&
		    images->data_count < MAX_DATA)
			images->data[images->data_count++] = (struct gg_image_data){
				.start = program->bias + phdr.p_vaddr,
				.size = phdr.p_memsz,
				.writable = phdr.p_flags & PF_W,
			};
	return true;
}

// Adds the program that FD, which is consumed, is.
static void open_program(struct gg_images *images, int fd, uint64_t address)
{
	struct program *program = &images->programs[images->count];
	GElf_Ehdr ehdr;
	*program = (struct program){ .fd = fd };
	elf_version(EV_CURRENT);
	program->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (program->elf && elf_kind(program->elf) == ELF_K_ELF &&
	    gelf_getehdr(program->elf, &ehdr) &&
	    (ehdr.e_type == ET_EXEC || ehdr.e_type == ET_DYN) &&
	    read_headers(images, program, address)) {
		program->machine = ehdr.e_machine;
		images->count++;
		return;
	}
	elf_end(program->elf);
	close(fd);
}

struct gg_error *gg_images_create(const struct gg_process_map *map, struct gg_images **ret)
{
	struct gg_images *images = calloc(1, sizeof(*images));
	if (!images)
		return gg_enomem;
	*ret = images;
	size_t count = 0;
	const struct gg_file_start *files = map ? gg_process_map_files(map, &count) : NULL;
	for (size_t i = 0; i < count && images->count < MAX_PROGRAMS; i++) {
		int fd;
		struct gg_error *err = gg_process_map_open(map, &files[i], &fd);
		if (!err)
			open_program(images, fd, files[i].address);
		gg_error_destroy(err);
	}
	return NULL;
}

void gg_images_destroy(struct gg_images *images)
{
	if (!images)
		return;
	for (size_t i = 0; i < images->count; i++) {
		elf_end(images->programs[i].elf);
		close(images->programs[i].fd);
	}
	free(images);
}

// Tests whether the string at OFFSET of STRINGS is NAME, of SIZE bytes with its NUL.
static bool is_string(const Elf_Data *strings, uint64_t offset, const char *name, size_t size)
{
	return offset < strings->d_size && size <= strings->d_size - offset &&
	       !memcmp((const char *)strings->d_buf + offset, name, size);
}

static bool find_in_section(const struct program *program, Elf_Scn *section, const char *name,
			    struct gg_image_symbol *ret)
{
	GElf_Shdr shdr;
	GElf_Sym symbol;
	const size_t size = strlen(name) + 1;
	if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_DYNSYM)
		return false;
	Elf_Data *data = elf_getdata(section, NULL);
	const Elf_Data *strings = elf_getdata(elf_getscn(program->elf, shdr.sh_link), NULL);
	if (!strings || !strings->d_buf)
		return false;
	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		if (symbol.st_shndx == SHN_UNDEF || !is_string(strings, symbol.st_name, name, size))
			continue;
		*ret = (struct gg_image_symbol){
			.address = program->bias + symbol.st_value,
			.size = symbol.st_size,
			.machine = program->machine,
		};
		return true;
	}
	return false;
}

struct gg_error *gg_images_symbol(const struct gg_images *images, const char *name,
				  struct gg_image_symbol *ret)
{
	for (size_t i = 0; i < images->count; i++) {
		Elf *elf = images->programs[i].elf;
		for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
			if (find_in_section(&images->programs[i], section, name, ret))
				return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "no program that is mapped exports a symbol %s", name);
}

const struct gg_image_data *gg_images_data(const struct gg_images *images, size_t *count)
{
	*count = images->data_count;
	return images->data;
}
