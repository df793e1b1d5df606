// SPDX-License-Identifier: GPL-3.0-or-later
//
// The code that BPF has made: programs, trampolines, dispatchers (Linux commit bfea9a8574f3 "bpf: Add name to
// struct bpf_ksym", v5.7, to v7.2). /proc/kallsyms shows it as of the module "bpf".
//
// In:  the kernel's symbols, members and memory.
// Out: symbols.
// Trusts nothing it reads: the number of symbols is bounded, and a character that is not printable
// becomes a question mark.
#include "modules.h"
#include "base/vector.h"
#include "host/record.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_CODES = 1 << 16,
	MAX_NAME = 512, // KSYM_NAME_LEN
};

static const char module_name[] = "bpf";

struct layout {
	struct gg_member start, end, name, list;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, start, "bpf_ksym", "start"),
	GG_LAYOUT_ROW(struct layout, end, "bpf_ksym", "end"),
	GG_LAYOUT_ROW(struct layout, name, "bpf_ksym", "name"),
	GG_LAYOUT_ROW(struct layout, list, "bpf_ksym", "lnode"),
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

struct bpf {
	const struct gg_answerers *kernel;
	const struct gg_debug *debug;
	struct layout layout;
	struct gg_record record;   // the struct bpf_ksym that was read last
	struct gg_symbol *symbols; // their names are owned
	size_t count;
};

// ---- The list ----

static char *copy_name(const struct bpf *bpf)
{
	char text[MAX_NAME + 1];
	gg_record_text(&bpf->record, &bpf->layout.name, text, sizeof(text));
	for (char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
	return strdup(*text ? text : "?");
}

// Adds the code whose struct bpf_ksym was read last.
static struct gg_error *add(struct bpf *bpf)
{
	const gg_gva_t start = gg_record_value(&bpf->record, &bpf->layout.start);
	const gg_gva_t end = gg_record_value(&bpf->record, &bpf->layout.end);
	if (bpf->count == MAX_CODES)
		return gg_error_create(GG_BAD_DATA, "there are more than %d", MAX_CODES);
	if (end <= start)
		return gg_error_create(GG_BAD_DATA,
				       "code from 0x%" PRIx64 " to 0x%" PRIx64 " has no bytes",
				       start, end);
	struct gg_error *err = gg_vector_grow(&bpf->symbols, bpf->count, sizeof(*bpf->symbols));
	if (err)
		return err;
	char *name = copy_name(bpf);
	if (!name)
		return gg_enomem;
	bpf->symbols[bpf->count++] = (struct gg_symbol){ .name = name,
							 .type = 't',
							 .address = start,
							 .size = end - start,
							 .module = module_name };
	return NULL;
}

// Adds all code that the list with the head at HEAD has.
static struct gg_error *walk(struct bpf *bpf, gg_gva_t head)
{
	const struct gg_host *host = &bpf->kernel->typed;
	gg_gva_t node;
	struct gg_error *err = gg_host_read_uint(host, head, host->address_size, &node);
	while (!err && node != head) {
		err = gg_interrupt_check();
		if (!err)
			err = gg_record_read(&bpf->record, node - bpf->layout.list.offset);
		if (!err)
			err = add(bpf);
		node = gg_record_pointer(&bpf->record, &bpf->layout.list, 0);
	}
	return err;
}

static struct gg_error *read_all(struct bpf *bpf)
{
	const struct gg_host *host = &bpf->kernel->typed;
	gg_gva_t head;
	struct gg_error *err = gg_host_symbol(host, "bpf_kallsyms", &head);
	if (!err)
		err = gg_layout_resolve(host, rows, ROWS, &bpf->layout);
	if (!err)
		err = gg_record_init(&bpf->record, host, "bpf_ksym", rows, ROWS, &bpf->layout);
	return err ? err : walk(bpf, head);
}

// Reads the list. A kernel without BPF has no such code; a list that is damaged has what comes before
// the damage.
static struct gg_error *open_bpf(void *data)
{
	struct bpf *bpf = data;
	struct gg_error *err = read_all(bpf);
	if (err && !gg_error_is_final(err)) {
		gg_debug(bpf->debug, "symbols of BPF: %zu, then: %s", bpf->count,
			 gg_error_message(err));
		gg_error_destroy(err);
		err = NULL;
	}
	return err;
}

// ---- The finder ----

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct bpf *bpf = data;
	const char *colon = strchr(name, ':');
	const bool is_own = !colon || !strncmp(name, "bpf:", 4);
	for (size_t i = 0; is_own && i < bpf->count; i++)
		if (!strcmp(bpf->symbols[i].name, colon ? colon + 1 : name)) {
			*ret = bpf->symbols[i];
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "no code of BPF's is called %s", name);
}

static struct gg_error *find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	const struct bpf *bpf = data;
	for (size_t i = 0; i < bpf->count; i++) {
		const struct gg_symbol *symbol = &bpf->symbols[i];
		if (address - symbol->address >= symbol->size)
			continue;
		*ret = *symbol;
		return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is no code of BPF's", address);
}

static void destroy(void *data)
{
	struct bpf *bpf = data;
	for (size_t i = 0; i < bpf->count; i++)
		free((char *)bpf->symbols[i].name);
	free(bpf->symbols);
	gg_record_deinit(&bpf->record);
	free(bpf);
}

// Not visited: such code comes and goes, and belongs to no file.
static const struct gg_symbol_finder_ops ops = {
	.open = open_bpf,
	.find = find,
	.find_at = find_at,
	.destroy = destroy,
};

struct gg_error *gg_bpf_add_finder(struct gg_answerers *kernel, int order, gg_gva_t area,
				   uint64_t area_size, const struct gg_debug *debug)
{
	struct bpf *bpf = calloc(1, sizeof(*bpf));
	if (!bpf)
		return gg_enomem;
	bpf->kernel = kernel;
	bpf->debug = debug;
	return gg_symbols_add(kernel->symbols, &(struct gg_symbol_finder){ .name = "BPF",
									   .order = order,
									   .ops = &ops,
									   .data = bpf,
									   .start = area,
									   .size = area_size,
									   .of_modules = true });
}
