// SPDX-License-Identifier: GPL-3.0-or-later
//
// Which of the VMCOREINFO notes in RAM is the running kernel's, and what follows from it.
//
// A guest that rebooted, or has a second kernel loaded for crashes, or is under attack, has
// several. A note is believed when the page tables that it names map the kernel's text where it
// says the text is; and of two such notes the one whose text the CPUs' own tables map so.
#include "kernel.h"
#include "../cleanup.h"
#include "../memory/ram-scan.h"
#include "../text.h"
#include "symbols.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void gg_kernel_destroy(struct gg_kernel *kernel)
{
	if (!kernel)
		return;
	gg_symbols_destroy(kernel->symbols);
	gg_page_table_destroy(kernel->table);
	gg_vmcoreinfo_deinit(&kernel->info);
	free(kernel);
}

static void cleanup_kernel(struct gg_kernel **kernel)
{
	gg_kernel_destroy(*kernel);
}

// ---- One note ----

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

static struct gg_error *check_paging(const struct gg_ram_map *map, const struct gg_arch *arch,
				     struct gg_kernel *kernel)
{
	if (!arch->read_paging)
		return NULL;
	struct gg_error *err = arch->read_paging(&kernel->info, &kernel->paging);
	if (!err)
		err = gg_page_table_create(map, &kernel->paging.paging, &kernel->table);
	return err ? err : maps_text(kernel->table, &kernel->paging);
}

static struct gg_error *read_candidate(const struct gg_ram_map *map, const struct gg_arch *arch,
				       bool big_endian, gg_gpa_t gpa, struct gg_kernel **ret)
{
	_cleanup_(cleanup_kernel) struct gg_kernel *kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return gg_enomem;
	kernel->note = gpa;
	struct gg_error *err = read_note(map, big_endian, gpa, &kernel->info);
	if (!err)
		err = check_paging(map, arch, kernel);
	if (!err)
		err = gg_symbols_create(kernel, &kernel->symbols);
	if (!err)
		*ret = no_cleanup_ptr(kernel);
	return err;
}

// ---- The one among several ----

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

// The page tables of the kernel that CPU runs; their number is 0 where its registers are not known.
static size_t read_cpu_paging(const struct gg_host *host, const struct gg_arch *arch,
			      const struct gg_qemu_cpu *cpu,
			      struct gg_paging ret[GG_KERNEL_PAGINGS])
{
	struct gg_registers registers;
	struct gg_error *err = arch->read_registers(host, cpu, &registers);
	const size_t count = err ? 0 : gg_arch_kernel_paging(arch, &registers, ret);
	gg_error_destroy(err);
	return count;
}

// Tests whether a CPU's page tables map the kernel's text as the kernel's own do.
static bool cpu_agrees(const struct gg_ram_map *map, const struct gg_host *host,
		       const struct gg_arch *arch, const struct gg_qemu_cpu *cpu,
		       const struct gg_kernel *kernel)
{
	struct gg_paging pagings[GG_KERNEL_PAGINGS];
	const size_t count = read_cpu_paging(host, arch, cpu, pagings);
	for (size_t i = 0; i < count; i++)
		if (paging_agrees(map, &pagings[i], kernel))
			return true;
	return false;
}

static unsigned int count_agreeing(const struct gg_ram_map *map, const struct gg_host *host,
				   const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
				   const struct gg_kernel *kernel)
{
	unsigned int count = 0;
	for (size_t i = 0; kernel->table && i < cpus->count; i++)
		count += cpu_agrees(map, host, arch, &cpus->cpus[i], kernel);
	return count;
}

static char *release_of(const struct gg_kernel *kernel)
{
	return gg_vmcoreinfo_value(&kernel->info, "OSRELEASE");
}

struct search {
	gg_notice_fn *notice;
	void *data;
	struct gg_kernel *best;
	unsigned int best_agreeing;
	char *rejected; // why the first one was not taken, that was not
};

// ERR, which is consumed, is why the note at GPA is not taken.
static struct gg_error *reject(struct search *search, gg_gpa_t gpa, struct gg_error *err)
{
	if (gg_error_is_final(err))
		return err;
	_cleanup_free_ char *text = NULL;
	int length =
		asprintf(&text, "the VMCOREINFO at guest-physical 0x%" PRIx64 " is not taken: %s",
			 gpa, gg_error_message(err));
	gg_error_destroy(err);
	if (length < 0) {
		text = NULL;
		return gg_enomem;
	}
	if (!search->rejected && !(search->rejected = strdup(text)))
		return gg_enomem;
	return search->notice ? search->notice(search->data, text) : NULL;
}

// Keeps the better of the best so far and KERNEL, and tells of the other.
static struct gg_error *consider(struct search *search, struct gg_kernel *kernel,
				 unsigned int agreeing)
{
	struct gg_kernel *worse = kernel;
	if (!search->best || agreeing > search->best_agreeing) {
		worse = search->best;
		search->best = kernel;
		search->best_agreeing = agreeing;
	}
	if (!worse)
		return NULL;
	_cleanup_free_ char *release = release_of(worse);
	struct gg_error *err = reject(
		search, worse->note,
		gg_error_create(GG_BAD_DATA,
				"it is another kernel's (%s); its page tables are sound too, "
				"but no more CPUs use them than those of the one taken",
				release ? release : "?"));
	gg_kernel_destroy(worse);
	return err;
}

static struct gg_error *search_candidates(struct search *search, const struct gg_ram_map *map,
					  const struct gg_host *host, const struct gg_arch *arch,
					  const struct gg_qemu_cpus *cpus,
					  const struct gg_vmcoreinfo_scan *scan)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < scan->count; i++) {
		struct gg_kernel *kernel = NULL;
		err = gg_interrupt_check();
		if (err)
			break;
		err = read_candidate(map, arch, scan->big_endian, scan->found[i], &kernel);
		if (err)
			err = reject(search, scan->found[i], err);
		else
			err = consider(search, kernel,
				       count_agreeing(map, host, arch, cpus, kernel));
	}
	return err;
}

// ---- What follows ----

// What GVA is mapped to; where the tables are damaged, nothing is, as far as a table of theirs
// reaches.
static struct gg_error *map_or_skip(struct gg_page_table *table, gg_gva_t gva,
				    struct gg_mapping *ret)
{
	enum { DAMAGED = 2 << 20 };
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_page_table_map(table, gva, ret);
	if (!err || gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	*ret = (struct gg_mapping){ .size = DAMAGED - gva % DAMAGED };
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
	kernel->has_direct_map = gg_kernel_direct_address(kernel, paging->text_gpa, &address) &&
				 gg_kernel_direct_address(kernel, kernel->note, &address);
	return NULL;
}

static struct gg_error *find_areas(struct gg_kernel *kernel)
{
	struct gg_error *err = find_image(kernel);
	return err ? err : find_direct_map(kernel);
}

static struct gg_error *not_found(const struct search *search,
				  const struct gg_vmcoreinfo_scan *scan)
{
	if (search->rejected)
		return gg_error_create(
			GG_NOT_FOUND, "no VMCOREINFO of a running kernel: of %zu%s, %s",
			scan->count, scan->overflowed ? " or more" : "", search->rejected);
	if (scan->missing)
		return gg_error_create(
			GG_ABSENT,
			"no VMCOREINFO in what there is of the guest's RAM; 0x%" PRIx64
			" bytes of it are missing",
			scan->missing);
	return gg_error_create(
		GG_NOT_FOUND,
		"no VMCOREINFO in the guest's RAM: it has not booted Linux, or a kernel "
		"without CONFIG_VMCORE_INFO (or CONFIG_CRASH_CORE)");
}

static struct gg_error *tell_unchecked(const struct gg_arch *arch, gg_notice_fn *notice, void *data)
{
	_cleanup_free_ char *text = NULL;
	if (!notice)
		return NULL;
	if (asprintf(&text,
		     "the VMCOREINFO is not held against page tables: those of %s are not "
		     "walked yet",
		     arch->name) < 0) {
		text = NULL;
		return gg_enomem;
	}
	return notice(data, text);
}

struct gg_error *gg_kernel_find(const struct gg_ram_map *map, const struct gg_host *host,
				const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
				const struct gg_vmcoreinfo_scan *scan, gg_notice_fn *notice,
				void *data, struct gg_kernel **ret)
{
	struct search search = { .notice = notice, .data = data };
	struct gg_vmcoreinfo_scan everywhere = { .big_endian = scan->big_endian };
	struct gg_error *err = search_candidates(&search, map, host, arch, cpus, scan);
	if (!err && !search.best && !scan->count) {
		err = gg_vmcoreinfo_scan_everywhere(&everywhere, map);
		scan = &everywhere;
		if (!err)
			err = search_candidates(&search, map, host, arch, cpus, scan);
	}
	if (!err && !search.best)
		err = not_found(&search, scan);
	free(search.rejected);
	if (!err && !search.best->table)
		err = tell_unchecked(arch, notice, data);
	if (!err && search.best->table)
		err = find_areas(search.best);
	if (err) {
		gg_kernel_destroy(search.best);
		return err;
	}
	*ret = search.best;
	return NULL;
}

// ---- The one that runs ----

struct running {
	const struct gg_ram_map *map;
	const struct gg_host *host;
	const struct gg_arch *arch;
	const struct gg_qemu_cpus *cpus;
	struct gg_vmcoreinfo_scan *scan;
	unsigned int paging; // CPUs that use page tables
	struct gg_kernel *kernel;
	struct gg_error *err; // that ends the search
};

static unsigned int count_paging(const struct gg_host *host, const struct gg_arch *arch,
				 const struct gg_qemu_cpus *cpus)
{
	unsigned int count = 0;
	for (size_t i = 0; i < cpus->count; i++) {
		struct gg_paging pagings[GG_KERNEL_PAGINGS];
		count += read_cpu_paging(host, arch, &cpus->cpus[i], pagings) > 0;
	}
	return count;
}

struct gg_error *gg_kernel_is_running(const struct gg_ram_map *map, const struct gg_host *host,
				      const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
				      const struct gg_kernel *kernel, bool *ret)
{
	const unsigned int agreeing = count_agreeing(map, host, arch, cpus, kernel);
	*ret = agreeing && agreeing == count_paging(host, arch, cpus);
	return gg_interrupt_check();
}

// Is the kernel of the note at GPA the one that runs?
static bool try_running(struct running *running, gg_gpa_t gpa)
{
	struct gg_kernel *kernel = NULL;
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = read_candidate(running->map, running->arch, running->scan->big_endian, gpa,
				     &kernel);
	if (err && (gg_error_is_final(err))) {
		running->err = err;
		return true;
	}
	gg_error_destroy(err);
	if (kernel && running->paging &&
	    count_agreeing(running->map, running->host, running->arch, running->cpus, kernel) ==
		    running->paging)
		running->kernel = kernel;
	else
		gg_kernel_destroy(kernel);
	return running->kernel;
}

static bool look_for_running(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	struct running *running = data;
	size_t tried = running->scan->count;
	gg_vmcoreinfo_scan_bytes(running->scan, gpa, bytes, size);
	for (; tried < running->scan->count; tried++)
		if (try_running(running, running->scan->found[tried]))
			return true;
	return false;
}

struct gg_error *gg_kernel_find_running(const struct gg_ram_map *map, const struct gg_host *host,
					const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
					struct gg_vmcoreinfo_scan *scan, struct gg_kernel **ret)
{
	struct running running = {
		.map = map, .host = host, .arch = arch, .cpus = cpus, .scan = scan
	};
	running.paging = count_paging(host, arch, cpus);
	struct gg_error *err =
		gg_ram_scan(map, GG_VMCOREINFO_HEADER, look_for_running, &running, &scan->missing);
	if (!err)
		err = running.err;
	if (!err && running.kernel)
		err = find_areas(running.kernel);
	if (err) {
		gg_kernel_destroy(running.kernel);
		return gg_error_context(err, "looking for VMCOREINFO");
	}
	*ret = running.kernel;
	return NULL;
}

struct gg_error *gg_kernel_find_at(const struct gg_ram_map *map, const struct gg_host *host,
				   const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
				   gg_gpa_t gpa, struct gg_kernel **ret)
{
	struct gg_vmcoreinfo_scan scan = { .big_endian = arch->elf_data == ELFDATA2MSB };
	struct running running = {
		.map = map, .host = host, .arch = arch, .cpus = cpus, .scan = &scan
	};
	running.paging = count_paging(host, arch, cpus);
	try_running(&running, gpa);
	struct gg_error *err = running.err;
	if (!err && running.kernel)
		err = find_areas(running.kernel);
	if (err)
		gg_kernel_destroy(running.kernel);
	*ret = err ? NULL : running.kernel;
	return err;
}
