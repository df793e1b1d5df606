// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the guest's RAM; the registers of its CPUs, where these say from which page a CPU executes.
// Out: machines and their vCPUs.
// Trusts nothing it reads: a page must be acceptable for the hardware, and its nested page tables must lead into RAM; the
// numbers of pages and of looks into tables are bounded.
#include "scanned.h"
#include "base/vector.h"
#include "memory/mapped-runs.h"
#include "memory/ram-scan.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	MAX_VCPUS = 4096,
	MAX_COUNTED = 8 << 20, // looks into all tables together
};

// ---- The paging of nested page tables ----

// The paging of the CPUs; levels 0: not known.
struct outer_paging {
	struct gg_paging certain, likely;
	bool differs; // CPUs, of LIKELY
};

static struct gg_error *add_paging(struct gg_guest *guest, const struct gg_arch *arch,
				   const struct gg_qemu_cpu *cpu, struct gg_cpu_state *state,
				   struct outer_paging *outer)
{
	struct gg_paging paging;
	struct gg_error *err = gg_guest_cpu_state(guest, cpu, state);
	if (err)
		return gg_error_unless_final(err);
	arch->cpu->paging(&state->own, &paging);
	if (paging.unknown || !paging.levels)
		return NULL;
	outer->differs |= outer->likely.levels && outer->likely.levels != paging.levels;
	outer->likely = paging;
	if (state->nesting != GG_MAYBE_NESTED && cpu->freshness != GG_NOTED)
		outer->certain = paging;
	return NULL;
}

// Reads the paging of the guest's kernel; levels 0 without a kernel.
static struct gg_error *read_kernels(struct gg_guest *guest, struct gg_paging *ret)
{
	const struct gg_kernel *kernel = NULL;
	struct gg_error *err = gg_guest_running_kernel(guest, NULL, &kernel);
	*ret = err ? (struct gg_paging){ .levels = 0 } : kernel->paging.paging;
	return gg_error_unless_final(err);
}

// Finds the paging of nested page tables, which is that of the CPU that enters the nested guest (AMD APM, volume 2, chapter
// 15.25.3); levels 0 where it is not known. The registers of a CPU that may be inside, and a vmcore's notes, may be the nested guest's.
static struct gg_error *find_paging(struct gg_guest *guest, const struct gg_arch *arch,
				    struct gg_paging *ret)
{
	const struct gg_qemu_cpus *cpus;
	struct outer_paging outer = { .differs = false };
	struct gg_cpu_state *state = malloc(sizeof(*state));
	if (!state)
		return gg_enomem;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	for (size_t i = 0; !err && i < cpus->count; i++)
		err = add_paging(guest, arch, &cpus->cpus[i], state, &outer);
	free(state);
	err = gg_error_unless_final(err);
	*ret = outer.certain;
	if (!err && !ret->levels)
		err = read_kernels(guest, ret);
	if (!err && !ret->levels && !outer.differs)
		*ret = outer.likely;
	return err;
}

// ---- Pages ----

struct look {
	const struct gg_arch *arch;
	const struct gg_ram_map *map;
	struct gg_paging paging; // of nested page tables
	struct gg_scanned *scanned;
	struct gg_error *err;
	bool is_full;
};

// Tests the root of TABLES: all of its entries lead into RAM, and at least one is there. The tables of a machine that is gone
// have been overwritten.
static bool is_sound(const struct gg_ram_map *map, const struct gg_paging *tables)
{
	uint8_t bytes[GG_PAGE_LEAF_SIZE];
	size_t present = 0;
	struct gg_error *err = gg_ram_map_read(map, tables->root, bytes, sizeof(bytes));
	const bool is_read = !err;
	gg_error_destroy(err);
	for (size_t at = 0; is_read && at < sizeof(bytes); at += tables->format->entry_size) {
		struct gg_cursor cursor =
			gg_cursor(bytes + at, sizeof(bytes) - at, false, "the nested tables");
		uint64_t value = 0;
		gg_gpa_t next;
		gg_error_destroy(gg_cursor_uint(&cursor, tables->format->entry_size, &value));
		if (!tables->format->page(value, &next))
			continue;
		if (!gg_ram_map_find(map, next))
			return false;
		present++;
	}
	return present;
}

static struct gg_error *add(struct look *look, gg_gpa_t gpa, const struct gg_control_block *state)
{
	struct gg_scanned *scanned = look->scanned;
	const struct gg_scanned_vcpu vcpu = { .block = gpa, .state = *state };
	struct gg_error *err = gg_vector_grow(&scanned->vcpus, scanned->vcpu_count, sizeof(vcpu));
	if (!err)
		scanned->vcpus[scanned->vcpu_count++] = vcpu;
	return err;
}

static bool look_at(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	struct look *look = data;
	struct gg_control_block state;
	const size_t page = GG_CONTROL_BLOCK_SIZE;
	for (size_t at = (page - gpa % page) % page; !look->err && at + page <= size; at += page) {
		if (!look->arch->cpu->control_block(bytes + at, &state))
			continue;
		if (state.tables.format == look->paging.format)
			state.tables.levels = look->paging.levels;
		if (state.has_tables && !is_sound(look->map, &state.tables)) {
			look->scanned->stale++;
			continue;
		}
		look->is_full = look->scanned->vcpu_count == MAX_VCPUS;
		if (look->is_full)
			return true;
		look->err = add(look, gpa + at, &state);
	}
	return look->err;
}

// ---- CPUs ----

// Marks the vCPU that CPU executes. A vmcore's notes do not tell whether a CPU executes any.
static struct gg_error *mark(struct gg_guest *guest, const struct gg_arch *arch,
			     const struct gg_qemu_cpu *cpu, struct gg_cpu_state *state,
			     struct gg_scanned *scanned)
{
	gg_gpa_t block;
	struct gg_error *err = gg_guest_cpu_state(guest, cpu, state);
	if (err) {
		scanned->may_be_inside = true;
		return gg_error_unless_final(err);
	}
	if (state->nesting != GG_NESTED ||
	    !arch->cpu->control_block_place(&state->nested, &block)) {
		scanned->may_be_inside |=
			state->nesting != GG_NOT_NESTED || cpu->freshness == GG_NOTED;
		return NULL;
	}
	for (size_t i = 0; i < scanned->vcpu_count; i++)
		if (scanned->vcpus[i].block == block)
			scanned->vcpus[i].inside = cpu;
	return NULL;
}

static struct gg_error *mark_all(struct gg_guest *guest, const struct gg_arch *arch,
				 struct gg_scanned *scanned)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_cpu_state *state = malloc(sizeof(*state));
	if (!state)
		return gg_enomem;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	scanned->may_be_inside = err;
	for (size_t i = 0; !err && i < cpus->count; i++)
		err = mark(guest, arch, &cpus->cpus[i], state, scanned);
	free(state);
	return gg_error_unless_final(err);
}

// ---- Machines ----

static gg_gpa_t place_of(const struct gg_scanned_vcpu *vcpu)
{
	return vcpu->state.has_tables ? vcpu->state.tables.root : vcpu->block;
}

gg_gpa_t gg_scanned_place(const struct gg_scanned *scanned,
			  const struct gg_scanned_machine *machine)
{
	return place_of(&scanned->vcpus[machine->first]);
}

static int compare(const void *a, const void *b)
{
	const struct gg_scanned_vcpu *one = a, *other = b;
	const gg_gpa_t first = place_of(one), second = place_of(other);
	if (first != second)
		return first < second ? -1 : 1;
	return one->block < other->block ? -1 : one->block > other->block;
}

static struct gg_error *group(struct gg_scanned *scanned)
{
	struct gg_error *err = NULL;
	if (scanned->vcpu_count)
		qsort(scanned->vcpus, scanned->vcpu_count, sizeof(*scanned->vcpus), compare);
	for (size_t i = 0; !err && i < scanned->vcpu_count; i++) {
		if (i && place_of(&scanned->vcpus[i]) == place_of(&scanned->vcpus[i - 1])) {
			scanned->machines[scanned->machine_count - 1].count++;
			continue;
		}
		err = gg_vector_grow(&scanned->machines, scanned->machine_count,
				     sizeof(*scanned->machines));
		if (!err)
			scanned->machines[scanned->machine_count++] =
				(struct gg_scanned_machine){ .first = i, .count = 1 };
	}
	return err;
}

void gg_scanned_deinit(struct gg_scanned *scanned)
{
	free(scanned->vcpus);
	free(scanned->machines);
	*scanned = (struct gg_scanned){ 0 };
}

static struct gg_error *tell(const struct look *look, uint64_t missing,
			     const struct gg_notices *notices)
{
	struct gg_error *err = NULL;
	if (look->is_full)
		err = gg_tell(notices,
			      "more than %d pages look like VMCBs: nested guests behind "
			      "0x%" PRIx64 " are not listed",
			      MAX_VCPUS, look->scanned->vcpus[MAX_VCPUS - 1].block);
	if (!err && missing)
		err = gg_tell(notices,
			      "0x%" PRIx64 " bytes of RAM are missing, and may have the VMCBs of "
			      "further nested guests",
			      missing);
	return err;
}

struct gg_error *gg_guest_scan_nested(struct gg_guest *guest, const struct gg_notices *notices,
				      struct gg_scanned *ret)
{
	struct look look = { .scanned = ret };
	uint64_t missing = 0;
	*ret = (struct gg_scanned){ 0 };
	struct gg_error *err = gg_guest_ram_map(guest, &look.map);
	if (!err)
		err = gg_guest_cpu_arch(guest, &look.arch);
	if (!err && (!look.arch->cpu || !look.arch->cpu->control_block))
		err = gg_arch_not_yet(look.arch, "nested guests by the hardware's pages");
	if (!err)
		err = find_paging(guest, look.arch, &look.paging);
	if (!err)
		err = gg_ram_scan(look.map, 0, look_at, &look, &missing);
	if (err)
		gg_error_destroy(look.err);
	else
		err = look.err;
	if (!err)
		err = tell(&look, missing, notices);
	if (!err)
		err = group(ret);
	if (!err)
		err = mark_all(guest, look.arch, ret);
	if (err)
		gg_scanned_deinit(ret);
	return err;
}

// ---- Memory ----

struct gg_error *gg_scanned_tables(const struct gg_scanned *scanned,
				   const struct gg_scanned_machine *machine,
				   const struct gg_ram_map *map, struct gg_page_table **ret)
{
	const struct gg_paging *tables = &scanned->vcpus[machine->first].state.tables;
	if (!tables->levels)
		return gg_error_create(GG_UNSUPPORTED,
				       "the levels of the nested page tables at 0x%" PRIx64
				       " are not known: no CPU's paging is",
				       tables->root);
	return gg_page_table_create(map, tables, ret);
}

gg_gpa_t gg_scanned_last(const struct gg_scanned *scanned, const struct gg_scanned_machine *machine)
{
	enum { BITS_4 = 47, BITS_5 = 52 };
	const unsigned int levels = scanned->vcpus[machine->first].state.tables.levels;
	return (UINT64_C(1) << (levels < GG_PAGE_LEVELS ? BITS_4 : BITS_5)) - 1;
}

uint64_t gg_scanned_looks(const struct gg_ram_map *map, uint64_t most)
{
	enum { FEW = 4 << 10, TIMES = 4, PAGE = 4096 };
	const uint64_t pages = map->size / PAGE;
	return pages < (most - FEW) / TIMES ? FEW + TIMES * pages : most;
}

static struct gg_error *add_size(void *data, const struct gg_mapped_run *run)
{
	*(uint64_t *)data += run->size;
	return NULL;
}

struct gg_error *gg_scanned_count(struct gg_guest *guest, struct gg_scanned *scanned)
{
	const struct gg_ram_map *map;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	uint64_t looks = err ? 0 : gg_scanned_looks(map, MAX_COUNTED);
	for (size_t i = 0; !err && i < scanned->machine_count; i++) {
		struct gg_scanned_machine *machine = &scanned->machines[i];
		struct gg_page_table *table;
		if (!scanned->vcpus[machine->first].state.has_tables)
			continue;
		err = gg_scanned_tables(scanned, machine, map, &table);
		if (!err) {
			err = gg_mapped_runs(table, 0, gg_scanned_last(scanned, machine), &looks,
					     add_size, &machine->mapped);
			machine->counted = !err && looks;
			gg_page_table_destroy(table);
		}
		err = gg_error_unless_final(err);
	}
	return err;
}
