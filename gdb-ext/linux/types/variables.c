// SPDX-License-Identifier: GPL-3.0-or-later
//
// The per-CPU variables of a kernel whose kallsyms has code alone. BTF has the offset of each in their section (Linux
// Documentation/bpf/btf.rst, BTF_KIND_DATASEC); the variables that the kernel exports give the section's place.
//
// In:  the symbols that other finders have, the kernel's BTF.
// Out: per-CPU variables, and the section's ends.
// Trusts nothing it reads: all exported variables must give the same place, and there must be several.
#include "variables.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_AGREE = 3 };

struct finder {
	struct gg_symbols *symbols;
	int order;
	int without; // an order: data of a finder before this order leaves nothing to find
	struct gg_types *types;
	const struct btf *btf;
	const struct btf_type *section; // NULL: there is nothing to find
	gg_gva_t start;                 // of the section
};

static const char *name_of(const struct finder *finder, const struct btf_var_secinfo *variable)
{
	const struct btf_type *type = btf__type_by_id(finder->btf, variable->type);
	return type ? btf__str_by_offset(finder->btf, type->name_off) : NULL;
}

// Finds the section's place, on which all variables that other finders have must agree.
static struct gg_error *find_start(struct finder *finder, const struct btf_type *section)
{
	const struct btf_var_secinfo *variables = btf_var_secinfos(section);
	unsigned int agree = 0;
	for (unsigned int i = 0; i < btf_vlen(section); i++) {
		gg_gva_t address;
		bool found = false;
		const char *name = name_of(finder, &variables[i]);
		struct gg_error *err = name ? gg_symbols_find_before(finder->symbols, finder->order,
								     name, &address, &found)
					    : NULL;
		if (err)
			return err;
		if (!found)
			continue;
		const gg_gva_t start = address - variables[i].offset;
		if (agree && start != finder->start)
			return gg_error_create(GG_BAD_DATA,
					       "%s puts the per-CPU variables at 0x%" PRIx64
					       ", others at 0x%" PRIx64,
					       name, start, finder->start);
		finder->start = start;
		agree++;
	}
	if (agree < MIN_AGREE)
		return gg_error_create(GG_NOT_FOUND,
				       "%u per-CPU variables are exported, fewer than %d", agree,
				       MIN_AGREE);
	finder->section = section;
	return NULL;
}

static struct gg_error *open_variables(void *data)
{
	struct finder *finder = data;
	const struct gg_btf *btf;
	gg_gva_t address;
	bool has_data, has_types = false;
	struct gg_error *err = gg_symbols_find_before(finder->symbols, finder->without, "init_task",
						      &address, &has_data);
	if (!err && !has_data)
		err = gg_symbols_find_before(finder->symbols, finder->order, "__start_BTF",
					     &address, &has_types);
	if (err || !has_types)
		return err;
	err = gg_types_btf(finder->types, &btf);
	if (err)
		return err;
	finder->btf = gg_btf_libbpf(btf);
	const int id = btf__find_by_name_kind(finder->btf, ".data..percpu", BTF_KIND_DATASEC);
	return id < 0 ? NULL : find_start(finder, btf__type_by_id(finder->btf, (uint32_t)id));
}

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct finder *finder = data;
	const unsigned int count = finder->section ? btf_vlen(finder->section) : 0;
	const struct btf_var_secinfo *variables = count ? btf_var_secinfos(finder->section) : NULL;
	const bool is_end = !strcmp(name, "__per_cpu_end");
	ret->address = finder->start;
	if (finder->section && !strcmp(name, "__per_cpu_start"))
		return NULL;
	for (unsigned int i = 0; i < count; i++) {
		const gg_gva_t address = finder->start + variables[i].offset;
		const char *own = name_of(finder, &variables[i]);
		if (is_end && address + variables[i].size > ret->address)
			ret->address = address + variables[i].size;
		if (is_end || !own || strcmp(own, name))
			continue;
		ret->address = address;
		ret->size = variables[i].size;
		return NULL;
	}
	return is_end && count
		       ? NULL
		       : gg_error_create(GG_NOT_FOUND, "the BTF has no per-CPU variable %s", name);
}

struct gg_error *gg_types_add_variables(struct gg_symbols *symbols, int order, int without,
					struct gg_types *types)
{
	static const struct gg_symbol_finder_ops ops = { .open = open_variables,
							 .find = find,
							 .destroy = free };
	struct finder *finder = calloc(1, sizeof(*finder));
	if (!finder)
		return gg_enomem;
	finder->symbols = symbols;
	finder->order = order;
	finder->without = without;
	finder->types = types;
	return gg_symbols_add(symbols, &(struct gg_symbol_finder){ .name = "the BTF's variables",
								   .order = order,
								   .ops = &ops,
								   .data = finder });
}
