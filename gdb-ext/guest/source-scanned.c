// SPDX-License-Identifier: GPL-3.0-or-later
//
// The source that is a nested guest of any hypervisor: found by the pages from which the hardware executes it.
//
// In:  the outer guest, of any source.
// Out: the RAM map by the nested page tables; the vCPUs, by their pages, or by the registers of the outer guest's CPU that is
//      inside. A page lacks most of the general registers.
// Trusts nothing it reads: the numbers of looks into tables and of ranges are bounded.
#include "base/cleanup.h"
#include "base/vector.h"
#include "host/no-host.h"
#include "memory/mapped-runs.h"
#include "scanned.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scanned_source {
	struct gg_source source;
	struct gg_host host;
	struct gg_guest *outer;
	struct gg_scanned scanned;
	const struct gg_scanned_machine *machine;
	size_t number;              // in the list of guest-nested
	const struct gg_arch *arch; // of the outer guest
};

static bool accepts_nothing(const struct gg_target *target)
{
	(void)target;
	return false;
}

// ---- Opening ----

static struct gg_error *find_machine(struct scanned_source *source, uint64_t wanted)
{
	struct gg_scanned *scanned = &source->scanned;
	struct gg_error *err = gg_guest_scan_nested(source->outer, NULL, scanned);
	for (size_t i = 0; !err && i < scanned->machine_count; i++) {
		const struct gg_scanned_machine *machine = &scanned->machines[i];
		if (wanted == i + 1 || wanted == gg_scanned_place(scanned, machine))
			source->machine = machine;
	}
	if (err || source->machine)
		return err;
	return gg_error_create(scanned->machine_count ? GG_INVALID : GG_NOT_FOUND,
			       "there is no nested guest 0x%" PRIx64
			       " among the %zu that have VMCBs "
			       "in RAM; guest-nested -scan lists them",
			       wanted, scanned->machine_count);
}

static struct gg_error *create_backing(struct scanned_source *source)
{
	const struct gg_scanned_vcpu *vcpu = &source->scanned.vcpus[source->machine->first];
	const struct gg_ram_map *map;
	struct gg_page_table *table;
	struct gg_error *err = gg_guest_ram_map(source->outer, &map);
	if (!err && vcpu->state.encrypted)
		return gg_error_create(GG_UNSUPPORTED,
				       "the hardware encrypts the nested guest's memory (%s): "
				       "nothing but the nested guest can read it",
				       vcpu->state.encrypted);
	if (!err && !vcpu->state.has_tables)
		return gg_error_create(
			GG_UNSUPPORTED,
			"the nested guest at 0x%" PRIx64
			" has no nested page tables, and its memory is its hypervisor's alone",
			vcpu->block);
	if (!err)
		err = gg_scanned_tables(&source->scanned, source->machine, map, &table);
	if (err)
		return err;
	err = gg_backing_create_tables(table, map, &source->source.backing);
	if (err)
		gg_page_table_destroy(table);
	return err;
}

static struct gg_error *open_all(struct scanned_source *source, uint64_t wanted)
{
	struct gg_error *err = gg_guest_cpu_arch(source->outer, &source->arch);
	if (!err && (!source->arch->cpu || !source->arch->cpu->control_block))
		err = gg_error_create(GG_NOT_FOUND, "%s has no VMCBs", source->arch->name);
	if (!err)
		err = find_machine(source, wanted);
	if (!err)
		err = create_backing(source);
	if (err)
		return err;
	source->host = gg_no_host("a nested guest has nothing of QEMU's", false,
				  (unsigned int)source->arch->word);
	source->source.host = &source->host;
	source->source.cost = gg_guest_is_over_wire(source->outer) ? GG_COST_WIRE : GG_COST_LOCAL;
	for (const char *const *file = gg_guest_files(source->outer); *file; file++)
		gg_source_add_file(&source->source, *file);
	return NULL;
}

static const struct gg_source_ops scanned_ops;

struct gg_error *gg_source_scanned_open(struct gg_guest *outer, uint64_t wanted,
					struct gg_source **ret)
{
	struct scanned_source *source = calloc(1, sizeof(*source));
	if (!source)
		return gg_enomem;
	source->source.ops = &scanned_ops;
	source->outer = outer;
	struct gg_error *err = open_all(source, wanted);
	if (!err) {
		*ret = &source->source;
		return NULL;
	}
	source->outer = NULL;
	gg_source_destroy(&source->source);
	return err;
}

static void scanned_destroy(struct gg_source *base)
{
	struct scanned_source *source = (struct scanned_source *)base;
	gg_scanned_deinit(&source->scanned);
	gg_guest_destroy(source->outer);
	free(source);
}

// ---- Memory ----

struct ranges {
	struct gg_mapped_run *runs; // by guest-physical addresses of the nested guest
	size_t count;
	uint64_t gap; // that is bridged between two ranges
};

// Joins the neighbours of RANGES that GAP bridges.
static void join(struct ranges *ranges)
{
	size_t count = ranges->count ? 1 : 0;
	for (size_t i = 1; i < ranges->count; i++) {
		struct gg_mapped_run *last = &ranges->runs[count - 1];
		const struct gg_mapped_run *next = &ranges->runs[i];
		if (next->gva - (last->gva + last->size) <= ranges->gap)
			last->size = next->gva + next->size - last->gva;
		else
			ranges->runs[count++] = *next;
	}
	ranges->count = count;
}

static struct gg_error *add_run(void *data, const struct gg_mapped_run *run)
{
	enum { MAX_RANGES = 4096 };
	struct ranges *ranges = data;
	struct gg_mapped_run *last = ranges->count ? &ranges->runs[ranges->count - 1] : NULL;
	if (last && run->gva - (last->gva + last->size) <= ranges->gap) {
		last->size = run->gva + run->size - last->gva;
		return NULL;
	}
	while (ranges->count >= MAX_RANGES) {
		ranges->gap *= 2;
		join(ranges);
	}
	struct gg_error *err = gg_vector_grow(&ranges->runs, ranges->count, sizeof(*run));
	if (!err)
		ranges->runs[ranges->count++] = *run;
	return err;
}

// Finds the ranges that the nested page tables map. A gap within a table of the last level is a page that the nested guest has
// not touched.
static struct gg_error *find_ranges(struct scanned_source *source, struct ranges *ranges)
{
	enum { MAX_LOOKS = 32 << 20 };
	const struct gg_ram_map *map;
	struct gg_page_table *table;
	uint64_t looks = 0;
	ranges->gap = 2 << 20;
	struct gg_error *err = gg_guest_ram_map(source->outer, &map);
	if (!err)
		err = gg_scanned_tables(&source->scanned, source->machine, map, &table);
	if (err)
		return err;
	looks = gg_scanned_looks(map, MAX_LOOKS);
	err = gg_mapped_runs(table, 0, gg_scanned_last(&source->scanned, source->machine), &looks,
			     add_run, ranges);
	gg_page_table_destroy(table);
	if (!err && !looks)
		err = gg_error_create(GG_BAD_DATA,
				      "the nested page tables have more than %" PRIu64
				      " runs of pages, too many for the outer guest's RAM",
				      gg_scanned_looks(map, MAX_LOOKS));
	return err;
}

static struct gg_error *scanned_ram(struct gg_source *base, struct gg_ram_map **ret)
{
	struct scanned_source *source = (struct scanned_source *)base;
	struct gg_qemu_ram ram = { 0 };
	struct ranges ranges = { 0 };
	struct gg_error *err = find_ranges(source, &ranges);
	for (size_t i = 0; !err && i < ranges.count; i++) {
		const struct gg_qemu_range range = { .start = ranges.runs[i].gva,
						     .size = ranges.runs[i].size,
						     .hva = ranges.runs[i].gva };
		err = gg_qemu_ram_add(&ram, &range, "memory");
	}
	if (!err && !ranges.count)
		err = gg_error_create(GG_BAD_DATA, "the nested page tables map no memory");
	if (!err)
		err = gg_ram_map_create(&ram, base->backing, ret);
	gg_qemu_ram_deinit(&ram);
	free(ranges.runs);
	return err;
}

static const char *scanned_advice(const struct gg_source *source, const struct gg_ram_map *map)
{
	(void)source, (void)map;
	return "the hypervisor's nested page tables map no page there, as before the first touch, "
	       "or the outer guest lacks "
	       "the page";
}

// ---- CPUs ----

// A page has the registers of the last exit.
static void set_freshness(const struct scanned_source *source, const struct gg_scanned_vcpu *vcpu,
			  struct gg_qemu_cpu *cpu)
{
	cpu->freshness = GG_CURRENT;
	cpu->why = "";
	if (vcpu->inside) {
		cpu->freshness = vcpu->inside->freshness;
		cpu->why = vcpu->inside->why;
	} else if (source->scanned.may_be_inside) {
		cpu->freshness = GG_UNKNOWN;
		cpu->why = gg_source_may_be_inside;
	}
}

static struct gg_error *scanned_cpus(struct gg_source *base, struct gg_qemu_cpus *ret)
{
	struct scanned_source *source = (struct scanned_source *)base;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < source->machine->count; i++) {
		const struct gg_scanned_vcpu *vcpu =
			&source->scanned.vcpus[source->machine->first + i];
		struct gg_qemu_cpu cpu = { .index = (uint32_t)i };
		set_freshness(source, vcpu, &cpu);
		err = gg_qemu_cpus_add(ret, &cpu);
	}
	if (err)
		gg_qemu_cpus_deinit(ret);
	return err;
}

static struct gg_error *read_inside(const struct scanned_source *source,
				    const struct gg_scanned_vcpu *vcpu, struct gg_cpu_state *ret)
{
	struct gg_cpu_state *outer = malloc(sizeof(*outer));
	if (!outer)
		return gg_enomem;
	struct gg_error *err = gg_guest_cpu_state(source->outer, vcpu->inside, outer);
	if (!err) {
		gg_registers_copy(&ret->own, &outer->nested);
		source->arch->cpu->leave_nesting(&ret->own);
	}
	free(outer);
	return err;
}

static struct gg_error *read_block(const struct scanned_source *source,
				   const struct gg_scanned_vcpu *vcpu, struct gg_cpu_state *ret)
{
	uint8_t page[GG_CONTROL_BLOCK_SIZE];
	const struct gg_ram_map *map;
	struct gg_error *err = gg_guest_ram_map(source->outer, &map);
	if (!err)
		err = gg_ram_map_read(map, vcpu->block, page, sizeof(page));
	return err ? err : source->arch->cpu->read_control_block(page, &ret->own);
}

static struct gg_error *read_vcpu(const struct scanned_source *source, uint32_t index,
				  struct gg_cpu_state *ret)
{
	if (index >= source->machine->count)
		return gg_error_create(GG_NOT_FOUND, "there is no vCPU %" PRIu32, index);
	const struct gg_scanned_vcpu *vcpu = &source->scanned.vcpus[source->machine->first + index];
	ret->nesting = GG_NOT_NESTED;
	ret->unknown[0] = ret->origin[0] = 0;
	return vcpu->inside ? read_inside(source, vcpu, ret) : read_block(source, vcpu, ret);
}

static struct gg_error *scanned_read_cpu(struct gg_source *source, const struct gg_arch *arch,
					 const struct gg_ram_map *map,
					 const struct gg_qemu_cpu *cpu, struct gg_cpu_state *ret)
{
	(void)arch, (void)map;
	return read_vcpu((const struct scanned_source *)source, cpu->index, ret);
}

// Tests whether a vCPU has the mode of ARCH.
static struct gg_error *has_mode(const struct scanned_source *source, const struct gg_arch *arch,
				 struct gg_cpu_state *state, bool *ret)
{
	*ret = !arch->cpu || !arch->cpu->is_mode;
	for (uint32_t i = 0; !*ret && i < source->machine->count; i++) {
		struct gg_error *err = read_vcpu(source, i, state);
		if (!err)
			*ret = arch->cpu->is_mode(&state->own);
		err = gg_error_unless_final(err);
		if (err)
			return err;
	}
	return NULL;
}

static struct gg_error *scanned_find_arch(struct gg_source *base, const struct gg_ram_map *map,
					  const struct gg_qemu_cpus *cpus,
					  const struct gg_arch **ret)
{
	(void)map, (void)cpus;
	const struct scanned_source *source = (const struct scanned_source *)base;
	const struct gg_arch *sibling = source->arch;
	bool found = false;
	_cleanup_free_ struct gg_cpu_state *state = malloc(sizeof(*state));
	if (!state)
		return gg_enomem;
	*ret = source->arch;
	struct gg_error *err = has_mode(source, source->arch, state, &found);
	for (size_t i = 0; !err && !found && (sibling = gg_arch_sibling(source->arch, i)); i++) {
		err = has_mode(source, sibling, state, &found);
		*ret = found ? sibling : source->arch;
	}
	return err;
}

// ---- Facts ----

// Names the nested guest, by its place: numbers are those of KVM's lists, too.
static struct gg_error *make_name(const struct scanned_source *source,
				  const struct gg_nested_name *outer, struct gg_nested_name *ret)
{
	const gg_gpa_t place = gg_scanned_place(&source->scanned, source->machine);
	const char *number = outer->number ? outer->number : "";
	const char *before = outer->place ? outer->place : "", *dot = outer->number ? "." : "";
	if (asprintf(&ret->number, "%s%s0x%" PRIx64, number, dot, place) < 0 ||
	    asprintf(&ret->place, "%s%s0x%" PRIx64, before, dot, place) < 0)
		return gg_enomem;
	ret->process = strdup("the hypervisor");
	return ret->process ? NULL : gg_enomem;
}

static struct gg_error *scanned_facts(struct gg_source *base, struct gg_source_facts *ret)
{
	struct scanned_source *source = (struct scanned_source *)base;
	struct gg_source_facts outer;
	struct gg_error *err = gg_guest_facts(source->outer, &outer);
	if (!err)
		err = make_name(source, &outer.nested, &ret->nested);
	ret->origin = no_cleanup_ptr(outer.origin);
	gg_source_facts_deinit(&outer);
	return err;
}

static struct gg_error *scanned_run_state(struct gg_source *source, char **ret)
{
	return gg_guest_run_state(((struct scanned_source *)source)->outer, ret);
}

static const struct gg_source_ops scanned_ops = {
	.name = "nested guest with VMCBs",
	.accepts = accepts_nothing,
	.ram = scanned_ram,
	.cpus = scanned_cpus,
	.find_arch = scanned_find_arch,
	.arch_without_cpus = true,
	.read_cpu = scanned_read_cpu,
	.facts = scanned_facts,
	.run_state = scanned_run_state,
	.absent_advice = scanned_advice,
	.destroy = scanned_destroy,
};
