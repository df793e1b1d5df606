// SPDX-License-Identifier: GPL-3.0-or-later
//
// The use of a kernel's memory: the values of /proc/meminfo, the zones, the slab caches.
#ifndef GG_MEMINFO_H
#define GG_MEMINFO_H

#include "base/notices.h"
#include "linux/answerers/answerers.h"

// X(item, key): the key is JSON's, and with spaces for its underscores the text's.
#define GG_MEMORY_ITEMS(X)                                                                         \
	X(TOTAL, "total")                                                                          \
	X(FREE, "free")                                                                            \
	X(AVAILABLE, "available")                                                                  \
	X(BUFFERS, "buffers")                                                                      \
	X(CACHED, "cached")                                                                        \
	X(SHMEM, "shmem")                                                                          \
	X(ANON, "anon")                                                                            \
	X(MAPPED, "mapped")                                                                        \
	X(DIRTY, "dirty")                                                                          \
	X(WRITEBACK, "writeback")                                                                  \
	X(UNEVICTABLE, "unevictable")                                                              \
	X(MLOCKED, "mlocked")                                                                      \
	X(SLAB_RECLAIMABLE, "slab_reclaimable")                                                    \
	X(SLAB_UNRECLAIMABLE, "slab_unreclaimable")                                                \
	X(KERNEL_STACKS, "kernel_stacks")                                                          \
	X(PAGE_TABLES, "page_tables")                                                              \
	X(HUGE_TOTAL, "huge_total")                                                                \
	X(HUGE_FREE, "huge_free")                                                                  \
	X(SWAP_TOTAL, "swap_total")                                                                \
	X(SWAP_FREE, "swap_free")                                                                  \
	X(SWAP_CACHED, "swap_cached")                                                              \
	X(COMMITTED, "committed")                                                                  \
	X(COMMIT_LIMIT, "commit_limit")

enum gg_memory_item {
#define X(item, key) GG_MEMORY_##item,
	GG_MEMORY_ITEMS(X)
#undef X
		GG_MEMORY_COUNT
};

struct gg_meminfo {
	bool is_known[GG_MEMORY_COUNT];
	uint64_t bytes[GG_MEMORY_COUNT];
};

// Reads the values, as /proc/meminfo has them: without what each CPU has counted and not yet added.
// GG_NOT_FOUND where the kernel's types are not known.
struct gg_error *gg_meminfo_read(const struct gg_answerers *kernel, struct gg_meminfo *ret);

// ---- Zones ----

enum { GG_ZONE_NAME = 16, GG_ZONES_MAX = 8192 };

struct gg_zone {
	uint32_t node;
	char name[GG_ZONE_NAME]; // printable
	// In bytes, as /proc/zoneinfo has them.
	uint64_t free, min, low, high, managed, present, spanned;
	gg_gpa_t start;
};

// Reads the zones that have memory, by node; the caller frees RET.
struct gg_error *gg_zones_read(const struct gg_answerers *kernel, struct gg_zone **ret,
			       size_t *count);

// Lists the nodes' struct pglist_data by the numbers of the nodes, 0 for a number without a node: COUNT
// of them, which the caller frees.
struct gg_error *gg_nodes_read(const struct gg_answerers *kernel, gg_gva_t **ret, size_t *count);

// ---- Slab caches ----

struct gg_slab_cache {
	char *name;                 // escaped, owned
	uint64_t object_size, size; // of an object, and with what is around it
	uint64_t objects;           // room for them in all slabs
	uint64_t slabs;
	uint64_t bytes; // of all slabs
};

struct gg_slab_caches {
	struct gg_slab_cache *caches; // the biggest first
	size_t count;
};

// Reads the slab caches. NOTICES get a line where their list is damaged, and RET has the caches before
// the damage then.
struct gg_error *gg_slab_caches_read(const struct gg_answerers *kernel,
				     const struct gg_notices *notices, struct gg_slab_caches *ret);

// CACHES may be zeros.
void gg_slab_caches_deinit(struct gg_slab_caches *caches);

#endif
