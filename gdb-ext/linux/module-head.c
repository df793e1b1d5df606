// SPDX-License-Identifier: GPL-3.0-or-later
//
// The head of the list of modules, found by the code of functions that walk the list (Linux kernel/module/main.c and
// kallsyms.c, before v5.19 kernel/module.c): all read the head's first word.
//
// In:  the kernel's functions by name, their code.
// Out: the symbol "modules".
// Trusts nothing it reads: several functions must read the word, it must be in a sound list, and no other word may be so.
#include "module-head.h"
#include "arch-ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_CODE = 1024, // bytes of a function that are looked at
	MAX_WORDS = 32,  // of a function
	MIN_READERS = 2,
};

static const char *const functions[] = {
	"find_module_all",
	"print_modules",
	"find_symbol",
	"lookup_module_symbol_name",
	"module_kallsyms_lookup_name",
	"module_get_kallsym",
};

enum { FUNCTIONS = sizeof(functions) / sizeof(*functions) };

// A word, and the number of functions that read it.
struct candidate {
	gg_gva_t place;
	unsigned int readers;
};

struct candidates {
	struct candidate list[FUNCTIONS * MAX_WORDS];
	size_t count;
};

static void add_reader(struct candidates *candidates, gg_gva_t place)
{
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->list[i].place == place) {
			candidates->list[i].readers++;
			return;
		}
	candidates->list[candidates->count++] = (struct candidate){ place, 1 };
}

static bool is_among(gg_gva_t place, const gg_gva_t *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (places[i] == place)
			return true;
	return false;
}

// Adds the words that the function NAME reads, each once.
static struct gg_error *add_function(const struct gg_answerers *kernel, const char *name,
				     struct candidates *candidates)
{
	uint8_t code[MAX_CODE];
	gg_gva_t places[MAX_WORDS];
	struct gg_symbol symbol = { 0 };
	struct gg_error *err = gg_symbols_find(kernel->symbols, name, &symbol);
	const gg_gva_t start = symbol.address;
	// The symbol at the address has the size.
	if (!err)
		err = gg_symbols_at(kernel->symbols, start, &symbol);
	const size_t size = err ? 0 : symbol.size < MAX_CODE ? (size_t)symbol.size : MAX_CODE;
	if (!err)
		err = gg_host_read(&kernel->host, start, code, size);
	const size_t count =
		err ? 0 : kernel->arch->kernel->words_read(code, size, start, places, MAX_WORDS);
	for (size_t i = 0; i < count; i++)
		if (!is_among(places[i], places, i))
			add_reader(candidates, places[i]);
	return gg_error_unless_final(err);
}

// Tests whether the neighbours of a list's head at HEAD lead back to it.
static struct gg_error *check_list(const struct gg_host *host, gg_gva_t head, bool *ret)
{
	const unsigned int word = host->address_size;
	gg_gva_t next, previous, next_back = 0, previous_on = 0;
	struct gg_error *err = gg_host_read_uint(host, head, word, &next);
	if (!err)
		err = gg_host_read_uint(host, head + word, word, &previous);
	if (!err)
		err = gg_host_read_uint(host, next + word, word, &next_back);
	if (!err)
		err = gg_host_read_uint(host, previous, word, &previous_on);
	*ret = !err && next_back == head && previous_on == head;
	return gg_error_unless_final(err);
}

// Finds the only candidate that is the head of a list.
static struct gg_error *choose(const struct gg_answerers *kernel,
			       const struct candidates *candidates, gg_gva_t *ret)
{
	unsigned int found = 0;
	for (size_t i = 0; i < candidates->count; i++) {
		const struct candidate *candidate = &candidates->list[i];
		bool is_list = false;
		struct gg_error *err =
			candidate->readers < MIN_READERS
				? NULL
				: check_list(&kernel->host, candidate->place, &is_list);
		if (err)
			return err;
		if (!is_list)
			continue;
		*ret = candidate->place;
		found++;
	}
	return found == 1
		       ? NULL
		       : gg_error_create(GG_NOT_FOUND,
					 "%u lists are read by the functions that walk the modules",
					 found);
}

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct gg_answerers *kernel = data;
	if (strcmp(name, "modules") != 0)
		return gg_error_create(GG_NOT_FOUND, "the code is not asked for %s", name);
	struct candidates candidates = { .count = 0 };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < FUNCTIONS; i++)
		err = add_function(kernel, functions[i], &candidates);
	return err ? err : choose(kernel, &candidates, &ret->address);
}

static void destroy(void *data)
{
	(void)data;
}

struct gg_error *gg_modules_add_head(struct gg_answerers *kernel, int order)
{
	static const struct gg_symbol_finder_ops ops = { .find = find, .destroy = destroy };
	return gg_symbols_add(kernel->symbols, &(struct gg_symbol_finder){ .name = "code",
									   .order = order,
									   .ops = &ops,
									   .data = kernel });
}
