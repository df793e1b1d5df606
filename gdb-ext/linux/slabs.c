// SPDX-License-Identifier: GPL-3.0-or-later
//
// The slab caches of SLUB (Linux mm/slub.c), of v5.4 to v7.2.
//
// In:  the kernel's symbols, members and memory.
// Out: caches, the biggest first.
// Trusts nothing it reads: a cache that was met before ends the list, and their number is bounded.
#include "meminfo.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "host/record.h"

#include <gdb-guest/interrupt.h>
#include <gdb-guest/text.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_CACHES = 16384, MAX_NAME = 256, ORDER_SHIFT = 16, MAX_ORDER = 20 };

struct layout {
	struct gg_member name, list, size, object_size, oo, node, second;
	struct gg_member slabs, objects;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, name, "kmem_cache", "name"),
	GG_LAYOUT_ROW(struct layout, list, "kmem_cache", "list"),
	GG_LAYOUT_ROW(struct layout, size, "kmem_cache", "size"),
	GG_LAYOUT_ROW(struct layout, object_size, "kmem_cache", "object_size"),
	GG_LAYOUT_ROW(struct layout, oo, "kmem_cache", "oo.x"),
	// "node" became "per_node" in v7.1.
	GG_LAYOUT_ROW(struct layout, node, "kmem_cache", "per_node[0].node", "node[0]"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, second, "kmem_cache", "per_node[1].node", "node[1]"),
	// CONFIG_SLUB_DEBUG, which distributions have.
	GG_LAYOUT_ROW(struct layout, slabs, "kmem_cache_node", "nr_slabs"),
	GG_LAYOUT_ROW(struct layout, objects, "kmem_cache_node", "total_objects"),
};

enum { CACHE_ROWS = 6 };

struct walk {
	const struct gg_answerers *kernel;
	struct layout layout;
	struct gg_record record;
	uint64_t page_size;
	gg_gva_t *nodes;
	size_t node_count;
	gg_gva_t *met;
	struct gg_slab_caches *ret;
};

// Adds up the slabs and the objects of all nodes.
static struct gg_error *add_nodes(const struct walk *walk, gg_gva_t cache,
				  struct gg_slab_cache *ret)
{
	const struct gg_host *host = &walk->kernel->typed;
	const struct layout *layout = &walk->layout;
	const uint64_t stride = layout->second.offset - layout->node.offset;
	for (size_t i = 0; i < walk->node_count; i++) {
		gg_gva_t node = gg_record_value(&walk->record, &layout->node);
		uint64_t slabs, objects;
		struct gg_error *err = NULL;
		if (!walk->nodes[i] || (i && !layout->second.size))
			continue;
		if (i)
			err = gg_host_read_uint(host, cache + layout->node.offset + i * stride,
						host->address_size, &node);
		if (!err && !node)
			continue;
		if (!err)
			err = gg_host_read_uint(host, node + layout->slabs.offset,
						host->address_size, &slabs);
		if (!err)
			err = gg_host_read_uint(host, node + layout->objects.offset,
						host->address_size, &objects);
		if (err)
			return err;
		ret->slabs += slabs;
		ret->objects += objects;
	}
	return NULL;
}

static struct gg_error *read_name(const struct walk *walk, char **ret)
{
	_cleanup_free_ char *name = NULL;
	struct gg_error *err = gg_host_read_text(&walk->kernel->typed,
						 gg_record_value(&walk->record, &walk->layout.name),
						 MAX_NAME, &name);
	if (err)
		return err;
	*ret = gg_text_escape(name);
	return *ret ? NULL : gg_enomem;
}

static struct gg_error *read_cache(struct walk *walk, gg_gva_t address, struct gg_slab_cache *ret)
{
	const struct layout *layout = &walk->layout;
	*ret = (struct gg_slab_cache){ 0 };
	struct gg_error *err = gg_record_read(&walk->record, address);
	if (!err)
		err = add_nodes(walk, address, ret);
	if (err)
		return gg_error_context(err, "the slab cache at 0x%" PRIx64, address);
	const uint64_t order = gg_record_value(&walk->record, &layout->oo) >> ORDER_SHIFT;
	if (order > MAX_ORDER)
		return gg_error_create(GG_BAD_DATA,
				       "the slab cache at 0x%" PRIx64 " has slabs of 2^%" PRIu64
				       " pages",
				       address, order);
	ret->object_size = gg_record_value(&walk->record, &layout->object_size);
	ret->size = gg_record_value(&walk->record, &layout->size);
	ret->bytes = (ret->slabs << order) * walk->page_size;
	return read_name(walk, &ret->name);
}

// Adds the cache whose node of the list is at NODE, and finds the next node.
static struct gg_error *add_cache(struct walk *walk, gg_gva_t *node)
{
	struct gg_slab_caches *caches = walk->ret;
	const struct gg_host *host = &walk->kernel->typed;
	const struct gg_member next = { walk->layout.list.offset, host->address_size };
	struct gg_error *err = gg_interrupt_check();
	for (size_t i = 0; !err && i < caches->count; i++)
		if (walk->met[i] == *node)
			return gg_error_create(GG_BAD_DATA, "the list of slab caches loops");
	if (!err && caches->count == MAX_CACHES)
		err = gg_error_create(GG_BAD_DATA, "there are more than %d slab caches",
				      MAX_CACHES);
	if (!err)
		err = gg_vector_grow(&caches->caches, caches->count, sizeof(*caches->caches));
	if (!err)
		err = gg_vector_grow(&walk->met, caches->count, sizeof(*walk->met));
	if (!err)
		err = read_cache(walk, *node - walk->layout.list.offset,
				 &caches->caches[caches->count]);
	if (err)
		return err;
	walk->met[caches->count++] = *node;
	*node = gg_record_value(&walk->record, &next);
	return NULL;
}

static struct gg_error *walk_list(struct walk *walk, gg_gva_t head)
{
	const struct gg_host *host = &walk->kernel->typed;
	gg_gva_t node;
	struct gg_error *err = gg_host_read_uint(host, head, host->address_size, &node);
	while (!err && node != head)
		err = add_cache(walk, &node);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct gg_slab_cache *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct gg_error *read_all(struct walk *walk, const struct gg_notices *notices)
{
	const struct gg_answerers *kernel = walk->kernel;
	gg_gva_t head;
	struct gg_error *err = gg_layout_resolve(&kernel->typed, rows, sizeof(rows) / sizeof(*rows),
						 &walk->layout);
	if (!err)
		err = gg_record_init(&walk->record, &kernel->typed, "kmem_cache", rows, CACHE_ROWS,
				     &walk->layout);
	if (!err)
		err = gg_host_symbol(&kernel->typed, "slab_caches", &head);
	if (!err)
		err = gg_nodes_read(kernel, &walk->nodes, &walk->node_count);
	if (err)
		return err;
	err = walk_list(walk, head);
	if (!err || gg_error_is_final(err))
		return err;
	struct gg_error *told =
		gg_tell(notices, "the list of slab caches is damaged, and there may be more: %s",
			gg_error_message(err));
	gg_error_destroy(err);
	return told;
}

struct gg_error *gg_slab_caches_read(const struct gg_answerers *kernel,
				     const struct gg_notices *notices, struct gg_slab_caches *ret)
{
	struct walk walk = { .kernel = kernel,
			     .page_size = gg_page_table_page_size(kernel->memory.table),
			     .ret = ret };
	*ret = (struct gg_slab_caches){ 0 };
	struct gg_error *err = read_all(&walk, notices);
	gg_record_deinit(&walk.record);
	free(walk.nodes);
	free(walk.met);
	if (err) {
		gg_slab_caches_deinit(ret);
		return gg_error_context(err, "the kernel's slab caches");
	}
	if (ret->count)
		qsort(ret->caches, ret->count, sizeof(*ret->caches), compare);
	return NULL;
}

void gg_slab_caches_deinit(struct gg_slab_caches *caches)
{
	for (size_t i = 0; i < caches->count; i++)
		free(caches->caches[i].name);
	free(caches->caches);
	*caches = (struct gg_slab_caches){ 0 };
}
