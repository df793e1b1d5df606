// SPDX-License-Identifier: GPL-3.0-or-later
//
// A program that is no QEMU, with structures in its memory such as QEMU 7.2 has
// (include/qom/object.h, include/exec/memory.h, include/exec/ramblock.h; only what matters here has
// a name): a machine with 16 MiB of RAM, 256 KiB of ROM and some devices. What includes this makes
// one, spoils it, and waits until its core is taken.
#ifndef DECOY_MACHINE_H
#define DECOY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { RANGES = 6, RAM = 0, ROM = 5, RAM_SIZE = 16 << 20, ROM_SIZE = 256 << 10 };

struct type {
	const char *name;
	size_t class_size, instance_size;
};

struct class
{
	struct type *type;
	void *interfaces, *casts[8], *unparent, *properties;
};

struct object {
	struct class *class;
	void *free, *properties;
	uint32_t ref;
	struct object *parent;
};

struct int128 {
	uint64_t lo, hi;
};

struct block;

struct region {
	struct object object;
	bool romd_mode, ram, subpage, readonly, nonvolatile, rom_device, flush;
	uint8_t dirty_log_mask;
	bool is_iommu;
	struct block *block;
	void *owner;
	const void *ops;
	void *opaque;
	struct region *container;
	int mapped_via_alias;
	struct int128 size __attribute__((aligned(16)));
	uint64_t addr;
	void *destructor;
	uint64_t align;
	bool terminates, ram_device, enabled, warned;
	uint8_t vga_logging;
	struct region *alias;
	uint64_t alias_offset;
	int32_t priority;
	void *subregions[2], *link[2], *coalesced[2];
	const char *name;
	unsigned int ioeventfd_count;
	void *ioeventfds, *rdm;
} __attribute__((aligned(16)));

struct block {
	void *rcu[2];
	struct region *mr;
	uint8_t *host, *colo_cache;
	uint64_t offset, used_length, max_length;
	void *resized;
	uint32_t flags;
	char idstr[256];
	struct block *next, **prev;
	void *notifiers;
	int fd;
	size_t page_size;
	void *bitmaps[8];
};

struct range {
	struct region *mr;
	uint64_t offset;
	struct int128 start, size;
	uint8_t dirty_log_mask;
	bool romd_mode, readonly, nonvolatile;
} __attribute__((aligned(16)));

struct view {
	void *rcu[2];
	unsigned int ref;
	struct range *ranges;
	unsigned int nr, nr_allocated;
	void *dispatch;
	struct region *root;
};

struct space {
	void *rcu[2];
	char *name;
	struct region *root;
	struct view *current_map;
	struct view *other; // in QEMU a count, of something else
	void *ioeventfds, *listeners[2], *link[2];
};

// The symbols that QEMU exports.
struct space address_space_memory;
struct {
	uint8_t mutex[64];
	struct block *mru, *first;
	void *dirty[3];
} ram_list;
struct {
	void *first, *last;
} cpus = { NULL, &cpus.first };

static struct type region_type = { "memory-region", sizeof(struct class), sizeof(struct region) };
static struct class region_class = { .type = &region_type };

static struct region *make_region(const char *name, uint64_t size)
{
	struct region *region = aligned_alloc(16, sizeof(*region));
	memset(region, 0, sizeof(*region));
	region->object.class = &region_class;
	region->object.ref = 1;
	region->size.lo = size;
	region->name = strdup(name);
	region->enabled = region->terminates = region->romd_mode = true;
	return region;
}

static void *map_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		abort();
	return pages;
}

static struct region *make_ram(const char *name, uint64_t size, int byte)
{
	struct region *region = make_region(name, size);
	struct block *block = calloc(1, sizeof(*block));
	region->ram = true;
	region->block = block;
	block->mr = region;
	block->host = map_pages(size);
	memset(block->host, byte, size);
	block->offset = ram_list.first ? ram_list.first->offset + RAM_SIZE : 0;
	block->used_length = block->max_length = size;
	block->fd = -1;
	block->page_size = 4096;
	snprintf(block->idstr, sizeof(block->idstr), "%s", name);
	block->next = ram_list.first;
	ram_list.first = block;
	return region;
}

// All but BYTE, which RAM and ROM are full of, is alike in each.
static struct view *make_view(int byte)
{
	static const struct {
		const char *name;
		uint64_t start, size;
	} parts[RANGES] = {
		[RAM] = { "pc.ram", 0, RAM_SIZE },    { "vga-lowmem", 0x10000000, 0x20000 },
		{ "ioapic", 0xfec00000, 0x1000 },     { "hpet", 0xfed00000, 0x400 },
		{ "apic-msi", 0xfee00000, 0x100000 }, [ROM] = { "pc.bios", 0xfffc0000, ROM_SIZE },
	};

	struct view *view = calloc(1, sizeof(*view));
	view->ref = 1;
	view->root = make_region("system", 0);
	view->root->size.hi = 1;
	view->nr = RANGES;
	view->nr_allocated = 16;
	view->ranges = aligned_alloc(16, 16 * sizeof(*view->ranges));
	memset(view->ranges, 0, 16 * sizeof(*view->ranges));
	for (int i = 0; i < RANGES; i++) {
		const bool ram = i == RAM || i == ROM;
		struct region *region = ram ? make_ram(parts[i].name, parts[i].size, byte)
					    : make_region(parts[i].name, parts[i].size);
		region->container = view->root;
		region->addr = parts[i].start;
		region->readonly = i == ROM;
		view->ranges[i] = (struct range){
			.mr = region,
			.start.lo = parts[i].start,
			.size.lo = parts[i].size,
			.romd_mode = true,
			.readonly = region->readonly,
		};
	}
	return view;
}

static inline struct view *make_machine(void)
{
	struct view *view = make_view(0xd1);
	address_space_memory.name = strdup("memory");
	address_space_memory.root = view->root;
	address_space_memory.current_map = view;
	return view;
}

static inline int wait_for_core(void)
{
	puts("ready");
	fflush(stdout);
	return getchar();
}

#endif
