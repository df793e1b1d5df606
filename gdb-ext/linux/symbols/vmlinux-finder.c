// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a file that the user names, and the place of _stext in memory.
// Out: symbols, by name. KASLR moves the image as a whole; symbols outside of the image, as x86-64's per-CPU
//      variables have them, stay.
// Trusts the file as far as libelf does.
#include "vmlinux-finder.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct finder {
	int fd;
	Elf *elf;
	struct gg_symbol *list; // by name; names are the file's
	size_t count;
	uint64_t start, end; // of the image, in the file
	uint64_t displacement;
};

static void destroy(void *data)
{
	struct finder *finder = data;
	elf_end(finder->elf);
	if (finder->fd >= 0)
		close(finder->fd);
	free(finder->list);
	free(finder);
}

static int compare(const void *a, const void *b)
{
	const struct gg_symbol *x = a, *y = b;
	const int by_name = strcmp(x->name, y->name);
	return by_name ? by_name : (x->address > y->address) - (x->address < y->address);
}

// Returns the first symbol NAME; NULL for none.
static const struct gg_symbol *search(const struct finder *finder, const char *name)
{
	size_t low = 0, high = finder->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (strcmp(finder->list[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < finder->count && !strcmp(finder->list[low].name, name) ? &finder->list[low]
									    : NULL;
}

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct finder *finder = data;
	const struct gg_symbol *found = search(finder, name);
	if (!found)
		return gg_error_create(GG_NOT_FOUND, "the vmlinux has no symbol %s", name);
	*ret = *found;
	if (ret->address >= finder->start && ret->address <= finder->end)
		ret->address += finder->displacement;
	return NULL;
}

// ---- Opening ----

// Adds the symbols of SECTION, whose names are in the section NAMES.
static struct gg_error *add_symbols(struct finder *finder, Elf_Scn *section, size_t names)
{
	Elf_Data *data = elf_getdata(section, NULL);
	const size_t size = gelf_fsize(finder->elf, ELF_T_SYM, 1, EV_CURRENT);
	const size_t count = data && size ? data->d_size / size : 0;
	finder->list = count <= INT32_MAX ? calloc(count + 1, sizeof(*finder->list)) : NULL;
	if (!finder->list)
		return gg_enomem;
	for (size_t i = 0; i < count; i++) {
		GElf_Sym symbol;
		if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF ||
		    GELF_ST_TYPE(symbol.st_info) >= STT_SECTION)
			continue;
		const char *name = elf_strptr(finder->elf, names, symbol.st_name);
		if (name && *name)
			finder->list[finder->count++] =
				(struct gg_symbol){ .name = name,
						    .type = '?',
						    .address = symbol.st_value,
						    .size = symbol.st_size };
	}
	qsort(finder->list, finder->count, sizeof(*finder->list), compare);
	return NULL;
}

static struct gg_error *read_table(struct finder *finder)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	while ((section = elf_nextscn(finder->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			return add_symbols(finder, section, header.sh_link);
	return NULL;
}

static struct gg_error *open_file(struct finder *finder, const char *path)
{
	elf_version(EV_CURRENT);
	finder->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (finder->fd < 0)
		return gg_error_system(errno, "open");
	finder->elf = elf_begin(finder->fd, ELF_C_READ, NULL);
	return read_table(finder);
}

struct gg_error *gg_vmlinux_add_finder(struct gg_symbols *symbols, int order, const char *path,
				       gg_gva_t text)
{
	static const struct gg_symbol_finder_ops ops = { .find = find, .destroy = destroy };
	struct finder *finder = calloc(1, sizeof(*finder));
	if (!finder)
		return gg_enomem;
	struct gg_error *err = open_file(finder, path);
	const struct gg_symbol *start = err ? NULL : search(finder, "_stext");
	const struct gg_symbol *end = err ? NULL : search(finder, "_end");
	if (err || !start || !end) {
		destroy(finder);
		return err ? gg_error_context(err, "vmlinux %s", path) : NULL;
	}
	finder->start = start->address;
	finder->end = end->address;
	finder->displacement = text - start->address;
	return gg_symbols_add(
		symbols, &(struct gg_symbol_finder){
				 .name = "vmlinux", .order = order, .ops = &ops, .data = finder });
}
