// SPDX-License-Identifier: GPL-3.0-or-later
#include "exports-finder.h"
#include "exports.h"

#include <stdlib.h>

struct finder {
	struct gg_symbols *symbols;
	int order;
	struct gg_host memory;
	struct gg_kallsyms_hints hints;
	struct gg_exports *exports; // NULL where kallsyms has data
};

static struct gg_error *open_exports(void *data)
{
	struct finder *finder = data;
	gg_gva_t address;
	bool known;
	struct gg_error *err = gg_symbols_find_before(finder->symbols, finder->order, "init_task",
						      &address, &known);
	return err || known ? err
			    : gg_exports_create(&finder->memory, &finder->hints, &finder->exports);
}

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct finder *finder = data;
	if (finder->exports && gg_exports_find(finder->exports, name, &ret->address))
		return NULL;
	return gg_error_create(GG_NOT_FOUND, "the kernel does not export %s", name);
}

static void destroy(void *data)
{
	struct finder *finder = data;
	gg_exports_destroy(finder->exports);
	free(finder);
}

struct gg_error *gg_exports_add_finder(struct gg_symbols *symbols, int order,
				       const struct gg_kallsyms_hints *hints)
{
	static const struct gg_symbol_finder_ops ops = { .open = open_exports,
							 .find = find,
							 .destroy = destroy };
	struct finder *finder = malloc(sizeof(*finder));
	if (!finder)
		return gg_enomem;
	*finder = (struct finder){ .symbols = symbols,
				   .order = order,
				   .memory = gg_kernel_constants(gg_symbols_memory(symbols)),
				   .hints = *hints };
	return gg_symbols_add(symbols, &(struct gg_symbol_finder){ .name = "the image's tables",
								   .order = order,
								   .ops = &ops,
								   .data = finder });
}
