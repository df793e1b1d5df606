// SPDX-License-Identifier: GPL-3.0-or-later
//
// The ORC tables of a kernel and its modules (Linux arch/x86/kernel/unwind_orc.c, v4.14 to v7.2): an
// array of code addresses, ascending, each a distance from its own place, and an array of entries
// beside it.
//
// In:  the kernel's symbols, types and memory.
// Out: the entry of an address.
// Trusts nothing it reads: the tables' lengths are bounded, a search of unsorted tables ends too.
#include "orc.h"
#include "linux/modules/modules.h"
#include "memory/kept-array.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	MAX_ENTRIES = 1 << 24, // of one table
	IMAGE_RANGES = 2,      // the code that is freed after the start has its own
};

struct range {
	gg_gva_t start, end;
};

struct table {
	struct gg_kept_array ips, entries;
};

struct x86_orc {
	const struct gg_answerers *kernel;
	struct gg_host constants; // of the kernel's memory
	enum x86_orc_version version;
	struct range ranges[IMAGE_RANGES]; // of the image's code
	struct table image;
	// The modules, read at the first address outside of the image, and a table for each.
	const struct gg_module_list *modules;
	struct table *tables;
	bool has_modules;
};

// ---- A table ----

static void deinit_table(struct table *table)
{
	gg_kept_array_deinit(&table->ips);
	gg_kept_array_deinit(&table->entries);
}

static struct gg_error *init_table(struct table *table, const struct gg_host *host, gg_gva_t ips,
				   gg_gva_t entries, uint64_t count)
{
	if (!count || count > MAX_ENTRIES)
		return gg_error_create(GG_BAD_DATA, "the ORC table has %" PRIu64 " entries", count);
	struct gg_error *err =
		gg_kept_array_init(&table->ips, host, ips, X86_ORC_IP_SIZE, (size_t)count);
	return err ? err
		   : gg_kept_array_init(&table->entries, host, entries, X86_ORC_ENTRY_SIZE,
					(size_t)count);
}

static struct gg_error *read_ip(struct table *table, size_t index, gg_gva_t *ret)
{
	uint8_t bytes[X86_ORC_IP_SIZE];
	uint64_t distance;
	struct gg_error *err = gg_kept_array_get(&table->ips, index, bytes);
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, X86_ORC_IP_SIZE, false, "ORC");
	err = gg_cursor_uint(&cursor, X86_ORC_IP_SIZE, &distance);
	*ret = table->ips.address + index * X86_ORC_IP_SIZE + (uint64_t)(int32_t)distance;
	return err;
}

// Finds the last entry whose address is not above PC. GG_NOT_FOUND if all addresses are above PC.
static struct gg_error *search(struct table *table, gg_gva_t pc, uint8_t ret[X86_ORC_ENTRY_SIZE])
{
	size_t first = 0, end = table->ips.count; // the entry is in [FIRST - 1, END - 1)
	while (first < end) {
		const size_t middle = first + (end - first) / 2;
		gg_gva_t ip;
		struct gg_error *err = read_ip(table, middle, &ip);
		if (err)
			return err;
		if (ip <= pc)
			first = middle + 1;
		else
			end = middle;
	}
	if (!first)
		return gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is before the ORC table", pc);
	return gg_kept_array_get(&table->entries, first - 1, ret);
}

// ---- The kernel's image ----

static void find_range(const struct gg_host *host, const char *start, const char *end,
		       struct range *ret)
{
	struct gg_error *err = gg_host_symbol(host, start, &ret->start);
	if (!err)
		err = gg_host_symbol(host, end, &ret->end);
	if (err)
		*ret = (struct range){ 0 };
	gg_error_destroy(err);
}

// Tests whether PC is in the image's code.
static bool has_code(const struct x86_orc *orc, gg_gva_t pc)
{
	for (size_t i = 0; i < IMAGE_RANGES; i++)
		if (pc >= orc->ranges[i].start && pc < orc->ranges[i].end)
			return true;
	return false;
}

static struct gg_error *find_image(struct x86_orc *orc)
{
	const struct gg_host *host = &orc->kernel->typed;
	gg_gva_t ips, end, entries;
	find_range(host, "_stext", "_etext", &orc->ranges[0]);
	find_range(host, "_sinittext", "_einittext", &orc->ranges[1]);
	struct gg_error *err = gg_host_symbol(host, "__start_orc_unwind_ip", &ips);
	if (!err)
		err = gg_host_symbol(host, "__stop_orc_unwind_ip", &end);
	if (!err)
		err = gg_host_symbol(host, "__start_orc_unwind", &entries);
	return err ? err
		   : init_table(&orc->image, &orc->constants, ips, entries,
				(end - ips) / X86_ORC_IP_SIZE);
}

// ---- The version ----

// Version 4 renumbers the registers, and its types are those of version 3: the commonest register,
// the stack pointer, tells them apart.
static struct gg_error *tell_newest(struct x86_orc *orc)
{
	enum { SAMPLES = 1024 };
	struct gg_kept_array *entries = &orc->image.entries;
	unsigned int counts[16] = { 0 };
	const size_t first = entries->count > 2 * SAMPLES ? entries->count / 2 : 0;
	for (size_t i = first; i < entries->count && i < first + SAMPLES; i++) {
		uint8_t bytes[X86_ORC_ENTRY_SIZE];
		struct gg_error *err = gg_kept_array_get(entries, i, bytes);
		if (err)
			return err;
		counts[bytes[4] & 15]++;
	}
	enum { SP_V1 = 5, SP_V4 = 3 };
	orc->version = counts[SP_V4] > counts[SP_V1] ? X86_ORC_V4 : X86_ORC_V3;
	return NULL;
}

static struct gg_error *tell_version(struct x86_orc *orc)
{
	struct gg_btf_member type, signal;
	struct gg_error *err = gg_types_member(orc->kernel->types, "orc_entry", "type", &type);
	if (err)
		return err;
	if (type.bits == 3)
		return tell_newest(orc);
	err = gg_types_member(orc->kernel->types, "orc_entry", "signal", &signal);
	orc->version = err ? X86_ORC_V1 : X86_ORC_V2;
	return gg_error_unless_final(err);
}

// ---- Modules ----

static struct gg_error *list_modules(struct x86_orc *orc)
{
	const struct gg_module_list *list;
	struct gg_error *err = gg_modules_list(orc->kernel, &list);
	if (err)
		return gg_error_unless_final(err);
	orc->tables = calloc(list->count + 1, sizeof(*orc->tables));
	if (!orc->tables)
		return gg_enomem;
	orc->modules = list;
	return NULL;
}

// Finds the table of the module that has PC; NULL without.
static struct gg_error *find_module(struct x86_orc *orc, gg_gva_t pc, struct table **ret)
{
	*ret = NULL;
	struct gg_error *err = orc->has_modules ? NULL : list_modules(orc);
	orc->has_modules = true;
	const struct gg_module *module =
		!err && orc->modules ? gg_modules_at(orc->modules, pc) : NULL;
	// A module that is being loaded has no table yet.
	if (!module || !module->orc_count)
		return err;
	*ret = &orc->tables[module - orc->modules->modules];
	return (*ret)->ips.count ? NULL
				 : init_table(*ret, &orc->kernel->typed, module->orc_ip,
					      module->orc, module->orc_count);
}

// ---- All ----

void x86_orc_destroy(struct x86_orc *orc)
{
	if (!orc)
		return;
	deinit_table(&orc->image);
	for (size_t i = 0; orc->tables && i < orc->modules->count; i++)
		deinit_table(&orc->tables[i]);
	free(orc->tables);
	free(orc);
}

struct gg_error *x86_orc_create(const struct gg_answerers *kernel, struct x86_orc **ret)
{
	struct x86_orc *orc = calloc(1, sizeof(*orc));
	if (!orc)
		return gg_enomem;
	orc->kernel = kernel;
	orc->constants = gg_kernel_constants(&kernel->memory);
	struct gg_error *err = find_image(orc);
	if (!err)
		err = tell_version(orc);
	if (err)
		x86_orc_destroy(orc);
	else
		*ret = orc;
	return err;
}

struct gg_error *x86_orc_find(struct x86_orc *orc, gg_gva_t pc, struct x86_orc_entry *ret)
{
	uint8_t bytes[X86_ORC_ENTRY_SIZE];
	struct table *table = &orc->image;
	struct gg_error *err = has_code(orc, pc) ? NULL : find_module(orc, pc, &table);
	if (!err && !table)
		err = gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is no code with ORC", pc);
	if (!err)
		err = search(table, pc, bytes);
	if (!err)
		*ret = x86_orc_decode(orc->version, bytes);
	return err;
}

// ---- All entries ----

static struct gg_error *visit_table(struct x86_orc *orc, struct table *table,
				    x86_orc_visit_fn *visit, struct gg_error *(*end)(void *data),
				    void *data)
{
	for (size_t i = 0; i < table->ips.count; i++) {
		uint8_t bytes[X86_ORC_ENTRY_SIZE];
		gg_gva_t pc;
		struct gg_error *err = read_ip(table, i, &pc);
		if (!err)
			err = gg_kept_array_get(&table->entries, i, bytes);
		if (err)
			return err;
		const struct x86_orc_entry entry = x86_orc_decode(orc->version, bytes);
		err = visit(data, pc, &entry);
		if (err)
			return err;
	}
	return end(data);
}

struct gg_error *x86_orc_visit(struct x86_orc *orc, x86_orc_visit_fn *visit,
			       struct gg_error *(*end)(void *data), void *data)
{
	struct table *table;
	struct gg_error *err = visit_table(orc, &orc->image, visit, end, data);
	if (!err && !orc->has_modules)
		err = list_modules(orc);
	orc->has_modules = true;
	for (size_t i = 0; !err && orc->modules && i < orc->modules->count; i++) {
		err = find_module(orc, orc->modules->modules[i].ranges[0].start, &table);
		if (!err && table)
			err = visit_table(orc, table, visit, end, data);
	}
	return err;
}
