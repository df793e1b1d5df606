// SPDX-License-Identifier: GPL-3.0-or-later
//
// Nodes and zones (Linux include/linux/mmzone.h).
//
// In:  the kernel's symbols, members and memory.
// Out: zones.
// Trusts nothing it reads: the numbers of nodes and zones are bounded.
#include "meminfo.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "host/record.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_NODES = 1024, MAX_ZONES = 16 };

struct layout {
	struct gg_member watermark, boost, managed, present, spanned, start, name, stat;
	struct gg_member node_zones, zone, free;
};

static const struct gg_layout_row rows[] = {
	// "watermark" became "_watermark" in Linux commit a921444382b4 (v5.0).
	GG_LAYOUT_ROW(struct layout, watermark, "zone", "_watermark", "watermark"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, boost, "zone", "watermark_boost"),
	GG_LAYOUT_ROW(struct layout, managed, "zone", "managed_pages"),
	GG_LAYOUT_ROW(struct layout, present, "zone", "present_pages"),
	GG_LAYOUT_ROW(struct layout, spanned, "zone", "spanned_pages"),
	GG_LAYOUT_ROW(struct layout, start, "zone", "zone_start_pfn"),
	GG_LAYOUT_ROW(struct layout, name, "zone", "name"),
	GG_LAYOUT_ROW(struct layout, stat, "zone", "vm_stat"),
	GG_LAYOUT_ROW(struct layout, node_zones, "pglist_data", "node_zones"),
	GG_LAYOUT_ROW(struct layout, zone, "zone", ""),
	GG_LAYOUT_ROW(struct layout, free, "zone_stat_item", "NR_FREE_PAGES"),
};

// The rows of struct zone that a record has: not the whole zone.
enum { ZONE_ROWS = 8 };

// ---- Nodes ----

// Counts the nodes: without nr_node_ids there is the node 0.
static size_t count_nodes(const struct gg_host *host)
{
	gg_gva_t address;
	uint64_t count = 1;
	struct gg_error *err = gg_host_symbol(host, "nr_node_ids", &address);
	if (!err)
		err = gg_host_read_uint(host, address, sizeof(uint32_t), &count);
	gg_error_destroy(err);
	return count && count <= MAX_NODES ? (size_t)count : 1;
}

struct gg_error *gg_nodes_read(const struct gg_answerers *kernel, gg_gva_t **ret, size_t *count)
{
	const struct gg_host *host = &kernel->host;
	gg_gva_t array;
	*count = count_nodes(host);
	*ret = calloc(*count, sizeof(**ret));
	if (!*ret)
		return gg_enomem;
	struct gg_error *err = gg_host_symbol(host, "node_data", &array);
	if (err && !gg_error_is_final(err)) {
		// A kernel without CONFIG_NUMA.
		gg_error_destroy(err);
		*count = 1;
		return gg_host_symbol(host, "contig_page_data", *ret);
	}
	for (size_t i = 0; !err && i < *count; i++)
		err = gg_host_read_uint(host, array + i * host->address_size, host->address_size,
					&(*ret)[i]);
	return err ? gg_error_context(err, "node_data") : NULL;
}

// ---- Zones ----

struct reader {
	const struct gg_answerers *kernel;
	struct layout layout;
	struct gg_record record;
	uint64_t page_size;
	struct gg_zone *zones;
	size_t count;
};

// Returns the element INDEX of the array of words MEMBER, in bytes of pages.
static uint64_t pages_at(const struct reader *reader, const struct gg_member *member,
			 uint64_t index)
{
	const unsigned int word = reader->kernel->host.address_size;
	const struct gg_member element = { member->offset + index * word, word };
	return gg_record_value(&reader->record, &element) * reader->page_size;
}

static struct gg_error *read_name(const struct reader *reader, char ret[GG_ZONE_NAME])
{
	const gg_gva_t address = gg_record_value(&reader->record, &reader->layout.name);
	_cleanup_free_ char *name = NULL;
	struct gg_error *err =
		gg_host_read_text(&reader->kernel->host, address, GG_ZONE_NAME, &name);
	for (size_t i = 0; !err && i < GG_ZONE_NAME; i++) {
		ret[i] = name[i];
		if (!name[i])
			break;
		if (name[i] <= ' ' || name[i] > '~')
			ret[i] = '?';
	}
	return err;
}

static struct gg_error *add_zone(struct reader *reader, uint32_t node, gg_gva_t address)
{
	const struct layout *layout = &reader->layout;
	struct gg_zone zone = { .node = node };
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_record_read(&reader->record, address);
	if (err)
		return gg_error_context(err, "a zone of the node %" PRIu32, node);
	const uint64_t boost = pages_at(reader, &layout->boost, 0) * !!layout->boost.size;
	zone.present = pages_at(reader, &layout->present, 0);
	if (!zone.present)
		return NULL;
	zone.free = pages_at(reader, &layout->stat, layout->free.offset);
	zone.free = (int64_t)zone.free < 0 ? 0 : zone.free;
	zone.min = pages_at(reader, &layout->watermark, 0) + boost;
	zone.low = pages_at(reader, &layout->watermark, 1) + boost;
	zone.high = pages_at(reader, &layout->watermark, 2) + boost;
	zone.managed = pages_at(reader, &layout->managed, 0);
	zone.spanned = pages_at(reader, &layout->spanned, 0);
	zone.start = pages_at(reader, &layout->start, 0);
	err = read_name(reader, zone.name);
	if (!err)
		err = gg_vector_grow(&reader->zones, reader->count, sizeof(*reader->zones));
	if (!err)
		reader->zones[reader->count++] = zone;
	return err;
}

static struct gg_error *read_zones(struct reader *reader, const gg_gva_t *nodes, size_t count)
{
	const struct layout *layout = &reader->layout;
	const uint64_t zones = layout->zone.size ? layout->node_zones.size / layout->zone.size : 0;
	struct gg_error *err = NULL;
	if (zones > MAX_ZONES)
		return gg_error_create(GG_BAD_DATA, "a node has %" PRIu64 " zones, more than %d",
				       zones, MAX_ZONES);
	for (size_t node = 0; !err && node < count; node++)
		for (uint64_t i = 0; !err && nodes[node] && i < zones; i++)
			err = add_zone(reader, (uint32_t)node,
				       nodes[node] + layout->node_zones.offset +
					       i * layout->zone.size);
	return err;
}

struct gg_error *gg_zones_read(const struct gg_answerers *kernel, struct gg_zone **ret,
			       size_t *count)
{
	struct reader reader = { .kernel = kernel,
				 .page_size = gg_page_table_page_size(kernel->memory.table) };
	_cleanup_free_ gg_gva_t *nodes = NULL;
	size_t node_count = 0;
	struct gg_error *err = gg_layout_resolve(&kernel->typed, rows, sizeof(rows) / sizeof(*rows),
						 &reader.layout);
	if (!err)
		err = gg_record_init(&reader.record, &kernel->typed, "zone", rows, ZONE_ROWS,
				     &reader.layout);
	if (!err)
		err = gg_nodes_read(kernel, &nodes, &node_count);
	if (!err)
		err = read_zones(&reader, nodes, node_count);
	gg_record_deinit(&reader.record);
	if (err) {
		free(reader.zones);
		return gg_error_context(err, "the kernel's zones");
	}
	*ret = reader.zones;
	*count = reader.count;
	return NULL;
}
