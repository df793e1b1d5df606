// SPDX-License-Identifier: GPL-3.0-or-later
#include "symbols.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

struct entry {
	struct gg_symbol_finder finder;
	bool is_open;
	struct gg_error *err; // the reason the finder answers nothing, or NULL
};

struct gg_symbols {
	const struct gg_kernel_memory *memory;
	const struct gg_debug *debug;
	struct entry *entries; // by their order
	size_t count;
};

// ---- The list ----

struct gg_error *gg_symbols_create(const struct gg_kernel_memory *memory,
				   const struct gg_debug *debug, struct gg_symbols **ret)
{
	struct gg_symbols *symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return gg_enomem;
	symbols->memory = memory;
	symbols->debug = debug;
	*ret = symbols;
	return NULL;
}

void gg_symbols_destroy(struct gg_symbols *symbols)
{
	if (!symbols)
		return;
	for (size_t i = 0; i < symbols->count; i++) {
		struct entry *entry = &symbols->entries[i];
		entry->finder.ops->destroy(entry->finder.data);
		gg_error_destroy(entry->err);
	}
	free(symbols->entries);
	free(symbols);
}

struct gg_error *gg_symbols_add(struct gg_symbols *symbols, const struct gg_symbol_finder *finder)
{
	struct gg_error *err =
		gg_vector_grow(&symbols->entries, symbols->count, sizeof(*symbols->entries));
	if (err) {
		finder->ops->destroy(finder->data);
		return err;
	}
	size_t at = symbols->count++;
	for (; at && symbols->entries[at - 1].finder.order > finder->order; at--)
		symbols->entries[at] = symbols->entries[at - 1];
	symbols->entries[at] = (struct entry){ .finder = *finder };
	return NULL;
}

// Opens ENTRY's finder once. Returns the reason it answers nothing, a copy.
static struct gg_error *open_entry(const struct gg_symbols *symbols, struct entry *entry)
{
	if (entry->err)
		return gg_error_copy(entry->err);
	if (entry->is_open || !entry->finder.ops->open)
		return NULL;
	struct gg_error *err = entry->finder.ops->open(entry->finder.data);
	gg_debug(symbols->debug, "symbols of %s: %s", entry->finder.name, gg_debug_outcome(err));
	if (gg_error_is_final(err))
		return err;
	entry->is_open = !err;
	entry->err = err;
	return err ? gg_error_copy(err) : NULL;
}

const struct gg_host *gg_symbols_host(const struct gg_symbols *symbols)
{
	return &symbols->memory->host;
}

const struct gg_kernel_memory *gg_symbols_memory(const struct gg_symbols *symbols)
{
	return symbols->memory;
}

// ---- By name ----

// Puts MORE, which is consumed, behind REASON, which may be NULL.
static struct gg_error *join(struct gg_error *reason, struct gg_error *more)
{
	if (!reason)
		return more;
	struct gg_error *both = gg_error_create(GG_NOT_FOUND, "%s; %s", gg_error_message(reason),
						gg_error_message(more));
	gg_error_destroy(reason);
	gg_error_destroy(more);
	return both;
}

// Asks one finder. *MISSING: the finder works and has no such symbol.
static struct gg_error *find_in(const struct gg_symbols *symbols, struct entry *entry,
				const char *name, struct gg_symbol *ret, bool *missing)
{
	*missing = false;
	*ret = (struct gg_symbol){ .name = name, .type = '?' };
	struct gg_error *err = open_entry(symbols, entry);
	if (err)
		return err;
	err = entry->finder.ops->find(entry->finder.data, name, ret);
	*missing = err && gg_error_kind(err) == GG_NOT_FOUND;
	if (!err)
		gg_debug(symbols->debug, "symbol %s: %s has it at 0x%" PRIx64, name,
			 entry->finder.name, ret->address);
	else
		gg_debug(symbols->debug, "symbol %s: %s: %s", name, entry->finder.name,
			 gg_error_message(err));
	return err;
}

// The reasons that finders gave.
struct reasons {
	struct gg_error *own;     // of the kernel's own finders, or NULL
	bool unasked;             // one of these could not be asked
	struct gg_error *modules; // the reason the modules' symbols are not known, or NULL
};

// Makes the error where no finder has NAME: the reasons, which are consumed, where a finder could not
// be asked, else that there is no such symbol.
static struct gg_error *not_found(const char *name, struct reasons *reasons)
{
	struct gg_error *own = reasons->own, *modules = reasons->modules, *err;
	if (reasons->unasked && gg_error_kind(own) == GG_NOT_FOUND) {
		gg_error_destroy(modules);
		return own;
	}
	if (reasons->unasked)
		err = gg_error_create(GG_NOT_FOUND, "%s", gg_error_message(own));
	else if (modules)
		err = gg_error_create(
			GG_NOT_FOUND,
			"the kernel has no symbol %s, and its modules' are not known: %s", name,
			gg_error_message(modules));
	else
		err = gg_error_create(GG_NOT_FOUND, "the kernel has no symbol %s", name);
	gg_error_destroy(own);
	gg_error_destroy(modules);
	return err;
}

// Adds ERR, which is consumed, of ENTRY's finder.
static void add_reason(struct reasons *reasons, const struct entry *entry, struct gg_error *err,
		       bool missing)
{
	if (!entry->finder.of_modules) {
		reasons->unasked |= !missing;
		reasons->own = join(reasons->own, err);
	} else if (missing || reasons->modules) {
		gg_error_destroy(err);
	} else {
		reasons->modules = err;
	}
}

// Finds NAME by the finders before the order END.
static struct gg_error *find_by_name(struct gg_symbols *symbols, const char *name, int end,
				     bool with_modules, struct gg_symbol *ret)
{
	struct reasons reasons = { 0 };
	for (size_t i = 0; i < symbols->count && symbols->entries[i].finder.order < end; i++) {
		struct entry *entry = &symbols->entries[i];
		bool missing;
		if (!entry->finder.ops->find || (entry->finder.of_modules && !with_modules))
			continue;
		struct gg_error *err = find_in(symbols, entry, name, ret, &missing);
		if (!err || gg_error_is_final(err) || (!missing && !entry->err)) {
			gg_error_destroy(reasons.own);
			gg_error_destroy(reasons.modules);
			return err;
		}
		add_reason(&reasons, entry, err, missing);
	}
	return not_found(name, &reasons);
}

struct gg_error *gg_symbols_find(struct gg_symbols *symbols, const char *name,
				 struct gg_symbol *ret)
{
	return find_by_name(symbols, name, INT_MAX, false, ret);
}

struct gg_error *gg_symbols_find_everywhere(struct gg_symbols *symbols, const char *name,
					    struct gg_symbol *ret)
{
	return find_by_name(symbols, name, INT_MAX, true, ret);
}

struct gg_error *gg_symbols_address(struct gg_symbols *symbols, const char *name, gg_gva_t *ret)
{
	struct gg_symbol symbol;
	struct gg_error *err = gg_symbols_find(symbols, name, &symbol);
	if (!err)
		*ret = symbol.address;
	return err;
}

struct gg_error *gg_symbols_find_before(struct gg_symbols *symbols, int end, const char *name,
					gg_gva_t *ret, bool *found)
{
	struct gg_symbol symbol;
	struct gg_error *err = find_by_name(symbols, name, end, false, &symbol);
	*found = !err;
	*ret = err ? 0 : symbol.address;
	return gg_error_unless_final(err);
}

// ---- By address ----

struct gg_error *gg_symbols_at(struct gg_symbols *symbols, gg_gva_t address, struct gg_symbol *ret)
{
	struct gg_error *reason = NULL;
	for (size_t i = 0; i < symbols->count; i++) {
		struct entry *entry = &symbols->entries[i];
		const struct gg_symbol_finder *finder = &entry->finder;
		// Outside of a finder's range are the offsets of per-CPU variables, which are
		// symbols too.
		if (!finder->ops->find_at || address - finder->start >= finder->size)
			continue;
		struct gg_error *err = open_entry(symbols, entry);
		if (!err)
			err = finder->ops->find_at(finder->data, address, ret);
		if (!err || gg_error_is_final(err)) {
			gg_error_destroy(reason);
			return err;
		}
		if (reason)
			gg_error_destroy(err);
		else
			reason = err;
	}
	return reason ? reason
		      : gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is not in the kernel's image",
					address);
}

// ---- All of them ----

struct gg_error *gg_symbols_visit(struct gg_symbols *symbols, gg_visit_symbol_fn *visit, void *data)
{
	struct gg_error *reason = NULL;
	bool any = false;
	for (size_t i = 0; i < symbols->count; i++) {
		struct entry *entry = &symbols->entries[i];
		if (!entry->finder.ops->visit)
			continue;
		struct gg_error *err = open_entry(symbols, entry);
		const bool is_open = !err;
		if (is_open)
			err = entry->finder.ops->visit(entry->finder.data, visit, data);
		if (err && (is_open || gg_error_is_final(err))) {
			gg_error_destroy(reason);
			return err;
		}
		any |= is_open;
		if (reason)
			gg_error_destroy(err);
		else
			reason = err;
	}
	if (!any)
		return reason ? reason : gg_error_create(GG_NOT_FOUND, "the kernel has no symbols");
	gg_error_destroy(reason);
	return NULL;
}

// ---- Completion ----

struct names {
	const char *prefix;
	size_t length; // of the prefix
	const char **list;
	size_t count;
};

static struct gg_error *add_name(void *data, const struct gg_symbol *symbol)
{
	struct names *names = data;
	if (strncmp(symbol->name, names->prefix, names->length) != 0)
		return NULL;
	struct gg_error *err = gg_vector_grow(&names->list, names->count, sizeof(*names->list));
	if (!err)
		names->list[names->count++] = symbol->name;
	return err;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Sorts the names and drops repetitions.
static void sort_names(struct names *names)
{
	size_t different = 0;
	if (!names->count)
		return;
	qsort(names->list, names->count, sizeof(*names->list), compare_names);
	for (size_t i = 0; i < names->count; i++)
		if (!i || strcmp(names->list[i], names->list[different - 1]))
			names->list[different++] = names->list[i];
	names->count = different;
}

struct gg_error *gg_symbols_complete(struct gg_symbols *symbols, const char *prefix, size_t limit,
				     gg_visit_name_fn *visit, void *data)
{
	struct names names = { .prefix = prefix, .length = strlen(prefix) };
	struct gg_error *err = gg_symbols_visit(symbols, add_name, &names);
	sort_names(&names);
	const size_t count = names.count, shown = count < limit ? count : limit;
	for (size_t i = 0; !err && i < shown; i++)
		err = visit(data, names.list[shown > 1 ? i * (count - 1) / (shown - 1) : 0]);
	free(names.list);
	return err;
}
