// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the RAM map, where the root table is and of what kind it is.
// Out: guest-physical addresses, and how far each answer holds.
// Trusts nothing it reads: a table outside RAM is a fault, and every walk has as many steps as
// levels.
#include "page-table.h"
#include "../cleanup.h"

#include <inttypes.h>
#include <libkdumpfile/addrxlat.h>
#include <string.h>

enum { TABLE_SIZE = 4096 };

struct gg_page_table {
	const struct gg_ram_map *map;
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

static void describe_paging(addrxlat_meth_t *method, const struct gg_paging *paging)
{
	static const struct {
		addrxlat_pte_format_t format;
		unsigned short offset_bits, table_bits;
	} formats[] = {
		[GG_PTE_X86_64] = { ADDRXLAT_PTE_X86_64, 12, 9 },
	};
	*method = (addrxlat_meth_t){ .kind = ADDRXLAT_PGT, .target_as = ADDRXLAT_MACHPHYSADDR };
	addrxlat_param_pgt_t *parameters = &method->param.pgt;
	parameters->root.as = ADDRXLAT_MACHPHYSADDR;
	parameters->root.addr = paging->root;
	parameters->pte_mask = paging->ignored_bits;
	parameters->pf.pte_format = formats[paging->format].format;
	parameters->pf.nfields = (unsigned short)(paging->levels + 1);
	parameters->pf.fieldsz[0] = formats[paging->format].offset_bits;
	for (unsigned int i = 1; i <= paging->levels; i++)
		parameters->pf.fieldsz[i] = formats[paging->format].table_bits;
}

struct gg_error *gg_page_table_create(const struct gg_ram_map *map, const struct gg_paging *paging,
				      struct gg_page_table **ret)
{
	struct gg_page_table *table = calloc(1, sizeof(*table));
	if (!table)
		return gg_enomem;
	table->map = map;
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

struct gg_error *gg_page_table_map(struct gg_page_table *table, gg_gva_t gva,
				   struct gg_mapping *ret)
{
	addrxlat_step_t step = { .ctx = table->context, .meth = &table->method };
	addrxlat_ctx_clear_err(table->context);
	addrxlat_status status = addrxlat_launch(&step, gva);
	// The entry that was looked at last stands for as much of the address as fields remained.
	unsigned int looked_at = step.remain;
	while (status == ADDRXLAT_OK && step.remain > 1) {
		looked_at = step.remain;
		status = addrxlat_step(&step);
	}
	if (status != ADDRXLAT_OK && status != ADDRXLAT_ERR_NOTPRESENT)
		return walk_error(table, gva, status);

	uint64_t whole = UINT64_C(1) << bits_below(table, looked_at - 1);
	*ret = (struct gg_mapping){
		.present = status == ADDRXLAT_OK,
		.size = whole - (gva & (whole - 1)),
	};
	if (ret->present && step.remain && addrxlat_step(&step) != ADDRXLAT_OK)
		return walk_error(table, gva, ADDRXLAT_ERR_INVALID);
	if (ret->present)
		ret->gpa = step.base.addr;
	return NULL;
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
			return gg_error_fault(gva, "0x%" PRIx64 " is not mapped", gva);
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
