// SPDX-License-Identifier: GPL-3.0-or-later
#include "symtab.h"

#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

void gg_symtab_init(struct gg_symtab *symtab, const struct gg_arch *arch)
{
	*symtab = (struct gg_symtab){ .arch = arch };
	symtab->symbols.big_endian = symtab->globals.big_endian = arch->big_endian;
	// The first symbol and the first name are empty.
	gg_buffer_zeros(&symtab->symbols, arch->word == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
	gg_buffer_zeros(&symtab->strings, 1);
	symtab->local_count = 1;
}

void gg_symtab_deinit(struct gg_symtab *symtab)
{
	gg_buffer_deinit(&symtab->symbols);
	gg_buffer_deinit(&symtab->globals);
	gg_buffer_deinit(&symtab->strings);
	free(symtab->names);
	*symtab = (struct gg_symtab){ 0 };
}

bool gg_symtab_is_code(char type)
{
	return strchr("tTwW", type) && type;
}

static unsigned int info_of(char type, bool is_code)
{
	const unsigned int binding = strchr("wWvV", type)           ? STB_WEAK
				     : isupper((unsigned char)type) ? STB_GLOBAL
								    : STB_LOCAL;
	return ELF64_ST_INFO(binding, is_code ? STT_FUNC : STT_OBJECT);
}

static void append_symbol(struct gg_buffer *out, unsigned int word, uint64_t size,
			  unsigned int info, uint8_t other, const struct gg_symtab_name *place,
			  uint16_t index)
{
	gg_buffer_uint(out, 4, place->name);
	if (word == 8) {
		gg_buffer_uint(out, 1, info);
		gg_buffer_uint(out, 1, other);
		gg_buffer_uint(out, 2, index);
		gg_buffer_uint(out, 8, place->address);
		gg_buffer_uint(out, 8, size);
	} else {
		gg_buffer_uint(out, 4, place->address);
		gg_buffer_uint(out, 4, size);
		gg_buffer_uint(out, 1, info);
		gg_buffer_uint(out, 1, other);
		gg_buffer_uint(out, 2, index);
	}
}

static struct gg_error *append_place(struct gg_symtab *symtab, const struct gg_symtab_name *place)
{
	if (symtab->count == symtab->capacity) {
		const size_t capacity = 2 * symtab->capacity + 1024;
		struct gg_symtab_name *names = realloc(symtab->names, capacity * sizeof(*names));
		if (!names)
			return gg_enomem;
		symtab->names = names;
		symtab->capacity = capacity;
	}
	symtab->names[symtab->count++] = *place;
	return NULL;
}

struct gg_error *gg_symtab_add(struct gg_symtab *symtab, const struct gg_symbol *symbol,
			       gg_gva_t address, uint16_t index, bool is_code, uint8_t other)
{
	const unsigned int info = info_of(symbol->type, is_code);
	const bool is_local = ELF64_ST_BIND(info) == STB_LOCAL;
	const struct gg_symtab_name *before =
		symtab->count ? &symtab->names[symtab->count - 1] : NULL;
	const struct gg_symtab_name place = {
		.name = (uint32_t)symtab->strings.size,
		.is_code = is_code,
		.is_alias = is_code && before && before->is_code && before->address == address,
		.address = address,
		.size = symbol->size,
		.module = symbol->module,
	};
	gg_buffer_append(&symtab->strings, symbol->name, strlen(symbol->name) + 1);
	append_symbol(is_local ? &symtab->symbols : &symtab->globals, symtab->arch->word,
		      place.is_alias ? 0 : place.size, info, other, &place, index);
	symtab->local_count += is_local;
	return append_place(symtab, &place);
}

// ---- By name ----

static int compare_places(const void *a, const void *b, void *data)
{
	const char *strings = data;
	const struct gg_symtab_name *x = a, *y = b;
	const int order = strcmp(strings + x->name, strings + y->name);
	if (order)
		return order;
	return x->address < y->address ? -1 : x->address > y->address;
}

struct gg_error *gg_symtab_end(struct gg_symtab *symtab)
{
	gg_buffer_append(&symtab->symbols, symtab->globals.bytes, symtab->globals.size);
	struct gg_error *err = gg_buffer_check(&symtab->symbols);
	if (!err)
		err = gg_buffer_check(&symtab->globals);
	if (!err)
		err = gg_buffer_check(&symtab->strings);
	gg_buffer_deinit(&symtab->globals);
	if (!err)
		qsort_r(symtab->names, symtab->count, sizeof(*symtab->names), compare_places,
			symtab->strings.bytes);
	return err;
}

const struct gg_symtab_name *gg_symtab_find(const struct gg_symtab *symtab, const char *module,
					    const char *name, bool code)
{
	const char *strings = (const char *)symtab->strings.bytes;
	const struct gg_symtab_name *found = NULL;
	size_t low = 0, high = symtab->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (strcmp(strings + symtab->names[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < symtab->count && !strcmp(strings + symtab->names[low].name, name); low++) {
		if (symtab->names[low].is_code != code || symtab->names[low].module != module)
			continue;
		if (found)
			return NULL;
		found = &symtab->names[low];
	}
	return found;
}
