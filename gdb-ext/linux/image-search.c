// SPDX-License-Identifier: GPL-3.0-or-later
//
// From a CPU's page tables to its kernel's VMCOREINFO, without a look at the rest of RAM.
//
// The kernel's image is mapped in an area of its own. Since v4.13 the variables vmcoreinfo_data,
// vmcoreinfo_size and vmcoreinfo_note lie beside each other in its .bss (kernel/crash_core.c; since
// v6.11 kernel/vmcore_info.c), and the last one points to the note; before, the note was an array
// in .bss itself. .bss is the image's end, so the image is read backwards.
//
// Trusts nothing it reads: how much is read and how many pointers are followed have limits, and
// what is found is a candidate only.
#include "image-search.h"
#include "base/cleanup.h"
#include "base/find.h"

#include <gdb-guest/interrupt.h>
#include <endian.h>
#include <inttypes.h>
#include <string.h>

enum {
	SMALLEST_PAGE = 4096, // the smallest: larger ones begin where such a page does
	PIECE = 256 * 1024,
	OVERLAP = 64, // bytes that a piece shares with the next one: more than a note's header
	MAX_READ = 64 << 20,
	// A kernel that is just setting up its page tables maps this whole area, and has no note
	// yet.
	MAX_IMAGE = 256 << 20,
	MAX_RUNS = 4096,
	MAX_POINTERS = 2048, // that are followed although no size stands beside them
	MAX_ROOTS = 16,      // page tables that are searched
	NEIGHBOURS = 4,      // words on either side of a pointer that may be the note's size
	ZEROS = 512,         // bytes that are tested at once
};

// A part of the image area that is mapped.
struct run {
	gg_gva_t start;
	uint64_t size;
};

// The area that may have the image.
struct area {
	gg_gva_t start;
	uint64_t size;
	gg_gva_t alias;   // of a page of .bss, where the image is in the direct map; 0 without
	gg_gva_t kernel;  // the lowest address of the kernel's
	gg_gva_t address; // in the image, all of which is as linearly mapped as this; 0: not known
};

struct search {
	const struct gg_ram_map *map;
	struct area area;
	unsigned int word; // bytes in a pointer
	struct gg_page_table *table;
	struct run runs[MAX_RUNS];
	size_t run_count;
	uint64_t size; // of all runs
	uint64_t left; // bytes that may still be read
	struct gg_vmcoreinfo_scan scan;
	gg_gva_t *pointers; // of MAX_POINTERS, not yet followed
	size_t pointer_count;
	uint8_t *buffer;
};

// An error that ends the search; others are the guest's affair, and end with this.
static struct gg_error *pass_final(struct gg_error *err)
{
	if (err && gg_error_kind(err) == GG_UNSUPPORTED)
		return err;
	return gg_error_unless_final(err);
}

// ---- The image ----

static void add_run(struct search *search, gg_gva_t start, uint64_t size)
{
	struct run *last = search->run_count ? &search->runs[search->run_count - 1] : NULL;
	search->size += size;
	if (last && last->start + last->size == start)
		last->size += size;
	else if (search->run_count < MAX_RUNS)
		search->runs[search->run_count++] = (struct run){ start, size };
}

// Finds the distance from guest-physical to virtual addresses in the image; 0 where that is not known.
static struct gg_error *find_distance(struct search *search, uint64_t *ret)
{
	struct gg_mapping mapping = { 0 };
	*ret = 0;
	if (!search->area.address)
		return NULL;
	struct gg_error *err =
		pass_final(gg_page_table_map(search->table, search->area.address, &mapping));
	if (!err && mapping.present)
		*ret = search->area.address - mapping.gpa;
	return err;
}

// Finds the area behind the page of .bss that the alias is mapped to. Its size is ten times that of a distribution's .bss.
static struct gg_error *find_aliased(struct search *search)
{
	enum { SIZE = 4 << 20 };
	struct gg_mapping mapping = { 0 };
	struct area *area = &search->area;
	struct gg_error *err =
		area->alias ? pass_final(gg_page_table_map(search->table, area->alias, &mapping))
			    : NULL;
	if (!err && mapping.present) {
		area->start = area->kernel + mapping.gpa;
		area->size = SIZE;
	}
	return err;
}

static struct gg_error *find_runs(struct search *search)
{
	uint64_t distance;
	struct gg_error *failed = find_distance(search, &distance);
	if (failed)
		return failed;
	for (uint64_t offset = 0; offset < search->area.size;) {
		const gg_gva_t gva = search->area.start + offset;
		struct gg_mapping mapping = { .size = gg_page_table_reach(search->table, gva) };
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = pass_final(gg_page_table_map(search->table, gva, &mapping));
		if (err)
			return err;
		const uint64_t rest = search->area.size - offset;
		const uint64_t size = mapping.size < rest ? mapping.size : rest;
		if (mapping.present && gg_ram_map_find(search->map, mapping.gpa) &&
		    (!distance || gva - mapping.gpa == distance))
			add_run(search, gva, size);
		offset += size;
	}
	return NULL;
}

// ---- Candidates ----

static void add_candidate(struct search *search, gg_gpa_t gpa)
{
	for (size_t i = 0; i < search->scan.count; i++)
		if (search->scan.found[i] == gpa)
			return;
	if (search->scan.count < GG_SCAN_MAX)
		search->scan.found[search->scan.count++] = gpa;
}

// Adds a candidate if a note's header is at GVA.
static struct gg_error *try_pointer(struct search *search, gg_gva_t gva)
{
	uint8_t header[GG_VMCOREINFO_HEADER];
	struct gg_mapping mapping;
	size_t size;
	struct gg_error *err = gg_page_table_map(search->table, gva, &mapping);
	if (err || !mapping.present)
		return pass_final(err);
	err = gg_ram_map_read(search->map, mapping.gpa, header, sizeof(header));
	if (!err && gg_vmcoreinfo_header(header, search->scan.big_endian, &size))
		add_candidate(search, mapping.gpa);
	return pass_final(err);
}

static uint64_t word_at(const struct search *search, const uint8_t *bytes)
{
	const bool big_endian = search->scan.big_endian;
	uint64_t word = 0;
	uint32_t half = 0;
	if (search->word == sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		return big_endian ? be64toh(word) : le64toh(word);
	}
	memcpy(&half, bytes, sizeof(half));
	return big_endian ? be32toh(half) : le32toh(half);
}

// Tests whether WORD may point to a page of the kernel's outside of the image.
static bool is_page_pointer(const struct search *search, uint64_t word)
{
	return !(word % SMALLEST_PAGE) && word >= search->area.kernel &&
	       word - search->area.start >= search->area.size && word < UINT64_MAX - SMALLEST_PAGE;
}

static bool has_size_beside(const struct search *search, const uint8_t *bytes, size_t count,
			    size_t at)
{
	const size_t first = at > NEIGHBOURS ? at - NEIGHBOURS : 0;
	const size_t end = count - at > NEIGHBOURS ? at + NEIGHBOURS + 1 : count;
	for (size_t i = first; i < end; i++) {
		const uint64_t word = word_at(search, bytes + i * search->word);
		if (word > GG_VMCOREINFO_HEADER && word <= SMALLEST_PAGE)
			return true;
	}
	return false;
}

// Tests whether a block of ZEROS bytes begins at AT of the SIZE BYTES, and is zeros, as most of .bss is.
static bool is_zeros(const uint8_t *bytes, size_t size, size_t at)
{
	return size - at >= ZEROS && !bytes[at] && !memcmp(bytes + at, bytes + at + 1, ZEROS - 1);
}

static struct gg_error *look_at_pointers(struct search *search, const uint8_t *bytes, size_t size)
{
	const size_t count = size / search->word, block = ZEROS / search->word;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++) {
		if (i % block == 0 && is_zeros(bytes, size, i * search->word)) {
			i += block - 1;
			continue;
		}
		const uint64_t word = word_at(search, bytes + i * search->word);
		if (!is_page_pointer(search, word))
			continue;
		if (has_size_beside(search, bytes, count, i))
			err = try_pointer(search, word);
		else if (search->pointer_count < MAX_POINTERS)
			search->pointers[search->pointer_count++] = word;
	}
	return err;
}

// A note in the image itself, at GVA.
static struct gg_error *look_for_note(struct search *search, gg_gva_t gva, const uint8_t *bytes,
				      size_t size)
{
	enum { NAME = 12 }; // where in the header it is
	static const char name[] = "VMCOREINFO";
	const uint8_t *at = bytes, *end = bytes + size;
	struct gg_error *err = NULL;
	while (!err && (at = gg_find_bytes(at, (size_t)(end - at), name, sizeof(name)))) {
		if (at - bytes >= NAME)
			err = try_pointer(search, gva + (uint64_t)(at - bytes) - NAME);
		at++;
	}
	return err;
}

// ---- The search ----

struct finder {
	const struct gg_kernel_site *site;
	const struct gg_notices *notices;
	struct gg_kernel *kernel;
	char *rejected; // what was said of the first candidate
	char banner[GG_BANNER_SIZE];
};

// The kernel of the candidates that there are since the last time, if one is sound.
static struct gg_error *try_candidates(struct search *search, struct finder *finder)
{
	if (!search->scan.count)
		return NULL;
	struct gg_kernels kernels;
	struct gg_error *err =
		gg_kernels_find(finder->site, &search->scan, finder->notices, &kernels);
	if (!err) {
		finder->kernel = kernels.kernels[0];
		finder->kernel->finder = GG_FOUND_BY_TABLES;
		kernels.kernels[0] = NULL;
		gg_kernels_deinit(&kernels);
	}
	search->scan.count = 0;
	if (err && gg_error_kind(err) == GG_NOT_FOUND && !finder->rejected &&
	    !(finder->rejected = strdup(gg_error_message(err)))) {
		gg_error_destroy(err);
		return gg_enomem;
	}
	return pass_final(err);
}

static struct gg_error *search_piece(struct search *search, struct finder *finder, gg_gva_t gva,
				     size_t size)
{
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_page_table_read(search->table, gva, search->buffer, size);
	if (err)
		return pass_final(err);
	search->left -= size < search->left ? size : search->left;
	if (!*finder->banner)
		gg_linux_banner_scan(search->buffer, size, finder->banner);
	err = look_at_pointers(search, search->buffer, size);
	if (!err)
		err = look_for_note(search, gva, search->buffer, size);
	return err ? err : try_candidates(search, finder);
}

static struct gg_error *search_runs(struct search *search, struct finder *finder)
{
	struct gg_error *err = NULL;
	for (size_t i = search->run_count; !err && !finder->kernel && i-- > 0;) {
		const struct run *run = &search->runs[i];
		for (uint64_t end = run->size; !err && !finder->kernel && end && search->left;) {
			const uint64_t size = end < PIECE ? end : PIECE;
			err = search_piece(search, finder, run->start + end - size, (size_t)size);
			end -= end > size ? size - OVERLAP : end;
		}
	}
	for (size_t i = 0; !err && !finder->kernel && i < search->pointer_count; i++) {
		err = try_pointer(search, search->pointers[i]);
		if (!err)
			err = try_candidates(search, finder);
	}
	return err;
}

static struct gg_error *search_image(struct search *search, struct finder *finder)
{
	search->buffer = malloc(PIECE);
	search->pointers = calloc(MAX_POINTERS, sizeof(*search->pointers));
	struct gg_error *err =
		search->buffer && search->pointers ? search_runs(search, finder) : gg_enomem;
	free(search->buffer);
	free(search->pointers);
	return err;
}

static void destroy_search(struct search *search)
{
	if (search)
		gg_page_table_destroy(search->table);
	free(search);
}

// Finds what PAGING maps of the image area.
static struct gg_error *create_search(const struct gg_kernel_site *site, const struct area *area,
				      const struct gg_paging *paging, struct search **ret)
{
	struct search *search = calloc(1, sizeof(*search));
	if (!search)
		return gg_enomem;
	*search = (struct search){ .map = site->map, .area = *area, .word = site->arch->word };
	search->scan.big_endian = site->arch->big_endian;
	*ret = search;
	struct gg_error *err = gg_page_table_create(site->map, paging, &search->table);
	if (!err)
		err = find_aliased(search);
	if (!err)
		err = find_runs(search);
	if (search->size > MAX_IMAGE)
		search->size = 0;
	return err;
}

// ---- The CPUs ----

// Roots that were searched, of CPUs that share them.
struct roots {
	gg_gpa_t roots[MAX_ROOTS];
	size_t count;
};

// Adds ROOT; false where it is there already, or there is no room.
static bool add_root(struct roots *roots, gg_gpa_t root)
{
	for (size_t i = 0; i < roots->count; i++)
		if (roots->roots[i] == root)
			return false;
	if (roots->count == MAX_ROOTS)
		return false;
	roots->roots[roots->count++] = root;
	return true;
}

static void log_image(const struct finder *finder, const struct search *search)
{
	gg_debug(finder->site->debug,
		 "tables: %" PRIu64 " bytes in %zu parts of the image area are mapped, %" PRIu64
		 " may be read",
		 search->size, search->run_count, search->left);
}

// Searches the images of COUNT page tables. A program's tables have a part of the kernel's image:
// the largest image comes first, and of two alike the first table's.
static struct gg_error *search_pagings(const struct area *area, const struct gg_paging *pagings,
				       size_t count, struct finder *finder, uint64_t *left)
{
	struct search *searches[GG_KERNEL_PAGINGS] = { NULL };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++)
		err = create_search(finder->site, area, &pagings[i], &searches[i]);
	for (size_t round = 0; !err && !finder->kernel && round < count; round++) {
		struct search *best = searches[0];
		for (size_t i = 1; i < count; i++)
			if (searches[i]->size > best->size)
				best = searches[i];
		if (!best->size)
			break;
		best->left = *left;
		log_image(finder, best);
		err = search_image(best, finder);
		*left = best->left;
		best->size = 0;
	}
	for (size_t i = 0; i < count; i++)
		destroy_search(searches[i]);
	return err;
}

static bool has_image_area(const struct gg_arch *arch)
{
	return arch->kernel && (arch->kernel->image_area_size || arch->kernel->image_address ||
				arch->kernel->image_alias || arch->kernel->linear);
}

// Finds the area of the image that a CPU executes: the architecture's, or what is around an address in
// the image.
static struct area find_area(const struct gg_linux_ops *ops, const struct gg_registers *registers)
{
	enum { BEFORE = 16 << 20, SIZE = 128 << 20, ALIGNMENT = 2 << 20 };
	struct area area = { 0 };
	if (!ops)
		return area;
	area = (struct area){ .start = ops->image_area,
			      .size = ops->image_area_size,
			      .kernel = ops->kernel_area };
	if (ops->image_alias) {
		area.alias = ops->image_alias(registers);
		area.kernel = ops->direct_map;
	}
	if (ops->image_address)
		area.address = ops->image_address(registers);
	if (area.address) {
		area.start = area.address / ALIGNMENT * ALIGNMENT - BEFORE;
		area.size = SIZE;
	}
	return area;
}

// Finds the highest word of the linear map that COUNT places have; START without such a word.
static struct gg_error *find_highest(const struct gg_kernel_site *site, const gg_gva_t *places,
				     size_t count, gg_gva_t start, gg_gva_t *ret)
{
	enum { MAX_PLACE = 1 << 30 };
	struct gg_page_table *table;
	struct gg_error *err = gg_page_table_create(site->map, site->arch->kernel->linear, &table);
	*ret = start;
	if (err)
		return err;
	const struct gg_kernel_memory memory =
		gg_kernel_memory(table, site->arch->big_endian, site->arch->word);
	for (size_t i = 0; !err && i < count; i++) {
		uint64_t word = 0;
		err = pass_final(
			gg_host_read_uint(&memory.host, places[i], site->arch->word, &word));
		if (word - start < MAX_PLACE && word > *ret)
			*ret = word;
	}
	gg_page_table_destroy(table);
	return err;
}

// Finds the area of the image by the words that a CPU's registers lead to, where no page tables are known: the highest
// word is an address in the image's data, with .bss behind it. The first CPU's words lie right behind the image.
static struct gg_error *find_linear_area(const struct gg_kernel_site *site,
					 const struct gg_registers *registers, struct area *ret)
{
	enum { BEHIND = 32 << 20, MAX_BEHIND = 64 << 20 };
	const struct gg_linux_ops *ops = site->arch->kernel;
	const gg_gva_t start = ops->linear->format->linear;
	gg_gva_t places[GG_TEXT_POINTERS], highest = start;
	const size_t count = ops->text_pointers(registers, places);
	struct gg_error *err = find_highest(site, places, count, start, &highest);
	if (err || highest == start)
		return err;
	const gg_gva_t first = highest / SMALLEST_PAGE * SMALLEST_PAGE;
	const bool is_behind = places[0] > highest && places[0] - highest < MAX_BEHIND;
	const gg_gva_t end = is_behind ? places[0] / SMALLEST_PAGE * SMALLEST_PAGE : first + BEHIND;
	*ret = (struct area){ .start = first, .size = end - first, .kernel = start };
	return NULL;
}

static struct gg_error *search_linear_map(const struct gg_registers *registers,
					  struct finder *finder, struct roots *roots,
					  uint64_t *left)
{
	const struct gg_kernel_site *site = finder->site;
	struct area area = { 0 };
	struct gg_error *err = find_linear_area(site, registers, &area);
	if (err || !area.size || !add_root(roots, area.start))
		return err;
	return search_pagings(&area, site->arch->kernel->linear, 1, finder, left);
}

static struct gg_error *search_cpu(const struct gg_qemu_cpu *cpu, struct finder *finder,
				   struct roots *roots, uint64_t *left)
{
	const struct gg_machine_cpu *read;
	struct gg_paging fresh[GG_KERNEL_PAGINGS];
	struct gg_error *err = gg_machine_cpu(finder->site->machine, cpu, &read);
	if (err)
		return pass_final(err);
	const struct gg_linux_ops *ops = finder->site->arch->kernel;
	if (!read->kernel_paging_count && ops && ops->linear)
		return search_linear_map(read->own, finder, roots, left);
	size_t fresh_count = 0;
	for (size_t i = 0; i < read->kernel_paging_count; i++)
		if (add_root(roots, read->kernel_pagings[i].root))
			fresh[fresh_count++] = read->kernel_pagings[i];
	const struct area area = find_area(ops, read->own);
	return search_pagings(&area, fresh, fresh_count, finder, left);
}

// Finds the kernel to whose note a word of low memory leads; RET stays as it is without such a word.
static struct gg_error *search_low_memory(struct finder *finder, struct gg_kernels *ret)
{
	const struct gg_arch *arch = finder->site->arch;
	struct gg_vmcoreinfo_scan scan = { .big_endian = arch->big_endian };
	struct gg_kernels kernels;
	uint8_t bytes[sizeof(uint64_t)];
	if (!arch->kernel || !arch->kernel->note_pointer)
		return NULL;
	struct gg_cursor cursor = gg_cursor(bytes, arch->word, arch->big_endian, "low memory");
	struct gg_error *err =
		gg_ram_map_read(finder->site->map, arch->kernel->note_pointer, bytes, arch->word);
	if (!err)
		err = gg_cursor_uint(&cursor, arch->word, &scan.found[scan.count++]);
	if (!err)
		err = gg_kernels_find(finder->site, &scan, finder->notices, &kernels);
	if (err)
		return pass_final(err);
	kernels.kernels[0]->finder = GG_FOUND_BY_LOWCORE;
	gg_kernels_add(ret, kernels.kernels[0]);
	kernels.kernels[0] = NULL;
	gg_kernels_deinit(&kernels);
	return NULL;
}

static struct gg_error *not_found(const struct finder *finder, bool paging)
{
	static const char scan[] = "guest-kernel -scan looks at all of RAM";
	if (finder->rejected)
		return gg_error_create(GG_NOT_FOUND, "%s", finder->rejected);
	if (*finder->banner)
		return gg_error_create(
			GG_NOT_FOUND,
			"no VMCOREINFO of the Linux kernel that the CPUs run (\"%s\"): the kernel "
			"has not come so far, or has no CONFIG_VMCORE_INFO (or CONFIG_CRASH_CORE)",
			finder->banner);
	if (paging && !has_image_area(finder->site->arch))
		return gg_error_create(GG_NOT_FOUND,
				       "kernels of %s are not found by the CPUs' page tables: %s",
				       finder->site->arch->name, scan);
	return gg_error_create(
		GG_NOT_FOUND, "no kernel of Linux: %s%s; %s",
		paging ? "the memory that the CPUs' page tables map leads to no VMCOREINFO"
		       : "no CPU has page tables that could map a kernel",
		gg_kernel_any_nested(finder->site)
			? "; CPUs may execute a nested guest now: let the guest go on for a moment "
			  "(continue, Ctrl-C), and look again"
			: "",
		scan);
}

static bool is_explained(const struct finder *finder, const struct gg_kernels *kernels,
			 const struct gg_qemu_cpu *cpu)
{
	for (size_t i = 0; i < kernels->count; i++)
		if (gg_kernel_runs_on(finder->site, kernels->kernels[i], cpu))
			return true;
	return false;
}

// Searches by each CPU that no kernel of RET explains. The CPUs of a kernel that has crashed are parked, but
// for the CPU that runs the next kernel: the search ends there, unless ALL kernels are wanted.
static struct gg_error *search_cpus(struct finder *finder, bool all, struct roots *roots,
				    struct gg_kernels *ret)
{
	const struct gg_qemu_cpus *cpus = finder->site->cpus;
	struct gg_error *err = NULL;
	uint64_t left = MAX_READ;
	for (size_t i = 0; !err && i < cpus->count; i++) {
		if (!all && ret->count && !ret->kernels[0]->has_crashed)
			break;
		if (is_explained(finder, ret, &cpus->cpus[i]))
			continue;
		err = search_cpu(&cpus->cpus[i], finder, roots, &left);
		if (finder->kernel)
			gg_kernels_add(ret, finder->kernel);
		finder->kernel = NULL;
	}
	return err;
}

static struct gg_error *find(const struct gg_kernel_site *site, const struct gg_notices *notices,
			     bool all, struct gg_kernels *ret)
{
	struct finder finder = { .site = site, .notices = notices };
	struct roots roots = { .count = 0 };
	*ret = (struct gg_kernels){ .count = 0 };
	struct gg_error *err = search_low_memory(&finder, ret);
	if (!err)
		err = search_cpus(&finder, all, &roots, ret);
	if (!err && !ret->count)
		err = not_found(&finder, roots.count > 0);
	free(finder.rejected);
	if (err)
		gg_kernels_deinit(ret);
	return err;
}

struct gg_error *gg_kernels_find_by_image(const struct gg_kernel_site *site,
					  const struct gg_notices *notices, struct gg_kernels *ret)
{
	return find(site, notices, false, ret);
}

// Tests whether FOUND has the kernel of each CPU that uses page tables, the first of them not crashed.
static bool is_certain(const struct finder *finder, const struct gg_kernels *found)
{
	const struct gg_kernel_site *site = finder->site;
	unsigned int explained = 0;
	for (size_t i = 0; i < site->cpus->count; i++)
		explained += is_explained(finder, found, &site->cpus->cpus[i]);
	return explained && explained == gg_kernel_count_paging(site) &&
	       !found->kernels[0]->has_crashed && !gg_kernel_any_nested(site);
}

struct gg_error *gg_kernels_find_certain(const struct gg_kernel_site *site, struct gg_kernels *ret)
{
	const struct finder finder = { .site = site };
	struct gg_error *err = find(site, NULL, true, ret);
	if (err) {
		gg_debug(site->debug, "tables: %s", gg_error_message(err));
		return gg_error_unless_final(err);
	}
	if (!is_certain(&finder, ret))
		gg_kernels_deinit(ret);
	return NULL;
}
