// SPDX-License-Identifier: GPL-3.0-or-later
//
// A module's symbols (Linux kernel/module/kallsyms.c): ELF symbols, their names, and since v5.2 nm's
// type of each.
//
// In:  the kernel's memory; a module.
// Out: symbols, ascending by address.
// Trusts nothing it reads: the number of symbols is bounded, the names must be in the module, and a
// character that is not printable becomes a question mark.
#include "table.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <elf.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_SYMBOLS = 1 << 20,
	MAX_STRINGS = 32 << 20,
	MAX_NAME = 512, // KSYM_NAME_LEN
};

void gg_module_table_deinit(struct gg_module_table *table)
{
	free(table->symbols);
	free(table->strings);
	*table = (struct gg_module_table){ 0 };
}

const struct gg_module_range *gg_module_range_of(const struct gg_module *module, gg_gva_t address)
{
	for (size_t i = 0; i < GG_MODULE_RANGES; i++)
		if (address - module->ranges[i].start < module->ranges[i].size)
			return &module->ranges[i];
	return NULL;
}

// ---- Reading ----

// A module's struct mod_kallsyms, and what it leads to.
struct source {
	const struct gg_host *host;
	const struct gg_module *module;
	gg_gva_t symtab, strtab, typetab;
	uint64_t count;
	uint8_t *symbols, *types; // types: NULL without
	size_t symbol_size;
	size_t strings_size;
};

// A symbol as ELF has it.
struct elf_symbol {
	uint64_t name, info, section, address;
};

static struct gg_error *read_heads(struct source *source, const struct gg_module_layout *layout)
{
	const gg_gva_t at = source->module->kallsyms;
	struct gg_error *err =
		gg_host_read_member(source->host, at, &layout->symtab, &source->symtab);
	if (!err)
		err = gg_host_read_member(source->host, at, &layout->num_symtab, &source->count);
	if (!err)
		err = gg_host_read_member(source->host, at, &layout->strtab, &source->strtab);
	if (!err && layout->typetab.size)
		err = gg_host_read_member(source->host, at, &layout->typetab, &source->typetab);
	if (!err && source->count > MAX_SYMBOLS)
		err = gg_error_create(GG_BAD_DATA, "%" PRIu64 " symbols, more than %d",
				      source->count, MAX_SYMBOLS);
	return err;
}

static struct gg_error *read_array(const struct source *source, gg_gva_t address, size_t size,
				   uint8_t **ret)
{
	*ret = malloc(size + 1);
	return *ret ? gg_host_read(source->host, address, *ret, size) : gg_enomem;
}

static struct gg_error *decode(const struct source *source, size_t index, struct elf_symbol *ret)
{
	const bool is_64 = source->host->address_size == 8;
	const struct gg_member members[] = {
		{ offsetof(Elf64_Sym, st_name), sizeof(Elf64_Word) },
		is_64 ? (struct gg_member){ offsetof(Elf64_Sym, st_info), 1 }
		      : (struct gg_member){ offsetof(Elf32_Sym, st_info), 1 },
		is_64 ? (struct gg_member){ offsetof(Elf64_Sym, st_shndx), sizeof(Elf64_Section) }
		      : (struct gg_member){ offsetof(Elf32_Sym, st_shndx), sizeof(Elf32_Section) },
		is_64 ? (struct gg_member){ offsetof(Elf64_Sym, st_value), sizeof(Elf64_Addr) }
		      : (struct gg_member){ offsetof(Elf32_Sym, st_value), sizeof(Elf32_Addr) },
	};
	struct gg_cursor cursor =
		gg_cursor(source->symbols + index * source->symbol_size, source->symbol_size,
			  source->host->big_endian, "a symbol");
	struct gg_error *err = gg_cursor_member(&cursor, &members[0], &ret->name);
	if (!err)
		err = gg_cursor_member(&cursor, &members[1], &ret->info);
	if (!err)
		err = gg_cursor_member(&cursor, &members[2], &ret->section);
	if (!err)
		err = gg_cursor_member(&cursor, &members[3], &ret->address);
	return err;
}

// Reads the names up to behind the last name, whose length is not known: as far as the module goes.
static struct gg_error *read_strings(struct source *source, char **ret)
{
	uint64_t last = 0;
	for (size_t i = 0; i < source->count; i++) {
		struct elf_symbol symbol;
		struct gg_error *err = decode(source, i, &symbol);
		if (err)
			return err;
		if (symbol.name > last)
			last = symbol.name;
	}
	const struct gg_module_range *range = gg_module_range_of(source->module, source->strtab);
	const uint64_t room = range ? range->start + range->size - source->strtab : 0;
	if (last >= room || last > MAX_STRINGS)
		return gg_error_create(GG_BAD_DATA,
				       "the names at 0x%" PRIx64 ", up to offset %" PRIu64
				       ", are not in the module",
				       source->strtab, last);
	source->strings_size = room - last > MAX_NAME ? last + MAX_NAME : room;
	*ret = malloc(source->strings_size + 1);
	if (!*ret)
		return gg_enomem;
	(*ret)[source->strings_size] = 0;
	return gg_host_read(source->host, source->strtab, *ret, source->strings_size);
}

// Replaces what a terminal must not get.
static void make_printable(char *strings, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (strings[i] && (strings[i] <= ' ' || strings[i] > '~'))
			strings[i] = '?';
}

// nm's letter: a global symbol's is a capital.
static char letter_of(const struct source *source, size_t index, const struct elf_symbol *symbol)
{
	// Before typetab the letter was in st_info (Linux commit 1c7651f43777, v5.2).
	const char letter = source->types ? (char)source->types[index] : (char)symbol->info;
	if (!isalpha((unsigned char)letter))
		return '?';
	const bool is_global = source->types && ELF64_ST_BIND(symbol->info) == STB_GLOBAL;
	return is_global ? (char)toupper((unsigned char)letter) : letter;
}

static struct gg_error *convert(const struct source *source, struct gg_module_table *ret)
{
	ret->symbols = calloc(source->count + 1, sizeof(*ret->symbols));
	if (!ret->symbols)
		return gg_enomem;
	for (size_t i = 0; i < source->count; i++) {
		struct elf_symbol symbol;
		struct gg_error *err = decode(source, i, &symbol);
		if (err)
			return err;
		const char *name = ret->strings + symbol.name;
		if (symbol.section == SHN_UNDEF || !*name)
			continue;
		ret->symbols[ret->count++] = (struct gg_symbol){
			.name = name,
			.type = letter_of(source, i, &symbol),
			.address = symbol.address,
			.module = source->module->name,
		};
	}
	return NULL;
}

// Sorts by address; the names' order in memory is the symbols' own.
static int compare_symbols(const void *a, const void *b)
{
	const struct gg_symbol *x = a, *y = b;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

// Sorts the symbols, those at one address in the kernel's order.
static void sort(struct gg_module_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		table->symbols[i].size = i;
	qsort(table->symbols, table->count, sizeof(*table->symbols), compare_symbols);
}

// Sets each size, to the next symbol or the end of the range; 0 for a symbol that is in no range.
static void set_sizes(const struct gg_module *module, struct gg_module_table *table)
{
	for (size_t i = table->count; i--;) {
		struct gg_symbol *symbol = &table->symbols[i];
		const struct gg_module_range *range = gg_module_range_of(module, symbol->address);
		const bool has_next = i + 1 < table->count;
		symbol->size = range ? range->start + range->size - symbol->address : 0;
		if (!has_next || !range)
			continue;
		const uint64_t distance = symbol[1].address - symbol->address;
		if (!distance)
			symbol->size = symbol[1].size;
		else if (distance < symbol->size)
			symbol->size = distance;
	}
}

static struct gg_error *read_table(struct source *source, const struct gg_module_layout *layout,
				   struct gg_module_table *ret)
{
	struct gg_error *err = read_heads(source, layout);
	if (!err)
		err = read_array(source, source->symtab, source->count * source->symbol_size,
				 &source->symbols);
	if (!err && source->typetab)
		err = read_array(source, source->typetab, source->count, &source->types);
	if (!err && source->count)
		err = read_strings(source, &ret->strings);
	if (err || !source->count)
		return err;
	make_printable(ret->strings, source->strings_size);
	err = convert(source, ret);
	if (err)
		return err;
	sort(ret);
	set_sizes(source->module, ret);
	return NULL;
}

struct gg_error *gg_module_table_read(const struct gg_answerers *kernel,
				      const struct gg_module_layout *layout,
				      const struct gg_module *module, struct gg_module_table *ret)
{
	struct source source = {
		.host = &kernel->typed,
		.module = module,
		.symbol_size =
			kernel->typed.address_size == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym),
	};
	*ret = (struct gg_module_table){ 0 };
	if (!module->kallsyms || !layout->symtab.size)
		return NULL;
	struct gg_error *err = read_table(&source, layout, ret);
	free(source.symbols);
	free(source.types);
	if (err)
		gg_module_table_deinit(ret);
	return err ? gg_error_context(err, "the symbols of the module %s", module->name) : NULL;
}

// ---- By address ----

// Mapping symbols, which the kernel does not show either (include/linux/module_symbol.h:
// is_mapping_symbol()).
static bool is_mapping(const struct gg_symbol *symbol)
{
	return symbol->name[0] == '$' || !strncmp(symbol->name, ".L", 2) ||
	       !strncmp(symbol->name, "L0", 2);
}

// Returns the number of symbols that begin at or before ADDRESS.
static size_t count_before(const struct gg_module_table *table, gg_gva_t address)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (table->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct gg_symbol *gg_module_table_at(const struct gg_module_table *table,
					   const struct gg_module_range *range, gg_gva_t address)
{
	const struct gg_symbol *found = NULL;
	for (size_t i = count_before(table, address); i--;) {
		const struct gg_symbol *symbol = &table->symbols[i];
		if (symbol->address < range->start || (found && symbol->address != found->address))
			break;
		if (!is_mapping(symbol))
			found = symbol;
	}
	return found;
}
