// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  VMCOREINFO, memory.
// Out: a sum. Free pages that a CPU keeps for itself are in no list.
// Trusts nothing it reads: numbers of nodes, zones and orders are bounded.
#include "free-count.h"
#include "host/host.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>

enum { MAX_NODES = 1024, MAX_ZONES = 16, MAX_ORDERS = 32, MAX_AREA = 4096 };

struct layout {
	uint64_t node_zones, nr_zones, zone, free_area, area, orders;
	uint64_t nr_free; // in struct free_area, behind its lists
};

struct key {
	const char *kind, *name;
	uint64_t *where;
};

static struct gg_error *read_layout(const struct gg_vmcoreinfo *info, struct layout *ret)
{
	uint64_t lists = 0, head = 0;
	const struct key keys[] = {
		{ "OFFSET", "pglist_data.node_zones", &ret->node_zones },
		{ "OFFSET", "pglist_data.nr_zones", &ret->nr_zones },
		{ "SIZE", "zone", &ret->zone },
		{ "OFFSET", "zone.free_area", &ret->free_area },
		{ "SIZE", "free_area", &ret->area },
		{ "LENGTH", "zone.free_area", &ret->orders },
		{ "LENGTH", "free_area.free_list", &lists },
		{ "SIZE", "list_head", &head },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(keys) / sizeof(*keys); i++)
		err = gg_vmcoreinfo_size(info, keys[i].kind, keys[i].name, keys[i].where);
	if (err)
		return err;
	ret->nr_free = lists * head;
	if (ret->orders > MAX_ORDERS || ret->area > MAX_AREA || ret->nr_free >= ret->area)
		return gg_error_create(GG_BAD_DATA,
				       "a zone has %" PRIu64 " free areas of %" PRIu64 " bytes",
				       ret->orders, ret->area);
	return NULL;
}

static struct gg_error *add_zone(const struct gg_host *memory, const struct layout *layout,
				 gg_gva_t zone, uint64_t *sum)
{
	struct gg_error *err = NULL;
	for (uint64_t order = 0; !err && order < layout->orders; order++) {
		uint64_t count = 0;
		err = gg_host_read_uint(
			memory, zone + layout->free_area + order * layout->area + layout->nr_free,
			memory->address_size, &count);
		*sum += count << order;
	}
	return err;
}

static struct gg_error *add_node(const struct gg_host *memory, const struct layout *layout,
				 gg_gva_t node, uint64_t *sum)
{
	uint64_t zones = 0;
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_host_read_uint(memory, node + layout->nr_zones, sizeof(uint32_t), &zones);
	if (!err && zones > MAX_ZONES)
		err = gg_error_create(GG_BAD_DATA, "a node has %" PRIu64 " zones, more than %d",
				      zones, MAX_ZONES);
	for (uint64_t i = 0; !err && i < zones; i++)
		err = add_zone(memory, layout, node + layout->node_zones + i * layout->zone, sum);
	return err;
}

// Adds the nodes whose COUNT addresses are at ARRAY: 1024 where a kernel is ready for large machines, most of them NULL.
static struct gg_error *add_nodes(const struct gg_host *memory, const struct layout *layout,
				  gg_gva_t array, uint64_t count, uint64_t *sum)
{
	uint8_t addresses[MAX_NODES * sizeof(uint64_t)];
	const size_t size = (size_t)(count < MAX_NODES ? count : MAX_NODES) * memory->address_size;
	struct gg_cursor cursor = gg_cursor(addresses, size, memory->big_endian, "node_data");
	struct gg_error *err = gg_host_read(memory, array, addresses, size);
	while (!err && cursor.position < size) {
		gg_gva_t node = 0;
		err = gg_cursor_uint(&cursor, memory->address_size, &node);
		if (!err && node)
			err = add_node(memory, layout, node, sum);
	}
	return err;
}

struct gg_error *gg_free_count_read(const struct gg_vmcoreinfo *info, const struct gg_host *memory,
				    uint64_t *ret)
{
	static const char *const array_names[] = { "node_data", NULL };
	static const char *const node_names[] = { "contig_page_data", NULL };
	struct layout layout;
	uint64_t count = 0;
	gg_gva_t array = 0, node = 0;
	*ret = 0;
	struct gg_error *err = read_layout(info, &layout);
	if (err)
		return err;
	err = gg_vmcoreinfo_symbol(info, array_names, &array);
	if (err) {
		// A kernel without CONFIG_NUMA.
		gg_error_destroy(err);
		err = gg_vmcoreinfo_symbol(info, node_names, &node);
		return err ? err : add_node(memory, &layout, node, ret);
	}
	err = gg_vmcoreinfo_size(info, "LENGTH", "node_data", &count);
	return err ? err : add_nodes(memory, &layout, array, count, ret);
}
