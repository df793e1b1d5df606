// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the RAM map, where the root table is and of what kind it is.
// Out: guest-physical addresses, and how far each answer holds.
// Trusts nothing it reads: a table outside RAM is a fault, and every walk has as many steps as
// levels.
#include "page-table.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <libkdumpfile/addrxlat.h>
#include <stdio.h>
#include <string.h>

enum { TABLE_SIZE = 4096 };

struct gg_page_table {
	const struct gg_ram_map *map;
	enum gg_pte_format format;
	addrxlat_ctx_t *context;
	addrxlat_meth_t method;
	struct gg_error *err; // of the last page that could not be read
};

static void put_page(const addrxlat_buffer_t *buffer)
{
	free(buffer->priv);
}

static addrxlat_status get_page(const addrxlat_cb_t *callbacks, addrxlat_buffer_t *buffer)
{
	struct gg_page_table *table = callbacks->priv;
	void *page = malloc(TABLE_SIZE);
	if (!page)
		return ADDRXLAT_ERR_NOMEM;
	buffer->addr.addr &= ~(addrxlat_addr_t)(TABLE_SIZE - 1);
	struct gg_error *err = gg_ram_map_read(table->map, buffer->addr.addr, page, TABLE_SIZE);
	if (err) {
		free(page);
		gg_error_destroy(table->err);
		table->err = err;
		return ADDRXLAT_ERR_NODATA;
	}
	buffer->ptr = page;
	buffer->size = TABLE_SIZE;
	buffer->byte_order = ADDRXLAT_LITTLE_ENDIAN;
	buffer->put_page = put_page;
	buffer->priv = page;
	return ADDRXLAT_OK;
}

static unsigned long read_caps(const addrxlat_cb_t *callbacks)
{
	(void)callbacks;
	return ADDRXLAT_CAPS(ADDRXLAT_MACHPHYSADDR);
}

// What libaddrxlat, and who looks at a table, must know of each format.
static const struct {
	addrxlat_pte_format_t format;
	unsigned short offset_bits;
	unsigned short index_bits[5]; // of each level's table, the last one's first
	unsigned int address_bits;    // of those that libaddrxlat does not check
	const char *names[5];         // of the entries
} formats[GG_PTE_FORMATS] = {
	[GG_PTE_NONE] = { .address_bits = 32 },
	[GG_PTE_X86_64] = { ADDRXLAT_PTE_X86_64,
			    12,
			    { 9, 9, 9, 9, 9 },
			    64,
			    { "PTE", "PDE", "PDPTE", "PML4E", "PML5E" } },
	[GG_PTE_IA32] = { ADDRXLAT_PTE_IA32, 12, { 10, 10 }, 32, { "PTE", "PDE" } },
	[GG_PTE_IA32_PAE] = { ADDRXLAT_PTE_IA32_PAE,
			      12,
			      { 9, 9, 2 },
			      32,
			      { "PTE", "PDE", "PDPTE" } },
};

static void describe_paging(addrxlat_meth_t *method, const struct gg_paging *paging)
{
	*method = (addrxlat_meth_t){ .kind = ADDRXLAT_PGT, .target_as = ADDRXLAT_MACHPHYSADDR };
	addrxlat_param_pgt_t *parameters = &method->param.pgt;
	parameters->root.as = ADDRXLAT_MACHPHYSADDR;
	parameters->root.addr = paging->root & ~paging->ignored_bits;
	parameters->pte_mask = paging->ignored_bits;
	parameters->pf.pte_format = formats[paging->format].format;
	parameters->pf.nfields = (unsigned short)(paging->levels + 1);
	parameters->pf.fieldsz[0] = formats[paging->format].offset_bits;
	for (unsigned int i = 0; i < paging->levels; i++)
		parameters->pf.fieldsz[i + 1] = formats[paging->format].index_bits[i];
}

struct gg_error *gg_page_table_create(const struct gg_ram_map *map, const struct gg_paging *paging,
				      struct gg_page_table **ret)
{
	struct gg_page_table *table = calloc(1, sizeof(*table));
	if (!table)
		return gg_enomem;
	table->map = map;
	table->format = paging->format;
	table->context = addrxlat_ctx_new();
	addrxlat_cb_t *callbacks = table->context ? addrxlat_ctx_add_cb(table->context) : NULL;
	if (!callbacks) {
		gg_page_table_destroy(table);
		return gg_enomem;
	}
	callbacks->priv = table;
	callbacks->get_page = get_page;
	callbacks->read_caps = read_caps;
	describe_paging(&table->method, paging);
	*ret = table;
	return NULL;
}

void gg_page_table_destroy(struct gg_page_table *table)
{
	if (!table)
		return;
	if (table->context)
		addrxlat_ctx_decref(table->context);
	gg_error_destroy(table->err);
	free(table);
}

// Bits of an address that REMAIN fields stand for.
static unsigned int bits_below(const struct gg_page_table *table, unsigned int remain)
{
	unsigned int bits = 0;
	for (unsigned int i = 0; i < remain; i++)
		bits += table->method.param.pgt.pf.fieldsz[i];
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

static struct gg_error *read_entry(const struct gg_page_table *table, const addrxlat_step_t *step,
				   struct gg_page_entry *ret)
{
	uint8_t bytes[8];
	if (step->elemsz > sizeof(bytes))
		return gg_error_create(GG_BAD_DATA, "an entry of %u bytes", step->elemsz);
	ret->level = step->remain - 1u;
	ret->gpa = step->base.addr + step->idx[step->remain - 1] * step->elemsz;
	struct gg_error *err = gg_ram_map_read(table->map, ret->gpa, bytes, step->elemsz);
	if (err)
		return gg_error_context(err, "the %s", gg_page_table_level_name(table, ret->level));
	struct gg_cursor cursor = gg_cursor(bytes, step->elemsz, false, "page table");
	return gg_cursor_uint(&cursor, step->elemsz, &ret->value);
}

// Paging is off.
static struct gg_error *map_identically(gg_gva_t gva, struct gg_mapping *ret)
{
	const uint64_t whole = UINT64_C(1) << formats[GG_PTE_NONE].address_bits;
	*ret = (struct gg_mapping){
		.present = true, .gpa = gva, .size = whole - gva, .page_size = whole
	};
	return NULL;
}

static struct gg_error *check_address(const struct gg_page_table *table, gg_gva_t gva)
{
	const unsigned int bits = formats[table->format].address_bits;
	if (bits < 64 && gva >> bits)
		return gg_error_create(GG_BAD_DATA,
				       "0x%" PRIx64 " is beyond the %u bits of an address", gva,
				       bits);
	return NULL;
}

struct gg_error *gg_page_table_walk(struct gg_page_table *table, gg_gva_t gva,
				    struct gg_error *(*visit)(void *data,
							      const struct gg_page_entry *entry),
				    void *data, struct gg_mapping *ret)
{
	struct gg_error *err = check_address(table, gva);
	if (err)
		return err;
	if (table->format == GG_PTE_NONE)
		return map_identically(gva, ret);
	addrxlat_step_t step = { .ctx = table->context, .meth = &table->method }, last = step;
	addrxlat_ctx_clear_err(table->context);
	addrxlat_status status = addrxlat_launch(&step, gva);
	// The entry that was looked at last stands for as much of the address as fields remained.
	while (status == ADDRXLAT_OK && step.remain > 1) {
		struct gg_page_entry entry;
		last = step;
		if (visit)
			err = read_entry(table, &step, &entry);
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
		return read_entry(table, &last, &ret->last);
	if (step.remain && addrxlat_step(&step) != ADDRXLAT_OK)
		return walk_error(table, gva, ADDRXLAT_ERR_INVALID);
	ret->gpa = step.base.addr;
	return NULL;
}

struct gg_error *gg_page_table_map(struct gg_page_table *table, gg_gva_t gva,
				   struct gg_mapping *ret)
{
	return gg_page_table_walk(table, gva, NULL, NULL, ret);
}

const char *gg_page_table_level_name(const struct gg_page_table *table, unsigned int level)
{
	const size_t known = sizeof(formats->names) / sizeof(*formats->names);
	const char *name = level - 1u < known ? formats[table->format].names[level - 1u] : NULL;
	return name ? name : "entry";
}

// Intel SDM, volume 3, tables 4-4 to 4-20.
void gg_page_table_flags(const struct gg_page_table *table, const struct gg_page_entry *entry,
			 char text[GG_PAGE_FLAGS_SIZE])
{
	enum { PS = 7, NX = 63 };
	static const struct {
		unsigned int bit;
		const char *name;
	} flags[] = { { 0, "P" }, { 1, "RW" }, { 2, "US" },  { 3, "PWT" }, { 4, "PCD" },
		      { 5, "A" }, { 6, "D" },  { PS, "PS" }, { 8, "G" },   { NX, "NX" } };
	size_t used = 0;
	(void)table;
	strcpy(text, entry->value & 1 ? "" : "not present");
	if (!(entry->value & 1))
		return;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		const bool is_last = entry->level == 1;
		const char *name = flags[i].bit == PS && is_last ? "PAT" : flags[i].name;
		if (entry->value >> flags[i].bit & 1)
			used += (size_t)snprintf(text + used, GG_PAGE_FLAGS_SIZE - used, "%s%s",
						 used ? " " : "", name);
	}
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
