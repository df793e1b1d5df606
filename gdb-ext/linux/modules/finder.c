// SPDX-License-Identifier: GPL-3.0-or-later
//
// The modules of a kernel, read once: the list at the first question, the symbols of a module at the
// first question for them.
#include "modules.h"
#include "list.h"
#include "table.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct gg_modules {
	const struct gg_answerers *kernel;
	const struct gg_debug *debug;
	bool is_open;
	struct gg_error *err; // the reason there is no list, or NULL
	struct gg_module_layout layout;
	struct gg_module_list list;
	// Symbols of each module, at the list's index.
	struct gg_module_table *tables;
	bool *has_table; // it was read, or is damaged
};

// ---- The list ----

static struct gg_error *read_list(struct gg_modules *modules)
{
	gg_gva_t head;
	struct gg_error *err = gg_host_symbol(&modules->kernel->typed, "modules", &head);
	if (!err)
		err = gg_module_layout_resolve(&modules->kernel->typed, &modules->layout);
	if (!err)
		err = gg_module_list_read(modules->kernel, &modules->layout, head, &modules->list);
	if (err)
		return err;
	modules->tables = calloc(modules->list.count + 1, sizeof(*modules->tables));
	modules->has_table = calloc(modules->list.count + 1, sizeof(*modules->has_table));
	return modules->tables && modules->has_table ? NULL : gg_enomem;
}

// Reads the list at the first call. Returns the reason there is none, a copy.
static struct gg_error *open_list(void *data)
{
	struct gg_modules *modules = data;
	if (!modules->is_open && !modules->err) {
		struct gg_error *err = read_list(modules);
		if (gg_error_is_final(err))
			return err;
		modules->err = err;
		modules->is_open = !err;
		gg_debug(modules->debug, "modules: %s", gg_debug_outcome(modules->err));
		if (modules->list.damage)
			gg_debug(modules->debug, "modules: %zu, then: %s", modules->list.count,
				 gg_error_message(modules->list.damage));
	}
	return modules->err ? gg_error_copy(modules->err) : NULL;
}

struct gg_error *gg_modules_list(const struct gg_answerers *kernel,
				 const struct gg_module_list **ret)
{
	if (!kernel->modules)
		return gg_error_create(GG_NOT_FOUND, "the kernel's modules are not known");
	struct gg_error *err = open_list(kernel->modules);
	if (!err)
		*ret = &kernel->modules->list;
	return err;
}

const struct gg_module_layout *gg_modules_layout(const struct gg_answerers *kernel)
{
	return kernel->modules && kernel->modules->is_open ? &kernel->modules->layout : NULL;
}

const struct gg_module *gg_modules_at(const struct gg_module_list *list, gg_gva_t address)
{
	for (size_t i = 0; i < list->count; i++)
		if (gg_module_range_of(&list->modules[i], address))
			return &list->modules[i];
	return NULL;
}

// Compares LENGTH characters of NAME with the name OTHER, as modprobe does.
static bool is_named(const char *other, const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char c = name[i] == '-' ? '_' : name[i];
		if (!other[i] || (other[i] == '-' ? '_' : other[i]) != c)
			return false;
	}
	return !other[length];
}

const struct gg_module *gg_modules_named(const struct gg_module_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_named(list->modules[i].name, name, strlen(name)))
			return &list->modules[i];
	return NULL;
}

// ---- Symbols ----

// Finds the symbols of the module INDEX of the list.
static struct gg_error *get_table(struct gg_modules *modules, size_t index,
				  const struct gg_module_table **ret)
{
	*ret = &modules->tables[index];
	if (modules->has_table[index])
		return NULL;
	const struct gg_module *module = &modules->list.modules[index];
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_module_table_read(modules->kernel, &modules->layout, module,
					   &modules->tables[index]);
	gg_debug(modules->debug, "symbols of the module %s: %s", module->name,
		 gg_debug_outcome(err));
	modules->has_table[index] = !gg_error_is_final(err);
	return err;
}

// Leaves RET empty where the table cannot be read, which the debug log has.
static struct gg_error *get_table_or_none(struct gg_modules *modules, size_t index,
					  const struct gg_module_table **ret)
{
	return gg_error_unless_final(get_table(modules, index, ret));
}

struct gg_error *gg_module_symbols(const struct gg_answerers *kernel,
				   const struct gg_module *module, gg_visit_symbol_fn *visit,
				   void *data)
{
	const struct gg_module_table *table = NULL;
	struct gg_error *err = get_table(kernel->modules,
					 (size_t)(module - kernel->modules->list.modules), &table);
	for (size_t i = 0; !err && i < table->count; i++)
		err = visit(data, &table->symbols[i]);
	return err;
}

// ---- The finder ----

// Keeps the lowest symbol called NAME.
static void keep_lowest(const struct gg_module_table *table, const char *name, bool *found,
			struct gg_symbol *ret)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct gg_symbol *symbol = &table->symbols[i];
		if (strcmp(symbol->name, name))
			continue;
		if (!*found || symbol->address < ret->address)
			*ret = *symbol;
		*found = true;
		return;
	}
}

// Finds "NAME" in all modules, "MODULE:NAME" in the module's symbols, as the kernel's own
// module_kallsyms_lookup_name() does.
static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	struct gg_modules *modules = data;
	const char *colon = strchr(name, ':');
	const char *own = colon ? colon + 1 : name;
	bool found = false;
	for (size_t i = 0; i < modules->list.count; i++) {
		const struct gg_module_table *table;
		const char *module = modules->list.modules[i].name;
		if (colon && !is_named(module, name, (size_t)(colon - name)))
			continue;
		struct gg_error *err = get_table_or_none(modules, i, &table);
		if (err)
			return err;
		keep_lowest(table, own, &found, ret);
	}
	return found ? NULL : gg_error_create(GG_NOT_FOUND, "no module has %s", name);
}

static struct gg_error *find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	struct gg_modules *modules = data;
	const struct gg_module *module = gg_modules_at(&modules->list, address);
	if (!module)
		return gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is in no module", address);
	const struct gg_module_table *table;
	struct gg_error *err = get_table(modules, (size_t)(module - modules->list.modules), &table);
	if (err)
		return err;
	const struct gg_symbol *symbol =
		gg_module_table_at(table, gg_module_range_of(module, address), address);
	if (!symbol)
		return gg_error_create(GG_NOT_FOUND,
				       "the module %s has no symbol before 0x%" PRIx64,
				       module->name, address);
	*ret = *symbol;
	return NULL;
}

static struct gg_error *visit_all(void *data, gg_visit_symbol_fn *visit, void *visit_data)
{
	struct gg_modules *modules = data;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < modules->list.count; i++) {
		const struct gg_module_table *table;
		err = get_table_or_none(modules, i, &table);
		for (size_t j = 0; !err && j < table->count; j++)
			err = visit(visit_data, &table->symbols[j]);
	}
	return err;
}

static void destroy(void *data)
{
	struct gg_modules *modules = data;
	for (size_t i = 0; modules->tables && i < modules->list.count; i++)
		gg_module_table_deinit(&modules->tables[i]);
	free(modules->tables);
	free(modules->has_table);
	gg_module_list_deinit(&modules->list);
	gg_error_destroy(modules->err);
	free(modules);
}

static const struct gg_symbol_finder_ops ops = {
	.open = open_list,
	.find = find,
	.find_at = find_at,
	.visit = visit_all,
	.destroy = destroy,
};

struct gg_error *gg_modules_add_finder(struct gg_answerers *kernel, int order, gg_gva_t area,
				       uint64_t area_size, const struct gg_debug *debug)
{
	struct gg_modules *modules = calloc(1, sizeof(*modules));
	if (!modules)
		return gg_enomem;
	modules->kernel = kernel;
	modules->debug = debug;
	struct gg_error *err =
		gg_symbols_add(kernel->symbols, &(struct gg_symbol_finder){ .name = "modules",
									    .order = order,
									    .ops = &ops,
									    .data = modules,
									    .start = area,
									    .size = area_size,
									    .of_modules = true });
	if (!err)
		kernel->modules = modules;
	return err;
}
