// SPDX-License-Identifier: GPL-3.0-or-later
//
// The values of /proc/meminfo (Linux fs/proc/meminfo.c, mm/vmstat.c, mm/util.c), of v5.4 to v7.2.
//
// In:  the kernel's symbols, members and memory.
// Out: bytes; a value of which a variable or an enumerator is missing is not known.
// Trusts nothing it reads: lists are bounded, a negative count is 0, as in the kernel.
#include "meminfo.h"
#include "base/cleanup.h"
#include "linux/per-cpu.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>

enum { MAX_DISKS = 16384, KIB = 1024 };

struct reader {
	const struct gg_answerers *kernel;
	uint64_t page_size;
	struct gg_meminfo *ret;
};

static void set(struct reader *reader, enum gg_memory_item item, uint64_t bytes)
{
	reader->ret->is_known[item] = true;
	reader->ret->bytes[item] = bytes;
}

static bool is_known(const struct reader *reader, enum gg_memory_item item)
{
	return reader->ret->is_known[item];
}

static uint64_t bytes_of(const struct reader *reader, enum gg_memory_item item)
{
	return is_known(reader, item) ? reader->ret->bytes[item] : 0;
}

// Reads the word of the variable that is called by the first of NAMES, a count that is 0 where it is
// negative.
static struct gg_error *read_word(const struct reader *reader, const char *const *names,
				  uint64_t index, uint64_t *ret)
{
	const struct gg_host *host = &reader->kernel->host;
	const unsigned int word = host->address_size;
	struct gg_error *err = NULL;
	gg_gva_t address = 0;
	for (size_t i = 0; names[i]; i++) {
		gg_error_destroy(err);
		err = gg_host_symbol(host, names[i], &address);
		if (!err || gg_error_is_final(err))
			break;
	}
	if (!err)
		err = gg_host_read_uint(host, address + index * word, word, ret);
	if (!err && *ret >> (8 * word - 1))
		*ret = 0;
	return err;
}

// ---- Counters ----

static const char *const zone_stat[] = { "vm_zone_stat", NULL };
static const char *const node_stat[] = { "vm_node_stat", NULL };

static const struct counter {
	enum gg_memory_item item;
	const char *const *array;
	const char *type;
	const char *const *names; // of the enumerator, the newest first
	bool is_kib;              // not in pages
} counters[] = {
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ZONE(item, ...)                                                                            \
	{                                                                                          \
		GG_MEMORY_##item, zone_stat, "zone_stat_item", NAMES(__VA_ARGS__), false           \
	}
#define NODE(item, ...)                                                                            \
	{                                                                                          \
		GG_MEMORY_##item, node_stat, "node_stat_item", NAMES(__VA_ARGS__), false           \
	}
	ZONE(FREE, "NR_FREE_PAGES"),
	NODE(CACHED, "NR_FILE_PAGES"),
	NODE(SHMEM, "NR_SHMEM"),
	NODE(ANON, "NR_ANON_MAPPED"),
	NODE(MAPPED, "NR_FILE_MAPPED"),
	NODE(DIRTY, "NR_FILE_DIRTY"),
	NODE(WRITEBACK, "NR_WRITEBACK"),
	NODE(UNEVICTABLE, "NR_UNEVICTABLE"),
	ZONE(MLOCKED, "NR_MLOCK"),
	// The names without _B are those before Linux commit d42f3245c7e2 (v5.9).
	NODE(SLAB_RECLAIMABLE, "NR_SLAB_RECLAIMABLE_B", "NR_SLAB_RECLAIMABLE"),
	NODE(SLAB_UNRECLAIMABLE, "NR_SLAB_UNRECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE"),
	{ GG_MEMORY_KERNEL_STACKS, node_stat, "node_stat_item", NAMES("NR_KERNEL_STACK_KB"), true },
	// The counters were of zones before Linux commits 991e7673859e and f0c0c115fb81 (v5.9, v5.11).
	{ GG_MEMORY_KERNEL_STACKS, zone_stat, "zone_stat_item", NAMES("NR_KERNEL_STACK_KB"), true },
	NODE(PAGE_TABLES, "NR_PAGETABLE"),
	ZONE(PAGE_TABLES, "NR_PAGETABLE"),
	NODE(SWAP_CACHED, "NR_SWAPCACHE"),
};

static struct gg_error *read_counter(struct reader *reader, const struct counter *counter)
{
	const struct gg_host *host = &reader->kernel->typed;
	struct gg_member index;
	uint64_t count;
	struct gg_error *err = NULL;
	for (size_t i = 0; counter->names[i]; i++) {
		gg_error_destroy(err);
		err = host->ops->member(host->data, counter->type, counter->names[i], &index);
		if (!err)
			break;
	}
	if (!err)
		err = read_word(reader, counter->array, index.offset, &count);
	if (!err)
		set(reader, counter->item, count * (counter->is_kib ? KIB : reader->page_size));
	return err;
}

static struct gg_error *read_counters(struct reader *reader)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(counters) / sizeof(*counters); i++)
		if (!is_known(reader, counters[i].item))
			err = gg_error_unless_final(read_counter(reader, &counters[i]));
	return err;
}

// ---- Variables ----

static struct gg_error *read_pages(struct reader *reader, enum gg_memory_item item,
				   const char *const *names)
{
	uint64_t count;
	struct gg_error *err = read_word(reader, names, 0, &count);
	if (!err)
		set(reader, item, count * reader->page_size);
	return gg_error_unless_final(err);
}

static struct gg_error *read_variables(struct reader *reader)
{
	// "totalram_pages" became "_totalram_pages" in Linux commit ca79b0c211af (v5.0).
	struct gg_error *err =
		read_pages(reader, GG_MEMORY_TOTAL, NAMES("_totalram_pages", "totalram_pages"));
	if (!err)
		err = read_pages(reader, GG_MEMORY_SWAP_TOTAL, NAMES("total_swap_pages"));
	return err ? err : read_pages(reader, GG_MEMORY_SWAP_FREE, NAMES("nr_swap_pages"));
}

// Reads the pages of a block device, and finds the next device.
static struct gg_error *add_disk(const struct gg_host *host, const struct gg_member members[4],
				 gg_gva_t *node, uint64_t *pages)
{
	const gg_gva_t inode = *node - members[1].offset;
	gg_gva_t mapping;
	uint64_t count = 0;
	struct gg_error *err = gg_host_read_member(host, inode, &members[2], &mapping);
	if (!err && mapping)
		err = gg_host_read_member(host, mapping, &members[3], &count);
	if (!err)
		err = gg_host_read_uint(host, *node, host->address_size, node);
	*pages += count;
	return err;
}

// Buffers are the pages of block devices (nr_blockdev_pages()).
static struct gg_error *read_buffers(struct reader *reader)
{
	static const char *const paths[][2] = { { "super_block", "s_inodes" },
						{ "inode", "i_sb_list" },
						{ "inode", "i_mapping" },
						{ "address_space", "nrpages" } };
	const struct gg_host *host = &reader->kernel->typed;
	struct gg_member members[4];
	gg_gva_t block, node = 0;
	uint64_t pages = 0;
	struct gg_error *err = gg_host_symbol(host, "blockdev_superblock", &block);
	for (size_t i = 0; !err && i < 4; i++)
		err = host->ops->member(host->data, paths[i][0], paths[i][1], &members[i]);
	if (!err)
		err = gg_host_read_uint(host, block, host->address_size, &block);
	const gg_gva_t head = err ? 0 : block + members[0].offset;
	if (!err)
		err = gg_host_read_uint(host, head, host->address_size, &node);
	for (unsigned int i = 0; !err && node != head; i++) {
		err = i == MAX_DISKS ? gg_error_create(GG_BAD_DATA, "too many block devices")
				     : gg_interrupt_check();
		if (!err)
			err = add_disk(host, members, &node, &pages);
	}
	if (!err)
		set(reader, GG_MEMORY_BUFFERS, pages * reader->page_size);
	return gg_error_unless_final(err);
}

// ---- Huge pages ----

// Reads the huge pages of the size that is the default.
static struct gg_error *read_huge(struct reader *reader)
{
	const struct gg_host *host = &reader->kernel->typed;
	const unsigned int word = host->address_size;
	struct gg_member whole, total, free_pages, order;
	gg_gva_t states;
	uint64_t index = 0, count = 0, free_count = 0, shift = 0;
	struct gg_error *err = gg_host_symbol(host, "default_hstate_idx", &states);
	if (!err)
		err = gg_host_read_uint(host, states, sizeof(uint32_t), &index);
	if (!err)
		err = gg_host_symbol(host, "hstates", &states);
	if (!err)
		err = host->ops->member(host->data, "hstate", "", &whole);
	if (!err)
		err = host->ops->member(host->data, "hstate", "nr_huge_pages", &total);
	if (!err)
		err = host->ops->member(host->data, "hstate", "free_huge_pages", &free_pages);
	if (!err)
		err = host->ops->member(host->data, "hstate", "order", &order);
	const gg_gva_t state = err ? 0 : states + index * whole.size;
	if (!err)
		err = gg_host_read_uint(host, state + total.offset, word, &count);
	if (!err)
		err = gg_host_read_uint(host, state + free_pages.offset, word, &free_count);
	if (!err)
		err = gg_host_read_member(host, state, &order, &shift);
	if (!err && shift < 32) {
		set(reader, GG_MEMORY_HUGE_TOTAL, (count << shift) * reader->page_size);
		set(reader, GG_MEMORY_HUGE_FREE, (free_count << shift) * reader->page_size);
	}
	return gg_error_unless_final(err);
}

// ---- Commitment ----

// Adds up the CPUs' parts of a percpu_counter.
static struct gg_error *sum_parts(const struct reader *reader, gg_gva_t parts, int64_t *sum)
{
	const struct gg_host *host = &reader->kernel->host;
	_cleanup_free_ uint64_t *offsets = NULL;
	size_t count = 0;
	struct gg_error *err = gg_per_cpu_offsets(reader->kernel->symbols, &offsets, &count);
	for (size_t i = 0; !err && i < count; i++) {
		uint64_t part = 0;
		if (offsets[i])
			err = gg_host_read_uint(host, parts + offsets[i], sizeof(int32_t), &part);
		*sum += (int32_t)part;
	}
	return err;
}

static struct gg_error *read_committed(struct reader *reader)
{
	const struct gg_host *host = &reader->kernel->typed;
	struct gg_member count, parts;
	gg_gva_t counter, array;
	uint64_t base = 0;
	struct gg_error *err = gg_host_symbol(host, "vm_committed_as", &counter);
	if (!err)
		err = host->ops->member(host->data, "percpu_counter", "count", &count);
	if (!err)
		err = host->ops->member(host->data, "percpu_counter", "counters", &parts);
	if (!err)
		err = gg_host_read_member(host, counter, &count, &base);
	if (!err)
		err = gg_host_read_member(host, counter, &parts, &array);
	int64_t sum = (int64_t)base;
	if (!err)
		err = sum_parts(reader, array, &sum);
	if (!err)
		set(reader, GG_MEMORY_COMMITTED, sum > 0 ? (uint64_t)sum * reader->page_size : 0);
	return gg_error_unless_final(err);
}

// Computes the limit as vm_commit_limit() does.
static struct gg_error *read_limit(struct reader *reader)
{
	const struct gg_host *host = &reader->kernel->host;
	gg_gva_t address;
	uint64_t kib = 0, ratio = 0;
	struct gg_error *err = gg_host_symbol(host, "sysctl_overcommit_kbytes", &address);
	if (!err)
		err = gg_host_read_uint(host, address, host->address_size, &kib);
	if (!err)
		err = gg_host_symbol(host, "sysctl_overcommit_ratio", &address);
	if (!err)
		err = gg_host_read_uint(host, address, sizeof(uint32_t), &ratio);
	if (err || !is_known(reader, GG_MEMORY_TOTAL) || !is_known(reader, GG_MEMORY_SWAP_TOTAL))
		return gg_error_unless_final(err);
	const uint64_t pages =
		(bytes_of(reader, GG_MEMORY_TOTAL) - bytes_of(reader, GG_MEMORY_HUGE_TOTAL)) /
		reader->page_size;
	const uint64_t ram = kib ? kib * KIB / reader->page_size : pages * ratio / 100;
	set(reader, GG_MEMORY_COMMIT_LIMIT,
	    ram * reader->page_size + bytes_of(reader, GG_MEMORY_SWAP_TOTAL));
	return NULL;
}

// ---- What follows from the others ----

// Takes from the file pages those of block devices and of the swap cache.
static void fix_cached(struct reader *reader)
{
	const uint64_t others =
		bytes_of(reader, GG_MEMORY_BUFFERS) + bytes_of(reader, GG_MEMORY_SWAP_CACHED);
	uint64_t *cached = &reader->ret->bytes[GG_MEMORY_CACHED];
	*cached = *cached > others ? *cached - others : 0;
}

static uint64_t half_or(uint64_t value, uint64_t limit)
{
	return value / 2 < limit ? value / 2 : limit;
}

// Reads a counter of pages that is no item of its own; 0 without.
static uint64_t pages_of(const struct reader *reader, const char *name)
{
	const struct gg_host *host = &reader->kernel->typed;
	struct gg_member index;
	uint64_t count = 0;
	struct gg_error *err = host->ops->member(host->data, "node_stat_item", name, &index);
	if (!err)
		err = read_word(reader, node_stat, index.offset, &count);
	const bool failed = err;
	gg_error_destroy(err);
	return failed ? 0 : count * reader->page_size;
}

// Computes what si_mem_available() does.
static struct gg_error *read_available(struct reader *reader)
{
	_cleanup_free_ struct gg_zone *zones = NULL;
	size_t count = 0;
	uint64_t reserve = 0, low = 0;
	struct gg_error *err = read_word(reader, NAMES("totalreserve_pages"), 0, &reserve);
	if (!err)
		err = gg_zones_read(reader->kernel, &zones, &count);
	if (err || !is_known(reader, GG_MEMORY_FREE))
		return gg_error_unless_final(err);
	for (size_t i = 0; i < count; i++)
		low += zones[i].low;
	const uint64_t cache =
		pages_of(reader, "NR_ACTIVE_FILE") + pages_of(reader, "NR_INACTIVE_FILE");
	const uint64_t slab = bytes_of(reader, GG_MEMORY_SLAB_RECLAIMABLE) +
			      pages_of(reader, "NR_KERNEL_MISC_RECLAIMABLE");
	const int64_t available =
		(int64_t)(bytes_of(reader, GG_MEMORY_FREE) - reserve * reader->page_size + cache -
			  half_or(cache, low) + slab - half_or(slab, low));
	set(reader, GG_MEMORY_AVAILABLE, available > 0 ? (uint64_t)available : 0);
	return NULL;
}

struct gg_error *gg_meminfo_read(const struct gg_answerers *kernel, struct gg_meminfo *ret)
{
	struct reader reader = { .kernel = kernel,
				 .page_size = gg_page_table_page_size(kernel->memory.table),
				 .ret = ret };
	const struct gg_host *host = &kernel->typed;
	struct gg_member index;
	*ret = (struct gg_meminfo){ 0 };
	// Without types nothing is known, for one reason.
	struct gg_error *err =
		host->ops->member(host->data, "zone_stat_item", "NR_FREE_PAGES", &index);
	if (!err)
		err = read_counters(&reader);
	if (!err)
		err = read_variables(&reader);
	if (!err)
		err = read_buffers(&reader);
	if (!err)
		err = read_huge(&reader);
	if (!err)
		err = read_committed(&reader);
	if (!err)
		err = read_limit(&reader);
	if (!err)
		err = read_available(&reader);
	fix_cached(&reader);
	return err;
}
