// SPDX-License-Identifier: GPL-3.0-or-later
//
// One kernel in guest memory: what its VMCOREINFO says, and whether memory bears it out.
//
// In:  guest-physical memory, the place of a note, the CPUs' registers.
// Out: the kernel's page tables, its image, its direct map, the CPUs that run it.
// Trusts nothing it reads: a note is believed when the page tables that it names map the kernel's
// text where it says the text is.
#include "kernel.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/text.h"
#include "linux/modules/modules.h"
#include "linux/symbols/exports-finder.h"
#include "linux/symbols/kallsyms-finder.h"
#include "linux/types/variables.h"
#include "module-head.h"
#include "vmcoreinfo-finders.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void gg_kernel_destroy(struct gg_kernel *kernel)
{
	if (!kernel)
		return;
	gg_answerers_deinit(&kernel->answerers);
	gg_page_table_destroy(kernel->table);
	gg_vmcoreinfo_deinit(&kernel->info);
	free(kernel);
}

static void cleanup_kernel(struct gg_kernel **kernel)
{
	gg_kernel_destroy(*kernel);
}

// ---- The note ----

static struct gg_error *read_note(const struct gg_ram_map *map, bool big_endian, gg_gpa_t gpa,
				  struct gg_vmcoreinfo *ret)
{
	uint8_t header[GG_VMCOREINFO_HEADER];
	size_t size;
	struct gg_error *err = gg_ram_map_read(map, gpa, header, sizeof(header));
	if (err)
		return err;
	if (!gg_vmcoreinfo_header(header, big_endian, &size) || size > GG_VMCOREINFO_MAX_TEXT)
		return gg_error_create(GG_BAD_DATA, "it has no sound header");
	_cleanup_free_ char *text = malloc(size + 1);
	if (!text)
		return gg_enomem;
	err = gg_ram_map_read(map, gpa + sizeof(header), text, size);
	return err ? err : gg_vmcoreinfo_init(ret, text, size);
}

static struct gg_error *maps_text(struct gg_page_table *table,
				  const struct gg_kernel_paging *paging)
{
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_map(table, paging->text, &mapping);
	if (err)
		return err;
	if (!mapping.present)
		return gg_error_create(GG_BAD_DATA,
				       "its page tables do not map _stext (0x%" PRIx64 ")",
				       paging->text);
	if (mapping.gpa != paging->text_gpa)
		return gg_error_create(
			GG_BAD_DATA, "its page tables map _stext to 0x%" PRIx64 ", not 0x%" PRIx64,
			mapping.gpa, paging->text_gpa);
	return NULL;
}

// Tests whether the root of KERNEL's tables has no entry for its text: with the hash MMU of POWER the linear map is in
// no tables of the kernel's.
static bool has_empty_root(struct gg_kernel *kernel)
{
	struct gg_mapping mapping = { .present = true };
	struct gg_error *err = gg_page_table_map(kernel->table, kernel->paging.text, &mapping);
	const bool failed = err;
	gg_error_destroy(err);
	return !failed && !mapping.present && !mapping.last.value &&
	       mapping.last.level == kernel->paging.paging.levels;
}

// Puts the linear map in the place of KERNEL's empty tables.
static struct gg_error *use_linear_map(const struct gg_ram_map *map, struct gg_kernel *kernel)
{
	gg_page_table_destroy(kernel->table);
	kernel->table = NULL;
	// The format has the size of a page.
	kernel->paging.paging.levels = 0;
	return gg_page_table_create(map, &kernel->paging.paging, &kernel->table);
}

// The page tables that ARCH's kernels would have.
static struct gg_error *check_paging(const struct gg_ram_map *map, const struct gg_arch *arch,
				     struct gg_kernel *kernel)
{
	gg_page_table_destroy(kernel->table);
	kernel->table = NULL;
	kernel->arch = arch;
	struct gg_error *err = arch->kernel
				       ? arch->kernel->read_paging(&kernel->info, &kernel->paging)
				       : gg_arch_not_yet(arch, "Linux kernels");
	if (!err)
		err = gg_page_table_create(map, &kernel->paging.paging, &kernel->table);
	if (!err && arch->kernel->linear && has_empty_root(kernel))
		err = use_linear_map(map, kernel);
	return err ? err : maps_text(kernel->table, &kernel->paging);
}

// A guest's CPUs may be in other modes than its kernel set, after a reset for one. The error is
// that of the CPUs' own architecture.
static struct gg_error *find_paging(const struct gg_kernel_site *site, struct gg_kernel *kernel)
{
	struct gg_error *err = check_paging(site->map, site->arch, kernel);
	const struct gg_arch *sibling;
	for (size_t i = 1; err && (sibling = gg_arch_sibling(site->arch, i)); i++) {
		if (gg_error_is_final(err))
			return err;
		gg_debug(site->debug, "VMCOREINFO at 0x%" PRIx64 ", as of %s: %s", kernel->note,
			 site->arch->name, gg_error_message(err));
		struct gg_error *other = check_paging(site->map, sibling, kernel);
		if (other && !gg_error_is_final(other)) {
			gg_error_destroy(other);
			continue;
		}
		gg_error_destroy(err);
		err = other;
	}
	return err;
}

// ---- The image and the direct map ----

// Maps GVA; where its tables cannot be read, all that its last table maps counts as unmapped.
static struct gg_error *map_or_skip(struct gg_page_table *table, gg_gva_t gva,
				    struct gg_mapping *ret)
{
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_page_table_map(table, gva, ret);
	if (!err || gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	*ret = (struct gg_mapping){ .size = gg_page_table_reach(table, gva) };
	return NULL;
}

// The lowest and the highest address around _stext that is mapped as linearly as _stext is. The
// freed init section leaves a hole in between.
static struct gg_error *find_image(struct gg_kernel *kernel)
{
	const struct gg_kernel_paging *paging = &kernel->paging;
	const uint64_t distance = paging->text - paging->text_gpa;
	gg_gva_t first = paging->text, last = paging->text;
	for (uint64_t offset = 0; offset < paging->image_size;) {
		struct gg_mapping mapping;
		const gg_gva_t gva = paging->image_start + offset;
		struct gg_error *err = map_or_skip(kernel->table, gva, &mapping);
		if (err)
			return err;
		if (mapping.present && gva - mapping.gpa == distance) {
			if (gva < first)
				first = gva;
			last = gva + (mapping.size - 1);
		}
		offset += mapping.size;
	}
	kernel->image = first;
	kernel->image_gpa = first - distance;
	kernel->image_size = last - first + 1;
	return NULL;
}

bool gg_kernel_direct_address(const struct gg_kernel *kernel, gg_gpa_t gpa, gg_gva_t *ret)
{
	struct gg_mapping mapping;
	if (!kernel->has_direct_map)
		return false;
	struct gg_error *err = gg_page_table_map(kernel->table, kernel->direct_map + gpa, &mapping);
	bool maps = !err && mapping.present && mapping.gpa == gpa;
	gg_error_destroy(err);
	*ret = kernel->direct_map + gpa;
	return maps;
}

// The first thing mapped in the direct map's area tells its base, which must hold for the kernel's
// text and the note too.
static struct gg_error *find_direct_map(struct gg_kernel *kernel)
{
	// Three tables with gaps before the first entry: more than any kernel has.
	enum { MAX_LOOKS = 4096 };
	const struct gg_kernel_paging *paging = &kernel->paging;
	struct gg_mapping mapping = { 0 };
	gg_gva_t gva = paging->direct_map_start;
	// A hostile guest could map this area page by page, each of them damaged.
	for (unsigned int looks = 0; !mapping.present && gva < paging->direct_map_end; looks++) {
		if (looks == MAX_LOOKS)
			return NULL;
		struct gg_error *err = map_or_skip(kernel->table, gva, &mapping);
		if (err)
			return err;
		if (!mapping.present)
			gva += mapping.size;
	}
	gg_gva_t address;
	kernel->direct_map = gva - mapping.gpa;
	kernel->has_direct_map = mapping.present;
	kernel->has_direct_map =
		gg_kernel_direct_address(kernel, paging->text_gpa, &address) &&
		(!kernel->note || gg_kernel_direct_address(kernel, kernel->note, &address));
	return NULL;
}

// ---- Answerers ----

// An address of VMCOREINFO's; 0 without one.
static gg_gva_t hint(const struct gg_kernel *kernel, const struct gg_kernel_image *image,
		     const char *name)
{
	gg_gva_t address;
	struct gg_error *err = gg_vmcoreinfo_find_symbol(&kernel->info, image, name, &address);
	if (!err)
		return address;
	gg_error_destroy(err);
	return 0;
}

static struct gg_error *add_kallsyms(struct gg_kernel *kernel, const struct gg_kernel_image *image,
				     const struct gg_debug *debug)
{
	const struct gg_kallsyms_hints hints = {
		.image = kernel->image,
		.image_size = kernel->image_size,
		.text = kernel->paging.text,
		.word = kernel->arch->word,
		.num_syms = hint(kernel, image, "kallsyms_num_syms"),
		.names = hint(kernel, image, "kallsyms_names"),
		.token_table = hint(kernel, image, "kallsyms_token_table"),
		.token_index = hint(kernel, image, "kallsyms_token_index"),
		.offsets = hint(kernel, image, "kallsyms_offsets"),
		.relative_base = hint(kernel, image, "kallsyms_relative_base"),
		.addresses = hint(kernel, image, "kallsyms_addresses"),
		.debug = debug,
	};
	struct gg_error *err =
		gg_kallsyms_add_finder(kernel->answerers.symbols, GG_BY_KALLSYMS, &hints);
	if (!err)
		err = gg_exports_add_finder(kernel->answerers.symbols, GG_BY_EXPORTS, &hints);
	return err ? err
		   : gg_types_add_variables(kernel->answerers.symbols, GG_BY_VARIABLES,
					    GG_BY_EXPORTS, kernel->answerers.types);
}

// Returns KERNEL's memory. Pages are kept for a kernel that names its build: another build's tables
// may lie at the same places.
static struct gg_kernel_memory memory_of(const struct gg_kernel_site *site,
					 const struct gg_kernel *kernel)
{
	struct gg_kernel_memory memory =
		gg_kernel_memory(kernel->table, kernel->arch->big_endian, kernel->arch->word);
	const bool is_far = site->machine && site->machine->source->cost == GG_COST_WIRE;
	if (!is_far || !site->kept)
		return memory;
	_cleanup_free_ char *build = gg_vmcoreinfo_value(&kernel->info, "BUILD-ID");
	memory.kept.kept = build ? site->kept : NULL;
	memory.kept.identity = gg_kernel_identity(kernel);
	return memory;
}

// A further finder of symbols or members is a line here, and a file.
static struct gg_error *add_answerers(const struct gg_kernel_site *site, struct gg_kernel *kernel)
{
	const struct gg_debug *debug = site->debug;
	const struct gg_kernel_memory memory = memory_of(site, kernel);
	const struct gg_kernel_image image = { kernel->image, kernel->image_size };
	struct gg_answerers *answerers = &kernel->answerers;
	struct gg_error *err = gg_answerers_init(answerers, kernel->arch, &memory, debug);
	if (!err)
		err = gg_vmcoreinfo_add_symbol_finder(answerers->symbols, GG_BY_VMCOREINFO,
						      &kernel->info, &image);
	if (!err)
		err = add_kallsyms(kernel, &image, debug);
	if (!err)
		err = gg_vmcoreinfo_add_member_finder(answerers->members, GG_BY_VMCOREINFO,
						      &kernel->info);
	const struct gg_linux_ops *ops = kernel->arch->kernel;
	if (!err && ops->words_read)
		err = gg_modules_add_head(answerers, GG_BY_CODE);
	if (!err && ops->module_area_size)
		err = gg_modules_add_finder(answerers, GG_BY_MODULES, ops->module_area,
					    ops->module_area_size, debug);
	if (!err && ops->module_area_size)
		err = gg_bpf_add_finder(answerers, GG_BY_BPF, ops->module_area,
					ops->module_area_size, debug);
	return err;
}

const struct gg_host *gg_kernel_host(const struct gg_kernel *kernel)
{
	return &kernel->answerers.host;
}

// ---- The CPUs ----

static bool paging_agrees(const struct gg_ram_map *map, const struct gg_paging *paging,
			  const struct gg_kernel *kernel)
{
	struct gg_page_table *table = NULL;
	struct gg_paging own = *paging;
	own.ignored_bits |= kernel->paging.paging.ignored_bits;
	struct gg_error *err = gg_page_table_create(map, &own, &table);
	if (!err)
		err = maps_text(table, &kernel->paging);
	gg_page_table_destroy(table);
	const bool agrees = !err;
	gg_error_destroy(err);
	return agrees;
}

// Reads CPU; NULL where its registers are not known.
static const struct gg_machine_cpu *read_cpu(const struct gg_kernel_site *site,
					     const struct gg_qemu_cpu *cpu)
{
	const struct gg_machine_cpu *read;
	struct gg_error *err = gg_machine_cpu(site->machine, cpu, &read);
	const bool failed = err;
	gg_error_destroy(err);
	return failed ? NULL : read;
}

enum vote { NO_VOTE, MAYBE_VOTE, AGREES, DISAGREES };

static size_t text_pointers(const struct gg_arch *arch, const struct gg_machine_cpu *cpu,
			    gg_gva_t ret[GG_TEXT_POINTERS])
{
	return arch->kernel && arch->kernel->text_pointers
		       ? arch->kernel->text_pointers(cpu->own, ret)
		       : 0;
}

// Compares _stext with the words that CPU's registers lead to, where they are in memory.
static enum vote vote_by_pointers(const struct gg_kernel *kernel, const struct gg_machine_cpu *cpu)
{
	gg_gva_t places[GG_TEXT_POINTERS];
	enum vote vote = NO_VOTE;
	const size_t count = text_pointers(kernel->arch, cpu, places);
	for (size_t i = 0; vote != AGREES && i < count; i++) {
		uint64_t word;
		struct gg_error *err = gg_host_read_uint(gg_kernel_host(kernel), places[i],
							 kernel->arch->word, &word);
		if (!err)
			vote = word == kernel->paging.text ? AGREES : DISAGREES;
		gg_error_destroy(err);
	}
	return vote;
}

// Tells whether CPU runs KERNEL. A CPU without page tables has no vote; neither has, if it disagrees, a
// CPU that may execute a nested guest.
static enum vote vote_of(const struct gg_kernel_site *site, const struct gg_kernel *kernel,
			 const struct gg_qemu_cpu *cpu)
{
	const struct gg_machine_cpu *read = read_cpu(site, cpu);
	if (!read)
		return NO_VOTE;
	for (size_t i = 0; i < read->kernel_paging_count; i++)
		if (paging_agrees(site->map, &read->kernel_pagings[i], kernel))
			return AGREES;
	if (read->nesting == GG_MAYBE_NESTED)
		return MAYBE_VOTE;
	return read->kernel_paging_count ? DISAGREES : vote_by_pointers(kernel, read);
}

bool gg_kernel_runs_on(const struct gg_kernel_site *site, const struct gg_kernel *kernel,
		       const struct gg_qemu_cpu *cpu)
{
	return vote_of(site, kernel, cpu) == AGREES;
}

unsigned int gg_kernel_count_paging(const struct gg_kernel_site *site)
{
	unsigned int count = 0;
	for (size_t i = 0; i < site->cpus->count; i++) {
		const struct gg_machine_cpu *read = read_cpu(site, &site->cpus->cpus[i]);
		gg_gva_t places[GG_TEXT_POINTERS];
		count += read &&
			 (read->kernel_paging_count || text_pointers(site->arch, read, places));
	}
	return count;
}

bool gg_kernel_any_nested(const struct gg_kernel_site *site)
{
	bool any = false;
	for (size_t i = 0; !any && i < site->cpus->count; i++) {
		const struct gg_machine_cpu *read = read_cpu(site, &site->cpus->cpus[i]);
		any = read && (read->nesting == GG_MAYBE_NESTED ||
			       (read->nesting == GG_NESTED && !read->kernel_paging_count));
	}
	return any;
}

struct gg_error *gg_kernel_is_running(const struct gg_kernel_site *site,
				      const struct gg_kernel *kernel, bool *ret)
{
	bool any = false, other = false;
	for (size_t i = 0; i < site->cpus->count; i++) {
		const enum vote vote = vote_of(site, kernel, &site->cpus->cpus[i]);
		other |= vote == DISAGREES;
		any |= vote == AGREES || vote == MAYBE_VOTE;
	}
	*ret = any && !other;
	return gg_interrupt_check();
}

// Finds all that follows from KERNEL's VMCOREINFO.
static struct gg_error *complete(const struct gg_kernel_site *site, struct gg_kernel *kernel)
{
	struct gg_error *err = find_paging(site, kernel);
	if (!err)
		err = find_image(kernel);
	if (!err)
		err = find_direct_map(kernel);
	if (!err)
		err = add_answerers(site, kernel);
	if (err)
		return err;
	for (size_t i = 0; i < site->cpus->count; i++)
		kernel->running += gg_kernel_runs_on(site, kernel, &site->cpus->cpus[i]);
	kernel->has_crashed = strstr(kernel->info.text, "\nCRASHTIME=");
	return NULL;
}

// Logs what became of the VMCOREINFO of KERNEL, which is incomplete with an error.
static void log_kernel(const struct gg_debug *debug, const struct gg_kernel *kernel,
		       const struct gg_error *err)
{
	if (!debug)
		return;
	char where[64] = "VMCOREINFO of the file";
	if (kernel->note)
		snprintf(where, sizeof(where), "VMCOREINFO at 0x%" PRIx64, kernel->note);
	if (err) {
		gg_debug(debug, "%s: rejected: %s", where, gg_error_message(err));
		return;
	}
	_cleanup_free_ char *release = gg_vmcoreinfo_value(&kernel->info, "OSRELEASE");
	gg_debug(debug,
		 "%s: Linux %s, %s, page tables at 0x%" PRIx64 ", _stext 0x%" PRIx64
		 " at 0x%" PRIx64 ", image 0x%" PRIx64 "-0x%" PRIx64
		 ", direct map %s, %u CPUs map it%s",
		 where, release ? release : "?", kernel->arch->name, kernel->paging.paging.root,
		 kernel->paging.text, kernel->paging.text_gpa, kernel->image,
		 kernel->image + (kernel->image_size - 1),
		 kernel->has_direct_map ? "found" : "not found", kernel->running,
		 kernel->has_crashed ? ", has crashed" : "");
}

struct gg_error *gg_kernel_read(const struct gg_kernel_site *site, gg_gpa_t gpa,
				struct gg_kernel **ret)
{
	_cleanup_(cleanup_kernel) struct gg_kernel *kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return gg_enomem;
	kernel->note = gpa;
	struct gg_error *err = read_note(site->map, site->arch->big_endian, gpa, &kernel->info);
	if (!err)
		err = complete(site, kernel);
	log_kernel(site->debug, kernel, err);
	if (!err)
		*ret = no_cleanup_ptr(kernel);
	return err;
}

struct gg_error *gg_kernel_read_text(const struct gg_kernel_site *site, const char *text,
				     size_t size, struct gg_kernel **ret)
{
	_cleanup_(cleanup_kernel) struct gg_kernel *kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return gg_enomem;
	kernel->finder = GG_FOUND_BY_FILE;
	struct gg_error *err = size > GG_VMCOREINFO_MAX_TEXT
				       ? gg_error_create(GG_BAD_DATA, "it has %zu bytes", size)
				       : gg_vmcoreinfo_init(&kernel->info, text, size);
	if (!err)
		err = complete(site, kernel);
	log_kernel(site->debug, kernel, err);
	if (!err)
		*ret = no_cleanup_ptr(kernel);
	return err;
}

// ---- Data ----

enum { UTS_FIELD_SIZE = 65 };

static struct gg_error *read_uts(const struct gg_kernel *kernel, unsigned int field,
				 char text[UTS_FIELD_SIZE])
{
	// VMCOREINFO has the offset since v5.11, where struct uts_namespace lost its kref.
	enum { BEHIND_KREF = 4 };
	const struct gg_host *host = gg_kernel_host(kernel);
	gg_gva_t address = 0;
	struct gg_member name;
	struct gg_error *err = gg_vmcoreinfo_symbol(
		&kernel->info, (const char *const[]){ "init_uts_ns", NULL }, &address);
	if (err)
		return err;
	err = host->ops->member(host->data, "uts_namespace", "name", &name);
	if (err)
		name.offset = BEHIND_KREF;
	gg_error_destroy(err);
	text[UTS_FIELD_SIZE - 1] = 0;
	return gg_host_read(host, address + name.offset + field * UTS_FIELD_SIZE, text,
			    UTS_FIELD_SIZE - 1);
}

char *gg_kernel_uts(const struct gg_kernel *kernel, unsigned int field)
{
	char text[UTS_FIELD_SIZE];
	struct gg_error *err = read_uts(kernel, field, text);
	char *escaped = err ? NULL : gg_text_escape(text);
	gg_error_destroy(err);
	return escaped;
}

bool gg_kernel_is_whole(const struct gg_kernel *kernel)
{
	char text[UTS_FIELD_SIZE];
	struct gg_error *err = read_uts(kernel, GG_UTS_RELEASE, text);
	const enum gg_error_kind kind = err ? gg_error_kind(err) : GG_INVALID;
	const bool failed = err;
	gg_error_destroy(err);
	// Without the symbol, and in a core without that page, there is nothing to compare.
	if (failed)
		return kind == GG_NOT_FOUND || kind == GG_ABSENT;
	_cleanup_free_ char *release = gg_vmcoreinfo_value(&kernel->info, "OSRELEASE");
	return release && !strncmp(release, text, UTS_FIELD_SIZE - 1);
}

uint64_t gg_kernel_identity(const struct gg_kernel *kernel)
{
	const char *crash = strstr(kernel->info.text, "\nCRASHTIME=");
	const size_t size = crash ? (size_t)(crash - kernel->info.text) + 1 : kernel->info.size;
	return gg_hash(GG_HASH_START, kernel->info.text, size);
}
