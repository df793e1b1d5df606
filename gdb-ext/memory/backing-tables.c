// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing of memory that page tables map to the memory of another guest: the nested page tables of a hypervisor.
//
// In:  the tables; the other guest's RAM.
// Out: extents and bytes. What is not mapped, or cannot be read, is absent.
#include "backing.h"
#include "page-table.h"

#include <inttypes.h>
#include <stdlib.h>

struct tables_backing {
	struct gg_backing backing;
	struct gg_page_table *table;
	const struct gg_ram_map *map;
	struct gg_page_leaf leaf;
};

// Finds the extent at HVA. A table that cannot be read leaves its pages absent.
static struct gg_error *find_extent(struct tables_backing *tables, gg_hva_t hva, uint64_t size,
				    bool holes, struct gg_extent *ret)
{
	struct gg_mapping mapping = { .size = gg_page_table_reach(tables->table, hva) };
	struct gg_error *err = gg_page_table_map_near(tables->table, &tables->leaf, hva, &mapping);
	if (err)
		mapping = (struct gg_mapping){ .size = gg_page_table_reach(tables->table, hva) };
	const uint64_t piece = mapping.size < size ? mapping.size : size;
	if (!err && mapping.present)
		return gg_ram_map_extent(tables->map, mapping.gpa, piece, holes, ret);
	*ret = (struct gg_extent){ .size = piece, .kind = GG_EXTENT_ABSENT };
	return gg_error_unless_final(err);
}

static struct gg_error *tables_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				      bool holes, struct gg_extent *ret)
{
	return find_extent((struct tables_backing *)backing, hva, size, holes, ret);
}

// Makes an error of the other guest's memory an absence here.
static struct gg_error *make_absent(struct gg_error *err)
{
	if (gg_error_kind(err) != GG_FAULT)
		return err;
	struct gg_error *absent = gg_error_create(GG_ABSENT, "it is absent: the outer guest: %s",
						  gg_error_message(err));
	gg_error_destroy(err);
	return absent;
}

static struct gg_error *tables_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				    size_t size)
{
	struct tables_backing *tables = (struct tables_backing *)backing;
	uint8_t *bytes = buffer;
	while (size) {
		struct gg_mapping mapping;
		struct gg_error *err =
			gg_page_table_map_near(tables->table, &tables->leaf, hva, &mapping);
		if (!err && !mapping.present)
			err = gg_error_create(GG_ABSENT,
					      "it is absent: the hypervisor's nested page tables "
					      "map no page at 0x%" PRIx64,
					      hva);
		const size_t piece = !err && mapping.size < size ? (size_t)mapping.size : size;
		if (!err)
			err = gg_ram_map_read(tables->map, mapping.gpa, bytes, piece);
		tables->backing.lost |= tables->map->backing->lost;
		if (err)
			return make_absent(err);
		hva += piece;
		bytes += piece;
		size -= piece;
	}
	return NULL;
}

static void tables_ran(struct gg_backing *backing)
{
	((struct tables_backing *)backing)->leaf.size = 0;
}

static void tables_destroy(struct gg_backing *backing)
{
	gg_page_table_destroy(((struct tables_backing *)backing)->table);
	free(backing);
}

static const struct gg_backing_ops tables_ops = {
	.extent = tables_extent,
	.read = tables_read,
	.ran = tables_ran,
	.destroy = tables_destroy,
};

struct gg_error *gg_backing_create_tables(struct gg_page_table *table, const struct gg_ram_map *map,
					  struct gg_backing **ret)
{
	struct tables_backing *tables = calloc(1, sizeof(*tables));
	if (!tables)
		return gg_enomem;
	tables->backing = (struct gg_backing){
		.ops = &tables_ops,
		.name = "the hypervisor's nested page tables",
	};
	tables->table = table;
	tables->map = map;
	*ret = &tables->backing;
	return NULL;
}
