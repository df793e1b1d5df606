// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory models (Linux include/asm-generic/memory_model.h, include/linux/mmzone.h, mm/sparse.c):
// flat, an array; discontig, up to v5.13, an array for each node; sparse, an array for each section,
// where the sections' own array has one level or two. With vmemmap the arrays are neighbours, which
// changes nothing here.
//
// In:  VMCOREINFO, memory.
// Out: spans.
// Trusts nothing it reads: numbers of nodes and sections are bounded, spans overlap no other span, and
// every address is checked when it is read.
#include "memmap.h"
#include "base/cleanup.h"
#include "base/cursor.h"
#include "host/host.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_NODES = 1024,
	MAX_ROOTS = 1 << 26, // riscv64 of 4 KiB pages has 1 << 22
	MAX_SECTION = 256,   // bytes of a struct mem_section
	MAX_SECTION_BITS = 40,
	PRESENT = 1, // of section_mem_map
	HAS_MEMMAP = 2,
	SECTION_FLAGS = 63, // six flags by v6.15
};

struct gg_memmap {
	struct gg_memmap_options options;
	const char *model;
	// Flat and discontig memory: by number, disjoint.
	struct gg_memmap_span *nodes;
	size_t count;
	// Sparse memory.
	unsigned int shift;       // log2 of a section's pages
	uint64_t root_count;      // elements of the array
	uint64_t per_root;        // sections of a root; 1 without roots
	gg_gva_t array;           // of roots, or of sections
	uint64_t section_size;    // of a struct mem_section
	struct gg_member section; // section_mem_map
	uint8_t *root;            // the sections of the root that was read last
	uint64_t root_number;     // of it and 1
	uint64_t unread;
};

const char *gg_memmap_model(const struct gg_memmap *memmap)
{
	return memmap->model;
}

uint64_t gg_memmap_unread(const struct gg_memmap *memmap)
{
	return memmap->unread;
}

void gg_memmap_destroy(struct gg_memmap *memmap)
{
	if (!memmap)
		return;
	free(memmap->nodes);
	free(memmap->root);
	free(memmap);
}

static struct gg_error *symbol(const struct gg_memmap *memmap, const char *name, gg_gva_t *ret)
{
	return gg_vmcoreinfo_symbol(memmap->options.info, (const char *const[]){ name, NULL }, ret);
}

static struct gg_error *read_word(const struct gg_memmap *memmap, gg_gva_t address, uint64_t *ret)
{
	const struct gg_host *memory = memmap->options.memory;
	return gg_host_read_uint(memory, address, memory->address_size, ret);
}

// ---- Flat and discontig memory ----

// Reads the member NAME of the struct pglist_data at NODE.
static struct gg_error *read_node_word(const struct gg_memmap *memmap, gg_gva_t node,
				       const char *name, uint64_t *ret)
{
	uint64_t offset = 0;
	struct gg_error *err = gg_vmcoreinfo_size(memmap->options.info, "OFFSET", name, &offset);
	return err ? err : read_word(memmap, node + offset, ret);
}

// Reads the pages of the node at NODE, and the address of its struct pages: at *MEM_MAP without a
// node_mem_map of its own.
static struct gg_error *read_node(const struct gg_memmap *memmap, gg_gva_t node,
				  const uint64_t *mem_map, struct gg_memmap_span *ret)
{
	*ret = (struct gg_memmap_span){ 0 };
	struct gg_error *err =
		read_node_word(memmap, node, "pglist_data.node_start_pfn", &ret->pfn);
	if (!err)
		err = read_node_word(memmap, node, "pglist_data.node_spanned_pages", &ret->count);
	if (!err && mem_map)
		ret->address = *mem_map + ret->pfn * memmap->options.struct_size;
	else if (!err)
		err = read_node_word(memmap, node, "pglist_data.node_mem_map", &ret->address);
	if (!err && ret->count > UINT64_MAX - ret->pfn)
		err = gg_error_create(GG_BAD_DATA, "a node of 0x%" PRIx64 " pages from 0x%" PRIx64,
				      ret->count, ret->pfn);
	return err;
}

static struct gg_error *create_flat(struct gg_memmap *memmap)
{
	gg_gva_t variable = 0, node = 0, mem_map = 0;
	memmap->model = "flat";
	memmap->nodes = calloc(1, sizeof(*memmap->nodes));
	if (!memmap->nodes)
		return gg_enomem;
	struct gg_error *err = symbol(memmap, "mem_map", &variable);
	if (!err)
		err = symbol(memmap, "contig_page_data", &node);
	if (!err)
		err = read_word(memmap, variable, &mem_map);
	if (!err)
		err = read_node(memmap, node, &mem_map, memmap->nodes);
	memmap->count = !err && memmap->nodes->count;
	return err;
}

static int compare_spans(const void *left, const void *right)
{
	const struct gg_memmap_span *a = left, *b = right;
	return (a->pfn > b->pfn) - (a->pfn < b->pfn);
}

// Cuts each node where the next node begins.
static void cut_nodes(struct gg_memmap *memmap)
{
	qsort(memmap->nodes, memmap->count, sizeof(*memmap->nodes), compare_spans);
	for (size_t i = 0; i + 1 < memmap->count; i++) {
		struct gg_memmap_span *node = &memmap->nodes[i];
		const uint64_t room = memmap->nodes[i + 1].pfn - node->pfn;
		node->count = node->count < room ? node->count : room;
	}
}

static struct gg_error *create_discontig(struct gg_memmap *memmap)
{
	gg_gva_t array = 0;
	uint64_t count = 0;
	memmap->model = "discontig";
	struct gg_error *err = symbol(memmap, "node_data", &array);
	if (!err)
		err = gg_vmcoreinfo_size(memmap->options.info, "LENGTH", "node_data", &count);
	if (err)
		return err;
	count = count < MAX_NODES ? count : MAX_NODES;
	memmap->nodes = calloc((size_t)count + 1, sizeof(*memmap->nodes));
	if (!memmap->nodes)
		return gg_enomem;
	for (uint64_t i = 0; !err && i < count; i++) {
		gg_gva_t node = 0;
		err = read_word(memmap, array + i * memmap->options.memory->address_size, &node);
		if (err || !node)
			continue;
		err = read_node(memmap, node, NULL, &memmap->nodes[memmap->count]);
		if (!err && memmap->nodes[memmap->count].count)
			memmap->count++;
	}
	cut_nodes(memmap);
	return err;
}

static void find_in_nodes(const struct gg_memmap *memmap, uint64_t pfn, struct gg_memmap_span *ret)
{
	*ret = (struct gg_memmap_span){ .pfn = pfn, .count = UINT64_MAX - pfn };
	for (size_t i = 0; i < memmap->count; i++) {
		const struct gg_memmap_span *node = &memmap->nodes[i];
		const uint64_t offset = pfn - node->pfn;
		if (pfn < node->pfn) {
			ret->count = node->pfn - pfn;
			return;
		}
		if (offset >= node->count)
			continue;
		ret->count = node->count - offset;
		if (node->address)
			ret->address = node->address + offset * memmap->options.struct_size;
		return;
	}
}

// ---- Sparse memory ----

// Reads the struct mem_sections of the root NUMBER. Without memory that can be read there are zeros.
static struct gg_error *read_root(struct gg_memmap *memmap, uint64_t number)
{
	const size_t size = (size_t)(memmap->per_root * memmap->section_size);
	gg_gva_t address = memmap->array + number * size;
	struct gg_error *err = gg_interrupt_check();
	if (err)
		return err;
	if (memmap->per_root > 1) {
		const unsigned int word = memmap->options.memory->address_size;
		address = 0;
		err = read_word(memmap, memmap->array + number * word, &address);
	}
	memset(memmap->root, 0, size);
	memmap->root_number = number + 1;
	if (!err && address)
		err = gg_host_read(memmap->options.memory, address, memmap->root, size);
	if (err && !gg_error_is_final(err)) {
		memset(memmap->root, 0, size);
		memmap->unread += memmap->per_root << memmap->shift;
	}
	return gg_error_unless_final(err);
}

// Finds the address of the struct pages of SECTION, 0 without. The kernel keeps the address that the
// struct page 0 would have.
static struct gg_error *find_section(struct gg_memmap *memmap, uint64_t section, gg_gva_t *ret)
{
	const uint64_t number = section / memmap->per_root, index = section % memmap->per_root;
	const size_t size = (size_t)memmap->section_size;
	uint64_t value = 0;
	*ret = 0;
	if (number >= memmap->root_count)
		return NULL;
	struct gg_error *err = memmap->root_number == number + 1 ? NULL : read_root(memmap, number);
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(memmap->root + index * size, size,
					    memmap->options.memory->big_endian, "mem_section");
	err = gg_cursor_member(&cursor, &memmap->section, &value);
	if (!err && value & PRESENT && value & HAS_MEMMAP)
		*ret = (value & ~(uint64_t)SECTION_FLAGS) +
		       (section << memmap->shift) * memmap->options.struct_size;
	return err;
}

static struct gg_error *find_in_sections(struct gg_memmap *memmap, uint64_t pfn,
					 struct gg_memmap_span *ret)
{
	const uint64_t pages = UINT64_C(1) << memmap->shift, offset = pfn & (pages - 1);
	gg_gva_t start = 0;
	struct gg_error *err = find_section(memmap, pfn >> memmap->shift, &start);
	*ret = (struct gg_memmap_span){ .pfn = pfn, .count = pages - offset };
	if (start)
		ret->address = start + offset * memmap->options.struct_size;
	return err;
}

// Tests whether the page that must have a struct page has a struct page that can be read.
static struct gg_error *test_present(struct gg_memmap *memmap, bool *ret)
{
	struct gg_memmap_span span;
	uint8_t byte;
	struct gg_error *err = gg_memmap_find(memmap, memmap->options.present_pfn, &span);
	*ret = false;
	if (err || !span.address)
		return err;
	err = gg_host_read(memmap->options.memory, span.address, &byte, 1);
	*ret = !err;
	return gg_error_unless_final(err);
}

// Tries the array at ADDRESS, of roots that have PER_ROOT sections each.
static struct gg_error *try_array(struct gg_memmap *memmap, gg_gva_t address, uint64_t per_root,
				  bool *ret)
{
	uint8_t *root = calloc((size_t)per_root, (size_t)memmap->section_size);
	*ret = false;
	if (!root)
		return gg_enomem;
	free(memmap->root);
	memmap->root = root;
	memmap->root_number = 0;
	memmap->unread = 0;
	memmap->array = address;
	memmap->per_root = per_root;
	memmap->model = per_root > 1 ? "sparse, with roots" : "sparse";
	return test_present(memmap, ret);
}

// Finds the array: VMCOREINFO has its address, from some kernels since v4.15 on the address of a
// pointer to it, and the number of its elements, but not their kind.
static struct gg_error *find_array(struct gg_memmap *memmap)
{
	const uint64_t per_root = memmap->options.page_size / memmap->section_size;
	gg_gva_t address = 0, pointer = 0;
	bool found = false;
	struct gg_error *err = symbol(memmap, "mem_section", &address);
	if (!err && per_root > 1)
		err = try_array(memmap, address, per_root, &found);
	if (!err && !found && per_root > 1) {
		err = gg_error_unless_final(read_word(memmap, address, &pointer));
		if (!err && pointer)
			err = try_array(memmap, pointer, per_root, &found);
	}
	if (!err && !found)
		err = try_array(memmap, address, 1, &found);
	if (!err && !found)
		err = gg_error_create(GG_BAD_DATA,
				      "neither mem_section at 0x%" PRIx64
				      " nor a pointer there leads to the struct page of the "
				      "kernel's own page 0x%" PRIx64,
				      address, memmap->options.present_pfn);
	return err;
}

static struct gg_error *read_section_bits(struct gg_memmap *memmap)
{
	unsigned int page_bits = 0;
	while (UINT64_C(1) << page_bits < memmap->options.page_size)
		page_bits++;
	const int64_t bits = gg_vmcoreinfo_number_or(memmap->options.info, "SECTION_SIZE_BITS",
						     (int64_t)memmap->options.section_bits);
	if (bits <= page_bits || bits > MAX_SECTION_BITS)
		return gg_error_create(GG_NOT_FOUND,
				       "VMCOREINFO has no usable NUMBER(SECTION_SIZE_BITS): "
				       "%" PRId64,
				       bits);
	memmap->shift = (unsigned int)bits - page_bits;
	return NULL;
}

static struct gg_error *create_sparse(struct gg_memmap *memmap)
{
	const struct gg_vmcoreinfo *info = memmap->options.info;
	uint64_t *size = &memmap->section_size, *offset = &memmap->section.offset;
	struct gg_error *err = gg_vmcoreinfo_size(info, "SIZE", "mem_section", size);
	if (!err)
		err = gg_vmcoreinfo_size(info, "OFFSET", "mem_section.section_mem_map", offset);
	if (!err)
		err = gg_vmcoreinfo_size(info, "LENGTH", "mem_section", &memmap->root_count);
	if (!err)
		err = read_section_bits(memmap);
	if (err)
		return err;
	memmap->section.size = memmap->options.memory->address_size;
	if (*size < memmap->section.size || *size > MAX_SECTION ||
	    *offset > *size - memmap->section.size || memmap->root_count > MAX_ROOTS)
		return gg_error_create(GG_BAD_DATA,
				       "mem_section has %" PRIu64 " elements of %" PRIu64
				       " bytes, section_mem_map at offset %" PRIu64,
				       memmap->root_count, *size, *offset);
	return find_array(memmap);
}

// ---- The model ----

static bool has_key(const struct gg_vmcoreinfo *info, const char *key)
{
	_cleanup_free_ char *value = gg_vmcoreinfo_value(info, key);
	return value;
}

struct gg_error *gg_memmap_create(const struct gg_memmap_options *options, struct gg_memmap **ret)
{
	struct gg_memmap *memmap = calloc(1, sizeof(*memmap));
	if (!memmap)
		return gg_enomem;
	memmap->options = *options;
	struct gg_error *err;
	bool present = true;
	if (has_key(options->info, "SYMBOL(mem_section)"))
		err = create_sparse(memmap);
	else if (has_key(options->info, "SYMBOL(node_data)"))
		err = create_discontig(memmap);
	else
		err = create_flat(memmap);
	if (!err)
		err = test_present(memmap, &present);
	if (!err && !present)
		err = gg_error_create(GG_BAD_DATA,
				      "the memmap has no struct page of the kernel's own page "
				      "0x%" PRIx64,
				      options->present_pfn);
	if (err) {
		gg_memmap_destroy(memmap);
		return gg_error_context(err, "the kernel's memmap");
	}
	*ret = memmap;
	return NULL;
}

struct gg_error *gg_memmap_find(struct gg_memmap *memmap, uint64_t pfn, struct gg_memmap_span *ret)
{
	if (memmap->root)
		return find_in_sections(memmap, pfn, ret);
	find_in_nodes(memmap, pfn, ret);
	return NULL;
}
