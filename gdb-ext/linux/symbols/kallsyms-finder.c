// SPDX-License-Identifier: GPL-3.0-or-later
#include "kallsyms-finder.h"
#include "kallsyms.h"

#include <inttypes.h>
#include <stdlib.h>

struct finder {
	struct gg_host memory;
	struct gg_kallsyms_hints hints;
	struct gg_kallsyms *kallsyms; // NULL before it is open
};

static struct gg_error *open_kallsyms(void *data)
{
	struct finder *finder = data;
	return gg_kallsyms_create(&finder->memory, &finder->hints, &finder->kallsyms);
}

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct finder *finder = data;
	if (gg_kallsyms_find(finder->kallsyms, name, ret))
		return NULL;
	return gg_error_create(GG_NOT_FOUND, "kallsyms has no %s", name);
}

static struct gg_error *find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	const struct finder *finder = data;
	if (gg_kallsyms_at(finder->kallsyms, address, ret) && ret->address >= finder->hints.image)
		return NULL;
	return gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is before the kernel's first symbol",
			       address);
}

static struct gg_error *visit_all(void *data, gg_visit_symbol_fn *visit, void *visit_data)
{
	const struct finder *finder = data;
	const size_t count = gg_kallsyms_count(finder->kallsyms);
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++) {
		struct gg_symbol symbol;
		gg_kallsyms_get(finder->kallsyms, i, &symbol);
		err = visit(visit_data, &symbol);
	}
	return err;
}

static void destroy(void *data)
{
	struct finder *finder = data;
	gg_kallsyms_destroy(finder->kallsyms);
	free(finder);
}

static const struct gg_symbol_finder_ops kallsyms_ops = {
	.open = open_kallsyms,
	.find = find,
	.find_at = find_at,
	.visit = visit_all,
	.destroy = destroy,
};

struct gg_error *gg_kallsyms_add_finder(struct gg_symbols *symbols, int order,
					const struct gg_kallsyms_hints *hints)
{
	struct finder *finder = malloc(sizeof(*finder));
	if (!finder)
		return gg_enomem;
	*finder = (struct finder){ .memory = gg_kernel_constants(gg_symbols_memory(symbols)),
				   .hints = *hints };
	finder->hints.image_memory = gg_symbols_host(symbols);
	return gg_symbols_add(symbols, &(struct gg_symbol_finder){ .name = "kallsyms",
								   .order = order,
								   .ops = &kallsyms_ops,
								   .data = finder,
								   .start = hints->image,
								   .size = hints->image_size });
}
