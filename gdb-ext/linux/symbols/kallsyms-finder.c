// SPDX-License-Identifier: GPL-3.0-or-later
#include "kallsyms-finder.h"
#include "base/debug.h"
#include "kallsyms-far.h"
#include "kallsyms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// The symbols that are found by address one by one, before all are read: more would read as much.
enum { FEW = 128 };

struct finder {
	struct gg_host memory;
	struct gg_kallsyms_hints hints;
	struct gg_kallsyms_far *far;  // answers in their place; NULL where all symbols are read
	struct gg_kallsyms *kallsyms; // NULL before all symbols are read
	struct gg_error *err;         // the reason they are not, or NULL
};

// Reads all symbols, once; an error that is not final is kept.
static struct gg_error *read_all(struct finder *finder)
{
	if (finder->kallsyms)
		return NULL;
	if (finder->err)
		return gg_error_copy(finder->err);
	struct gg_error *err =
		gg_kallsyms_create(&finder->memory, &finder->hints, &finder->kallsyms);
	if (err && !gg_error_is_final(err))
		finder->err = gg_error_copy(err);
	return err;
}

static struct gg_error *open_kallsyms(void *data)
{
	struct finder *finder = data;
	struct gg_error *err =
		gg_kallsyms_far_create(&finder->memory, &finder->hints, &finder->far);
	gg_debug(finder->hints.debug, "kallsyms by names: %s", gg_debug_outcome(err));
	err = gg_error_unless_final(err);
	return err || finder->far ? err : read_all(finder);
}

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct finder *finder = data;
	if (!finder->kallsyms)
		return gg_kallsyms_far_find(finder->far, name, ret);
	if (gg_kallsyms_find(finder->kallsyms, name, ret))
		return NULL;
	return gg_error_create(GG_NOT_FOUND, "kallsyms has no %s", name);
}

// Tests whether SYMBOL is the end of code in a kallsyms that has code alone: what comes behind it is not its own.
static bool is_end_of_code(struct finder *finder, const struct gg_symbol *symbol)
{
	struct gg_symbol data;
	if (strcmp(symbol->name, "_etext") && strcmp(symbol->name, "_einittext"))
		return false;
	struct gg_error *err = find(finder, "init_task", &data);
	const bool has_data = !err;
	gg_error_destroy(err);
	return !has_data;
}

static struct gg_error *find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	struct finder *finder = data;
	const bool is_far =
		!finder->kallsyms && finder->far && gg_kallsyms_far_known(finder->far) < FEW;
	struct gg_error *err =
		is_far ? gg_kallsyms_far_at(finder->far, address, ret) : read_all(finder);
	if (err)
		return err;
	if ((!is_far && !gg_kallsyms_at(finder->kallsyms, address, ret)) ||
	    ret->address < finder->hints.image)
		return gg_error_create(
			GG_NOT_FOUND, "0x%" PRIx64 " is before the kernel's first symbol", address);
	return is_end_of_code(finder, ret)
		       ? gg_error_create(GG_NOT_FOUND,
					 "0x%" PRIx64 " is not in code, and kallsyms has no more",
					 address)
		       : NULL;
}

static struct gg_error *visit_all(void *data, gg_visit_symbol_fn *visit, void *visit_data)
{
	struct finder *finder = data;
	struct gg_error *err = read_all(finder);
	const size_t count = err ? 0 : gg_kallsyms_count(finder->kallsyms);
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
	gg_kallsyms_far_destroy(finder->far);
	gg_kallsyms_destroy(finder->kallsyms);
	gg_error_destroy(finder->err);
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
