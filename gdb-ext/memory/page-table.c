// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the RAM map, the place of the root table, the format.
// Out: guest-physical addresses, and how far each answer holds.
// Trusts nothing it reads: a table outside RAM is a fault, and every walk has as many steps as
// levels.
#include "page-table.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <libkdumpfile/addrxlat.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 4096 }; // bytes of a table that are read at once

struct gg_page_table {
	const struct gg_ram_map *map;
	struct gg_paging paging;
	addrxlat_ctx_t *context;
	addrxlat_meth_t method;
	struct gg_error *err;        // of the last page that could not be read
	struct gg_page_table *lower; // of the lower half of addresses; NULL without
	gg_hidden_page_fn *hidden;   // NULL: the hardware's view
};

static void put_page(const addrxlat_buffer_t *buffer)
{
	free(buffer->priv);
}

static addrxlat_status get_page(const addrxlat_cb_t *callbacks, addrxlat_buffer_t *buffer)
{
	struct gg_page_table *table = callbacks->priv;
	void *page = malloc(CHUNK);
	if (!page)
		return ADDRXLAT_ERR_NOMEM;
	buffer->addr.addr &= ~(addrxlat_addr_t)(CHUNK - 1);
	struct gg_error *err = gg_ram_map_read(table->map, buffer->addr.addr, page, CHUNK);
	if (err) {
		free(page);
		gg_error_destroy(table->err);
		table->err = err;
		return ADDRXLAT_ERR_NODATA;
	}
	buffer->ptr = page;
	buffer->size = CHUNK;
	buffer->byte_order =
		table->paging.format->big_endian ? ADDRXLAT_BIG_ENDIAN : ADDRXLAT_LITTLE_ENDIAN;
	buffer->put_page = put_page;
	buffer->priv = page;
	return ADDRXLAT_OK;
}

static unsigned long read_caps(const addrxlat_cb_t *callbacks)
{
	(void)callbacks;
	return ADDRXLAT_CAPS(ADDRXLAT_MACHPHYSADDR);
}

static void describe_paging(addrxlat_meth_t *method, const struct gg_paging *paging)
{
	*method = (addrxlat_meth_t){ .kind = ADDRXLAT_PGT, .target_as = ADDRXLAT_MACHPHYSADDR };
	addrxlat_param_pgt_t *parameters = &method->param.pgt;
	parameters->root.as = ADDRXLAT_MACHPHYSADDR;
	parameters->root.addr = paging->root & ~paging->ignored_bits;
	parameters->pte_mask = paging->ignored_bits;
	parameters->pf.pte_format = (addrxlat_pte_format_t)paging->format->walker;
	parameters->pf.nfields = (unsigned short)(paging->levels + 1);
	parameters->pf.fieldsz[0] = (unsigned short)paging->format->offset_bits;
	for (unsigned int i = 0; i < paging->levels; i++)
		parameters->pf.fieldsz[i + 1] = (unsigned short)paging->format->index_bits[i];
}

struct gg_error *gg_page_table_create(const struct gg_ram_map *map, const struct gg_paging *paging,
				      struct gg_page_table **ret)
{
	struct gg_page_table *table = calloc(1, sizeof(*table));
	if (!table)
		return gg_enomem;
	table->map = map;
	table->paging = *paging;
	table->context = addrxlat_ctx_new();
	addrxlat_cb_t *callbacks = table->context ? addrxlat_ctx_add_cb(table->context) : NULL;
	if (!callbacks) {
		gg_page_table_destroy(table);
		return gg_enomem;
	}
	callbacks->priv = table;
	callbacks->get_page = get_page;
	callbacks->read_caps = read_caps;
	if (!paging->format->decode)
		describe_paging(&table->method, paging);
	const struct gg_paging lower = { .format = paging->lower.format,
					 .levels = paging->lower.levels,
					 .root = paging->lower.root,
					 .half = GG_LOWER_HALF,
					 .input_bits = paging->lower.input_bits,
					 .ignored_bits = paging->ignored_bits };
	struct gg_error *err =
		lower.levels ? gg_page_table_create(map, &lower, &table->lower) : NULL;
	if (err)
		gg_page_table_destroy(table);
	else
		*ret = table;
	return err;
}

void gg_page_table_destroy(struct gg_page_table *table)
{
	if (!table)
		return;
	if (table->context)
		addrxlat_ctx_decref(table->context);
	gg_page_table_destroy(table->lower);
	gg_error_destroy(table->err);
	free(table);
}

struct gg_error *gg_page_table_create_sibling(const struct gg_page_table *table, gg_gpa_t root,
					      struct gg_page_table **ret)
{
	struct gg_paging paging = table->paging;
	paging.root = root;
	paging.lower.levels = 0;
	// A program's tables are those of the lower half.
	if (paging.half == GG_UPPER_HALF)
		paging.half = GG_LOWER_HALF;
	return gg_page_table_create(table->map, &paging, ret);
}

uint64_t gg_page_table_page_size(const struct gg_page_table *table)
{
	const struct gg_page_format *format = table->paging.format;
	return format ? UINT64_C(1) << format->offset_bits : CHUNK;
}

// Returns the bits of an address that an entry of LEVEL leaves open.
static unsigned int bits_below(const struct gg_page_table *table, unsigned int level)
{
	const struct gg_page_format *format = table->paging.format;
	unsigned int bits = format->offset_bits;
	for (unsigned int i = 1; i < level; i++)
		bits += format->index_bits[i - 1];
	return bits;
}

static struct gg_error *walk_error(struct gg_page_table *table, gg_gva_t gva,
				   addrxlat_status status)
{
	if (status == ADDRXLAT_ERR_NOMEM)
		return gg_enomem;
	if (table->err)
		return gg_error_context(no_cleanup_ptr(table->err), "the page tables of 0x%" PRIx64,
					gva);
	return gg_error_create(GG_BAD_DATA, "the page tables of 0x%" PRIx64 ": %s", gva,
			       addrxlat_ctx_get_err(table->context));
}

// Reads the entry of LEVEL at GPA.
static struct gg_error *read_entry(const struct gg_page_table *table, unsigned int level,
				   gg_gpa_t gpa, struct gg_page_entry *ret)
{
	const struct gg_page_format *format = table->paging.format;
	uint8_t bytes[8];
	*ret = (struct gg_page_entry){ .level = level, .gpa = gpa };
	struct gg_error *err = gg_ram_map_read(table->map, gpa, bytes, format->entry_size);
	if (err)
		return gg_error_context(err, "the %s", gg_page_table_level_name(table, level));
	struct gg_cursor cursor =
		gg_cursor(bytes, format->entry_size, format->big_endian, "page table");
	return gg_cursor_uint(&cursor, format->entry_size, &ret->value);
}

static gg_gpa_t place_of_entry(const addrxlat_step_t *step)
{
	return step->base.addr + step->idx[step->remain - 1] * step->elemsz;
}

static struct gg_error *read_step_entry(const struct gg_page_table *table,
					const addrxlat_step_t *step, struct gg_page_entry *ret)
{
	return read_entry(table, step->remain - 1u, place_of_entry(step), ret);
}

// Finds the entry at which STEP ends. VALUE is as the library has it: without the ignored bits.
static struct gg_error *find_last_entry(const struct gg_page_table *table,
					const addrxlat_step_t *step, uint64_t value,
					struct gg_page_entry *ret)
{
	if (table->paging.ignored_bits)
		return read_step_entry(table, step, ret);
	*ret = (struct gg_page_entry){ .level = step->remain - 1u,
				       .gpa = place_of_entry(step),
				       .value = value };
	return NULL;
}

// Maps GVA without tables.
static struct gg_error *map_linearly(const struct gg_page_format *format, gg_gva_t gva,
				     struct gg_mapping *ret)
{
	const uint64_t offset = gva - format->linear;
	if (offset >= format->linear_size)
		return gg_error_fault(gva,
				      "0x%" PRIx64 " is not in the linear map from 0x%" PRIx64
				      " on, and the hash MMU's page tables are not read",
				      gva, format->linear);
	*ret = (struct gg_mapping){ .present = true,
				    .gpa = offset,
				    .size = format->linear_size - offset,
				    .page_size = format->linear_size };
	return NULL;
}

// Maps GVA to itself: paging is off.
static struct gg_error *map_identically(const struct gg_page_table *table, gg_gva_t gva,
					struct gg_mapping *ret)
{
	const unsigned int bits = table->paging.format->address_bits;
	const uint64_t whole = UINT64_C(1) << (bits < 64 ? bits : 63);
	*ret = (struct gg_mapping){
		.present = true, .gpa = gva, .size = whole - (gva & (whole - 1)), .page_size = whole
	};
	return NULL;
}

// Tests the bits of GVA that the tables do not translate: they are as the highest bit, or as the half has
// them.
static struct gg_error *check_canonical(const struct gg_page_table *table, gg_gva_t gva)
{
	const struct gg_paging *paging = &table->paging;
	const unsigned int input =
		paging->half ? paging->input_bits : bits_below(table, paging->levels + 1);
	const gg_gva_t others = gva >> (input - !paging->half);
	const gg_gva_t upper = paging->format->upper;
	const gg_gva_t ones = (upper ? upper : UINT64_MAX) >> (input - !paging->half);
	if ((others == 0 && paging->half != GG_UPPER_HALF) ||
	    (others == ones && paging->half != GG_LOWER_HALF))
		return NULL;
	return gg_error_create(GG_BAD_DATA,
			       "0x%" PRIx64 " is no address of the %u bits that the page tables "
			       "translate",
			       gva, input);
}

static struct gg_error *check_address(const struct gg_page_table *table, gg_gva_t gva)
{
	const unsigned int bits = table->paging.format->address_bits;
	if (bits < 64 && gva >> bits)
		return gg_error_create(GG_BAD_DATA,
				       "0x%" PRIx64 " is beyond the %u bits of an address", gva,
				       bits);
	if (bits < 64 || !table->paging.levels || !table->paging.format->decode)
		return NULL;
	return check_canonical(table, gva);
}

typedef struct gg_error *visit_entry(void *data, const struct gg_page_entry *entry);

static struct gg_error *walk_by_library(struct gg_page_table *table, gg_gva_t gva,
					visit_entry *visit, void *data, struct gg_mapping *ret)
{
	struct gg_error *err = NULL;
	addrxlat_step_t step = { .ctx = table->context, .meth = &table->method }, last = step;
	addrxlat_ctx_clear_err(table->context);
	addrxlat_status status = addrxlat_launch(&step, gva);
	// The last entry stands for as much of the address as fields remained.
	while (status == ADDRXLAT_OK && step.remain > 1) {
		struct gg_page_entry entry;
		last = step;
		if (visit)
			err = read_step_entry(table, &step, &entry);
		if (visit && !err)
			err = visit(data, &entry);
		if (err)
			return err;
		status = addrxlat_step(&step);
	}
	if ((status != ADDRXLAT_OK && status != ADDRXLAT_ERR_NOTPRESENT) || !last.remain)
		return walk_error(table, gva, status);

	const uint64_t whole = UINT64_C(1) << bits_below(table, last.remain - 1u);
	*ret = (struct gg_mapping){
		.present = status == ADDRXLAT_OK,
		.size = whole - (gva & (whole - 1)),
		.page_size = whole,
	};
	if (!ret->present)
		return find_last_entry(table, &last, step.raw.pte, &ret->last);
	if (step.remain && addrxlat_step(&step) != ADDRXLAT_OK)
		return walk_error(table, gva, ADDRXLAT_ERR_INVALID);
	ret->gpa = step.base.addr;
	return NULL;
}

static struct gg_error *walk_by_decoding(const struct gg_page_table *table, gg_gva_t gva,
					 visit_entry *visit, void *data, struct gg_mapping *ret)
{
	const struct gg_page_format *format = table->paging.format;
	const uint64_t input =
		table->paging.half ? (UINT64_C(1) << table->paging.input_bits) - 1 : UINT64_MAX;
	struct gg_page_target target = { .present = true,
					 .gpa = table->paging.root & ~table->paging.ignored_bits };
	struct gg_page_entry entry = { .level = table->paging.levels + 1 };
	while (target.present && !target.is_page && entry.level > 1) {
		const unsigned int level = entry.level - 1;
		const uint64_t mask = (UINT64_C(1) << format->index_bits[level - 1]) - 1;
		const uint64_t index = (gva & input) >> bits_below(table, level) & mask;
		struct gg_error *err =
			read_entry(table, level, target.gpa + index * format->entry_size, &entry);
		if (!err && visit)
			err = visit(data, &entry);
		if (err)
			return gg_error_context(err, "the page tables of 0x%" PRIx64, gva);
		entry.value &= ~table->paging.ignored_bits;
		format->decode(&entry, &target);
	}
	const unsigned int bits = bits_below(table, entry.level);
	const uint64_t whole = UINT64_C(1) << (target.page_bits > bits ? target.page_bits : bits);
	*ret = (struct gg_mapping){ .present = target.present,
				    .gpa = target.present ? target.gpa + (gva & (whole - 1)) : 0,
				    .size = whole - (gva & (whole - 1)),
				    .page_size = whole };
	if (!target.present)
		ret->last = entry;
	return NULL;
}

struct gg_error *gg_page_table_walk(struct gg_page_table *table, gg_gva_t gva, visit_entry *visit,
				    void *data, struct gg_mapping *ret)
{
	enum { HALVES = 55 };
	if (table->lower && !(gva >> HALVES & 1))
		return gg_page_table_walk(table->lower, gva, visit, data, ret);
	struct gg_error *err = check_address(table, gva);
	if (err)
		return err;
	if (!table->paging.levels && table->paging.format->linear_size)
		return map_linearly(table->paging.format, gva, ret);
	if (!table->paging.levels)
		return map_identically(table, gva, ret);
	return table->paging.format->decode ? walk_by_decoding(table, gva, visit, data, ret)
					    : walk_by_library(table, gva, visit, data, ret);
}

struct gg_error *gg_page_table_map(struct gg_page_table *table, gg_gva_t gva,
				   struct gg_mapping *ret)
{
	struct gg_error *err = gg_page_table_walk(table, gva, NULL, NULL, ret);
	if (!err && !ret->present && table->hidden && table->hidden(&ret->last, &ret->gpa)) {
		ret->present = true;
		ret->gpa += gva % ret->page_size;
	}
	return err;
}

void gg_page_table_show_hidden(struct gg_page_table *table, gg_hidden_page_fn *hidden)
{
	table->hidden = hidden;
}

// ---- Neighbours ----

static struct gg_error *keep_last(void *data, const struct gg_page_entry *entry)
{
	struct gg_page_entry *last = data;
	*last = *entry;
	return NULL;
}

// Makes LEAF the table of LAST, the last entry on the way to GVA, if the table is one of the last level.
static void read_leaf(const struct gg_page_table *table, const struct gg_page_entry *last,
		      gg_gva_t gva, struct gg_page_leaf *leaf)
{
	const uint64_t whole = UINT64_C(1) << bits_below(table, 2);
	leaf->size = 0;
	if (!table->paging.format->page || last->level != 1 ||
	    table->paging.format->entry_size << table->paging.format->index_bits[0] !=
		    sizeof(leaf->bytes))
		return;
	leaf->gpa = last->gpa & ~(gg_gpa_t)(sizeof(leaf->bytes) - 1);
	struct gg_error *err =
		gg_ram_map_read(table->map, leaf->gpa, leaf->bytes, sizeof(leaf->bytes));
	leaf->start = gva & ~(whole - 1);
	leaf->size = err ? 0 : whole;
	gg_error_destroy(err);
}

static uint64_t leaf_entry(const struct gg_page_table *table, const struct gg_page_leaf *leaf,
			   uint64_t index)
{
	const struct gg_page_format *format = table->paging.format;
	const uint8_t *bytes = leaf->bytes + index * format->entry_size;
	uint64_t value = 0;
	for (unsigned int i = 0; i < format->entry_size; i++)
		value |= (uint64_t)bytes[format->big_endian ? format->entry_size - 1 - i : i]
			 << 8 * i;
	return value & ~table->paging.ignored_bits;
}

// Tests whether VALUE, an entry of LEAF, follows the entry FIRST by COUNT entries: the next page, or an empty
// entry behind an empty one.
static bool follows(const struct gg_page_table *table, const struct gg_mapping *first,
		    uint64_t count, uint64_t value)
{
	gg_gpa_t gpa;
	const bool present = table->paging.format->page(value, &gpa);
	if (!first->present)
		return !first->last.value && !value;
	const gg_gpa_t page = first->gpa & ~(first->page_size - 1);
	return present && gpa == page + count * first->page_size;
}

static void map_by_leaf(const struct gg_page_table *table, const struct gg_page_leaf *leaf,
			gg_gva_t gva, struct gg_mapping *ret)
{
	const uint64_t page = gg_page_table_page_size(table), first = (gva - leaf->start) / page;
	const uint64_t value = leaf_entry(table, leaf, first), end = leaf->size / page;
	uint64_t next = first + 1;
	gg_gpa_t gpa;
	*ret = (struct gg_mapping){ .size = page - gva % page, .page_size = page };
	ret->present = table->paging.format->page(value, &gpa);
	if (ret->present)
		ret->gpa = gpa + gva % page;
	else
		ret->last = (struct gg_page_entry){
			.level = 1,
			.gpa = leaf->gpa + first * table->paging.format->entry_size,
			.value = value,
		};
	while (next < end && follows(table, ret, next - first, leaf_entry(table, leaf, next)))
		next++;
	ret->size += (next - first - 1) * page;
}

struct gg_error *gg_page_table_map_near(struct gg_page_table *table, struct gg_page_leaf *leaf,
					gg_gva_t gva, struct gg_mapping *ret)
{
	struct gg_page_entry last = { 0 };
	if (leaf->size && gva - leaf->start < leaf->size) {
		map_by_leaf(table, leaf, gva, ret);
		return NULL;
	}
	struct gg_error *err = gg_page_table_walk(table, gva, keep_last, &last, ret);
	if (err)
		return err;
	read_leaf(table, &last, gva, leaf);
	if (leaf->size)
		map_by_leaf(table, leaf, gva, ret);
	else if (!ret->present)
		ret->size = gg_page_table_gap(table, gva, ret);
	return NULL;
}

uint64_t gg_page_table_reach(const struct gg_page_table *table, gg_gva_t gva)
{
	const uint64_t whole = UINT64_C(1) << bits_below(table, 2);
	return whole - (gva & (whole - 1));
}

uint64_t gg_page_table_gap(const struct gg_page_table *table, gg_gva_t gva,
			   const struct gg_mapping *mapping)
{
	const struct gg_page_format *format = table->paging.format;
	const struct gg_page_entry *entry = &mapping->last;
	uint8_t bytes[CHUNK];
	if (entry->level - 1u >= GG_PAGE_LEVELS)
		return mapping->size;
	const uint64_t last_index = (UINT64_C(1) << format->index_bits[entry->level - 1u]) - 1;
	const uint64_t index = gva >> bits_below(table, entry->level) & last_index;
	uint64_t size = (last_index - index + 1) * format->entry_size;
	size = size < CHUNK ? size : CHUNK;
	struct gg_error *err = gg_ram_map_read(table->map, entry->gpa, bytes, (size_t)size);
	if (err) {
		gg_error_destroy(err);
		return mapping->size;
	}
	uint64_t equal = format->entry_size;
	while (equal < size && !memcmp(bytes, bytes + equal, format->entry_size))
		equal += format->entry_size;
	return mapping->size + (equal / format->entry_size - 1) * mapping->page_size;
}

const char *gg_page_table_level_name(const struct gg_page_table *table, unsigned int level)
{
	const char *name =
		level - 1u < GG_PAGE_LEVELS ? table->paging.format->names[level - 1u] : NULL;
	return name ? name : "entry";
}

void gg_page_table_flags(const struct gg_page_table *table, const struct gg_page_entry *entry,
			 char text[GG_PAGE_FLAGS_SIZE])
{
	*text = 0;
	if (table->paging.format->flags)
		table->paging.format->flags(entry, text);
}

static struct gg_error *not_mapped(const struct gg_page_table *table, gg_gva_t gva,
				   const struct gg_page_entry *entry)
{
	return gg_error_fault(gva,
			      "0x%" PRIx64 " is not mapped: its %s at guest-physical 0x%" PRIx64
			      " is 0x%" PRIx64 ", not present",
			      gva, gg_page_table_level_name(table, entry->level), entry->gpa,
			      entry->value);
}

struct gg_error *gg_page_table_read(struct gg_page_table *table, gg_gva_t gva, void *buffer,
				    size_t size)
{
	uint8_t *bytes = buffer;
	while (size) {
		struct gg_mapping mapping;
		struct gg_error *err = gg_page_table_map(table, gva, &mapping);
		if (err)
			return err;
		if (!mapping.present)
			return not_mapped(table, gva, &mapping.last);
		size_t piece = size < mapping.size ? size : (size_t)mapping.size;
		err = gg_ram_map_read(table->map, mapping.gpa, bytes, piece);
		if (err)
			return gg_error_context(err, "0x%" PRIx64, gva);
		gva += piece;
		bytes += piece;
		size -= piece;
	}
	return NULL;
}
