// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the kernel, RAM.
// Out: the number of pages by kind; the pages that a dump leaves out.
// A filter that goes wrong leaves out less, never more.
#include "pages.h"
#include "kept-pages.h"
#include "memmap-pages.h"
#include "linux/pages/free-count.h"
#include "linux/pages/page-scan.h"
#include "memory/threads.h"
#include "memory/workers.h"
#include "zero-pages.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// A look at all pages of a guest.
struct look {
	struct gg_guest *guest;
	const struct gg_kernel *kernel;
	const struct gg_ram_map *map;
	const struct gg_notices *notices;
	struct gg_page_layout layout;
	struct gg_memmap *memmap;
	unsigned int level, threads;
	bool without_memmap;          // struct pages of excluded pages are excluded too
	struct gg_page_set *excluded; // NULL where only counts are wanted
	struct gg_page_set *tables;   // the page tables' own pages; NULL where they are not wanted
	struct gg_page_kinds *kinds;  // NULL where pages of zeros are not wanted
	struct gg_page_census *census;
};

// ---- Classes ----

// Tests whether LEVEL leaves out broken and offline pages. makedumpfile looks at struct pages at level 1 only
// where VMCOREINFO has PG_hwpoison.
static bool is_lossy(const struct gg_page_census *census, unsigned int level)
{
	return level & ~(unsigned int)GG_LEVEL_ZERO || (level && census->has_hwpoison);
}

// Returns the reason to leave out a page of TRAITS at LEVEL.
static enum gg_page_class find_class(const struct gg_page_census *census, unsigned int traits,
				     unsigned int level)
{
	const bool cache = traits & GG_PAGE_CACHE, private = traits & GG_PAGE_PRIVATE;
	if (traits & GG_PAGE_FREE && level & GG_LEVEL_FREE)
		return GG_PAGES_FREE;
	if (cache && !private && level & (GG_LEVEL_CACHE | GG_LEVEL_CACHE_PRIVATE))
		return GG_PAGES_CACHE;
	if (cache && private && level & GG_LEVEL_CACHE_PRIVATE)
		return GG_PAGES_CACHE_PRIVATE;
	if (traits & GG_PAGE_USER && level & GG_LEVEL_USER)
		return GG_PAGES_USER;
	if (traits & GG_PAGE_HWPOISON && is_lossy(census, level))
		return GG_PAGES_HWPOISON;
	if (traits & GG_PAGE_OFFLINE && is_lossy(census, level))
		return GG_PAGES_OFFLINE;
	return GG_PAGES_KEPT;
}

void gg_page_census_at(const struct gg_page_census *census, unsigned int level,
		       struct gg_page_counts *ret)
{
	*ret = (struct gg_page_counts){ 0 };
	uint64_t *pages = ret->pages;
	pages[GG_PAGES_KEPT] = census->ram - census->described;
	for (unsigned int traits = 0; traits < GG_PAGE_TRAITS; traits++)
		pages[find_class(census, traits, level)] += census->groups[traits];
	for (unsigned int traits = 0; level & GG_LEVEL_ZERO && traits < GG_PAGE_TRAITS; traits++) {
		if (find_class(census, traits, level) != GG_PAGES_KEPT)
			continue;
		pages[GG_PAGES_ZERO] += census->zeros[traits];
		pages[GG_PAGES_KEPT] -= census->zeros[traits];
	}
}

// ---- The look ----

static struct gg_error *visit(void *data, uint64_t pfn, uint64_t count, unsigned int traits)
{
	const struct look *look = data;
	struct gg_error *err = NULL;
	look->census->groups[traits] += count;
	if (look->excluded && find_class(look->census, traits, look->level) != GG_PAGES_KEPT)
		err = gg_page_set_add(look->excluded, pfn, count);
	if (!err && look->kinds && traits)
		err = gg_page_kinds_add(look->kinds, traits, pfn, count);
	return err;
}

// Names the traits that cannot be seen among those that LEVEL leaves out.
static struct gg_error *tell_missing(const struct look *look)
{
	static const struct {
		unsigned int trait, level;
		const char *name;
	} traits[] = {
		{ GG_PAGE_FREE, GG_LEVEL_FREE, "free" },
		{ GG_PAGE_CACHE, GG_LEVEL_CACHE | GG_LEVEL_CACHE_PRIVATE, "cache" },
		{ GG_PAGE_USER, GG_LEVEL_USER, "user" },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(traits) / sizeof(*traits); i++)
		if (!(look->layout.traits & traits[i].trait) && look->level & traits[i].level)
			err = gg_tell(look->notices,
				      "VMCOREINFO lacks what shows which pages are of the kind "
				      "\"%s\": such pages stay in a dump",
				      traits[i].name);
	return err;
}

static struct gg_error *open_look(struct look *look)
{
	struct gg_error *err = gg_guest_kernel(look->guest, NULL, look->notices, &look->kernel);
	if (!err)
		err = gg_guest_ram_map(look->guest, &look->map);
	if (err)
		return err;
	const struct gg_kernel *kernel = look->kernel;
	const struct gg_host *memory = &kernel->answerers.memory.host;
	const uint64_t page_size = gg_page_table_page_size(kernel->table);
	err = gg_page_layout_read(&kernel->info, page_size, memory->address_size,
				  memory->big_endian, &look->layout);
	if (err)
		return gg_error_context(err, "the kernel's struct page");
	const struct gg_memmap_options options = {
		.info = &kernel->info,
		.memory = memory,
		.page_size = page_size,
		.struct_size = look->layout.size,
		.section_bits = kernel->paging.section_bits,
		.present_pfn = kernel->paging.text_gpa / page_size,
	};
	look->census->page_size = page_size;
	look->census->has_hwpoison = look->layout.traits & GG_PAGE_HWPOISON;
	err = gg_memmap_create(&options, &look->memmap);
	return err ? err : tell_missing(look);
}

// Tells of struct pages that cannot be read.
static struct gg_error *tell_unread(const struct look *look)
{
	if (!look->census->unread)
		return NULL;
	return gg_tell(look->notices,
		       "the struct pages of %" PRIu64 " pages cannot be read: these pages stay in "
		       "a dump",
		       look->census->unread);
}

// Compares the free pages with the free lists, which a kernel that was stopped at work may have changed in
// between.
static struct gg_error *check_free(const struct look *look)
{
	enum { PART = 16, SOME = 1024 };
	const uint64_t found = look->census->groups[GG_PAGE_FREE];
	uint64_t lists = 0;
	if (!(look->layout.traits & GG_PAGE_FREE))
		return NULL;
	struct gg_error *err = gg_free_count_read(&look->kernel->info,
						  &look->kernel->answerers.memory.host, &lists);
	gg_debug(look->guest->machine.source->debug,
		 "the memmap has %" PRIu64 " free pages, the free lists have %" PRIu64 ": %s",
		 found, lists, gg_debug_outcome(err));
	if (err)
		return gg_error_unless_final(err);
	const uint64_t difference = found > lists ? found - lists : lists - found;
	if (difference <= lists / PART + SOME)
		return NULL;
	return gg_tell(look->notices,
		       "the kernel's memmap has %" PRIu64 " free pages, its free lists have "
		       "%" PRIu64,
		       found, lists);
}

static uint64_t find_end(const struct gg_ram_map *map, uint64_t page_size)
{
	if (!map->count)
		return 0;
	const struct gg_ram_range *last = &map->ranges[map->count - 1];
	return (last->start + (last->size - 1)) / page_size + 1;
}

// ---- The scan, in parts at the same time ----

// A part of the scan, with its own look.
struct part {
	struct look look;
	struct gg_page_scan scan;
	struct gg_page_census census;
	struct gg_page_set excluded;
	uint64_t reads;
	struct gg_error *err;
};

struct parts {
	struct look *look;
	pthread_mutex_t lock; // of the page table
	struct part *parts;
	unsigned int count;
	atomic_uint taken;
	uint64_t reads;
};

// Adds the part from FIRST on, up to all pages' end.
static struct gg_error *add_part(struct parts *parts, uint64_t first)
{
	struct look *whole = parts->look;
	struct part *part = &parts->parts[parts->count++];
	part->look = *whole;
	part->look.census = &part->census;
	part->census.has_hwpoison = whole->census->has_hwpoison;
	part->scan = (struct gg_page_scan){
		.layout = &whole->layout,
		.memmap = whole->memmap,
		.map = whole->map,
		.first = first,
		.stop = UINT64_MAX,
		.visit = visit,
		.data = &part->look,
	};
	if (!whole->excluded)
		return NULL;
	part->look.excluded = &part->excluded;
	return gg_page_set_init(&part->excluded, whole->excluded->end);
}

// Returns the page that has COUNT pages of RAM below it, a part of all pages.
static uint64_t page_behind(const struct look *look, uint64_t count)
{
	const uint64_t page_size = look->layout.page_size;
	for (size_t i = 0; i < look->map->count; i++) {
		const struct gg_ram_range *range = &look->map->ranges[i];
		if (count < range->size / page_size)
			return range->start / page_size + count;
		count -= range->size / page_size;
	}
	return find_end(look->map, page_size);
}

static struct gg_error *open_reader(struct parts *parts, struct gg_memmap_reader *reader)
{
	const struct look *look = parts->look;
	struct gg_error *err =
		gg_memmap_reader_init(reader, look->kernel->table, look->map, look->tables);
	reader->lock = &parts->lock;
	return err;
}

// Cuts the pages into at most MOST parts, of about the same number of pages.
static struct gg_error *cut(struct parts *parts, unsigned int most)
{
	const uint64_t pages = parts->look->map->size / parts->look->layout.page_size;
	struct gg_memmap_reader reader;
	struct gg_error *err = open_reader(parts, &reader);
	if (!err)
		err = add_part(parts, 0);
	for (unsigned int i = 1; !err && i < most; i++) {
		struct gg_page_scan *before = &parts->parts[parts->count - 1].scan;
		const uint64_t first = page_behind(parts->look, pages / most * i) /
				       GG_PAGE_SCAN_UNIT * GG_PAGE_SCAN_UNIT;
		bool may_start = false;
		before->reader = &reader;
		if (first > before->first)
			err = gg_page_scan_may_start(before, first, &may_start);
		if (err || !may_start)
			continue;
		before->stop = first;
		err = add_part(parts, first);
	}
	gg_memmap_reader_deinit(&reader);
	return err;
}

static void scan_part(struct parts *parts, struct part *part)
{
	struct gg_memmap_reader reader;
	part->err = open_reader(parts, &reader);
	part->scan.reader = &reader;
	if (!part->err)
		part->err = gg_page_scan_run(&part->scan);
	part->reads = reader.reads;
	gg_memmap_reader_deinit(&reader);
}

// Takes parts, until none is left: they take different times.
static void scan_some(void *data, unsigned int number)
{
	struct parts *parts = data;
	(void)number;
	for (unsigned int i; (i = atomic_fetch_add(&parts->taken, 1)) < parts->count;)
		scan_part(parts, &parts->parts[i]);
}

// Adds what PART found to the whole.
static struct gg_error *add_result(struct look *whole, const struct part *part)
{
	struct gg_page_census *census = whole->census;
	census->ram += part->scan.ram;
	census->described += part->scan.described;
	census->unread += part->scan.unread;
	if (part->scan.end > census->end)
		census->end = part->scan.end;
	for (size_t i = 0; i < GG_PAGE_TRAITS; i++)
		census->groups[i] += part->census.groups[i];
	return whole->excluded ? gg_page_set_unite(whole->excluded, &part->excluded) : NULL;
}

static struct gg_error *scan_parts(struct parts *parts, unsigned int threads, unsigned int most)
{
	struct gg_error *err = cut(parts, most);
	if (!err)
		gg_threads_run(threads, scan_some, parts);
	for (unsigned int i = 0; i < parts->count; i++) {
		struct part *part = &parts->parts[i];
		if (err)
			gg_error_destroy(part->err);
		else
			err = part->err;
		if (!err)
			err = add_result(parts->look, part);
		parts->reads += part->reads;
		gg_page_set_deinit(&part->excluded);
	}
	return err;
}

static struct gg_error *scan(struct look *look)
{
	enum { PARTS_OF_A_THREAD = 4 };
	struct parts parts = { .look = look, .lock = PTHREAD_MUTEX_INITIALIZER };
	// Pages of zeros are counted in a structure that the parts would share.
	const unsigned int threads =
		look->kinds ? 1
			    : gg_workers_count(look->map->backing, look->threads, GG_MAX_WORKERS);
	const unsigned int most = threads > 1 ? PARTS_OF_A_THREAD * threads : 1;
	parts.parts = calloc(most, sizeof(*parts.parts));
	struct gg_error *err = parts.parts ? scan_parts(&parts, threads, most) : gg_enomem;
	free(parts.parts);
	gg_debug(look->guest->machine.source->debug,
		 "a memmap of %s memory: %" PRIu64 " pages in %" PRIu64 " reads, in %u parts",
		 gg_memmap_model(look->memmap), look->census->described, parts.reads, parts.count);
	if (!err)
		err = tell_unread(look);
	return err ? err : check_free(look);
}

// ---- The census ----

struct gg_error *gg_guest_page_census(struct gg_guest *guest, bool zeros,
				      const struct gg_notices *notices, struct gg_page_census *ret)
{
	*ret = (struct gg_page_census){ 0 };
	struct gg_page_kinds kinds = { 0 };
	struct look look = {
		.guest = guest,
		.notices = notices,
		.level = GG_LEVEL_ALL,
		.kinds = zeros ? &kinds : NULL,
		.census = ret,
	};
	gg_interrupt_begin();
	struct gg_error *err = open_look(&look);
	if (!err && zeros)
		err = gg_page_kinds_init(&kinds, look.map, look.layout.page_size);
	if (!err)
		err = scan(&look);
	if (!err && zeros)
		err = gg_page_kinds_count_zeros(&kinds, look.map, look.layout.page_size, ret->end,
						ret->zeros);
	ret->has_zeros = !err && zeros;
	gg_interrupt_end();
	gg_page_kinds_deinit(&kinds);
	gg_memmap_destroy(look.memmap);
	return err;
}

// ---- The filter ----

static struct gg_error *find_kept(struct gg_guest *guest, const struct gg_kernel *kernel,
				  const struct gg_page_set *tables,
				  const struct gg_page_set *excluded,
				  const struct gg_notices *notices, struct gg_page_set *ret)
{
	struct gg_error *err = gg_page_set_init(ret, excluded->end);
	if (!err)
		err = gg_keep_pages(guest, kernel, tables, excluded, ret);
	if (!err && ret->count)
		err = gg_tell(notices,
			      "%" PRIu64 " pages of the kernel's own stay in, which its memmap "
			      "has as free, cache or user",
			      ret->count);
	return err;
}

// Excludes the memmap's own pages that have nothing but struct pages of excluded pages.
static struct gg_error *exclude_memmap(struct look *look)
{
	struct gg_page_set kept = { 0 };
	const struct gg_memmap_pages pages = {
		.table = look->kernel->table,
		.map = look->map,
		.memmap = look->memmap,
		.page_size = look->layout.page_size,
		.struct_size = look->layout.size,
	};
	struct gg_error *err = find_kept(look->guest, look->kernel, look->tables, look->excluded,
					 look->notices, &kept);
	gg_page_set_subtract(look->excluded, &kept);
	gg_page_set_deinit(&kept);
	return err ? err : gg_memmap_pages_exclude(&pages, look->excluded);
}

static struct gg_error *filter(struct look *look)
{
	const uint64_t page_size = gg_page_table_page_size(look->kernel->table);
	const uint64_t end = find_end(look->map, page_size);
	struct gg_error *err = gg_page_set_init(look->excluded, end);
	if (!err)
		err = gg_page_set_init(look->tables, end);
	if (!err)
		err = scan(look);
	return err || !look->without_memmap ? err : exclude_memmap(look);
}

struct gg_error *gg_page_filter_init(struct gg_guest *guest, unsigned int level,
				     unsigned int threads, const struct gg_notices *notices,
				     struct gg_page_filter *ret)
{
	*ret = (struct gg_page_filter){ 0 };
	struct look look = {
		.guest = guest,
		.notices = notices,
		.level = level & GG_LEVEL_ALL,
		.threads = threads,
		.without_memmap = level & GG_LEVEL_MEMMAP,
		.excluded = &ret->excluded,
		.tables = &ret->tables,
		.census = &ret->census,
	};
	if (!look.level)
		return NULL;
	struct gg_error *err = open_look(&look);
	if (!err && is_lossy(&ret->census, look.level))
		err = filter(&look);
	gg_memmap_destroy(look.memmap);
	// Pages of zeros are found without a kernel.
	return look.level == GG_LEVEL_ZERO ? gg_error_unless_final(err) : err;
}

void gg_page_filter_deinit(struct gg_page_filter *filter)
{
	gg_page_set_deinit(&filter->excluded);
	gg_page_set_deinit(&filter->tables);
}

struct gg_error *gg_page_filter_find_kept(struct gg_guest *guest,
					  const struct gg_page_filter *filter,
					  const struct gg_notices *notices, struct gg_page_set *ret)
{
	const struct gg_kernel *kernel;
	*ret = (struct gg_page_set){ 0 };
	if (!filter->excluded.count)
		return NULL;
	struct gg_error *err = gg_guest_kernel(guest, NULL, notices, &kernel);
	return err ? err
		   : find_kept(guest, kernel, &filter->tables, &filter->excluded, notices, ret);
}
