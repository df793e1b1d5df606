// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the kernel's page tables, the segments' places in the file.
// Out: program headers, ascending and disjoint by virtual address, and one of the direct map.
// Trusts nothing it reads: tables that map everything, or themselves, end at a bound.
#include "aliases.h"
#include "guest/cpu-task.h"
#include "machine/cpu-ops.h"
#include "memory/mapped-runs.h"

#include <stdlib.h>

enum {
	MAX_LOOKS = 1 << 20,
	STACK_AREA = 32 << 10, // of a task, with CONFIG_KASAN
};

struct search {
	const struct gg_kernel *kernel;
	struct gg_vmcore_elf *elf;
	uint64_t looks;
	bool is_full; // a run found no room
};

// ---- A run ----

static bool is_image(const struct gg_kernel *kernel, const struct gg_mapped_run *run)
{
	return run->gva - kernel->image < kernel->image_size &&
	       run->gva - run->gpa == kernel->image - kernel->image_gpa;
}

static bool is_direct(const struct gg_kernel *kernel, const struct gg_mapped_run *run)
{
	return kernel->has_direct_map && run->gva - run->gpa == kernel->direct_map;
}

// Returns the first segment that ends behind GPA, or the count.
static size_t find_segment(const struct gg_vmcore_elf *elf, gg_gpa_t gpa)
{
	size_t low = 0, high = elf->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct gg_vmcore_segment *segment = &elf->segments[middle];
		if (segment->gpa + (segment->size - 1) >= gpa)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

// Adds the parts of RUN that are in the file: MMIO is not.
static struct gg_error *add_run(void *data, const struct gg_mapped_run *run)
{
	struct search *search = data;
	struct gg_vmcore_elf *elf = search->elf;
	const gg_gpa_t last = run->gpa + (run->size - 1);
	if (is_image(search->kernel, run) || is_direct(search->kernel, run))
		return NULL;
	for (size_t i = find_segment(elf, run->gpa); i < elf->count && elf->segments[i].gpa <= last;
	     i++) {
		const struct gg_vmcore_segment *segment = &elf->segments[i];
		const gg_gpa_t segment_last = segment->gpa + (segment->size - 1);
		const gg_gpa_t from = segment->gpa > run->gpa ? segment->gpa : run->gpa;
		const gg_gpa_t to = segment_last < last ? segment_last : last;
		search->is_full |= elf->alias_count + 1 >= elf->alias_room;
		if (search->is_full)
			break;
		elf->aliases[elf->alias_count++] = (struct gg_vmcore_segment){
			.gpa = from,
			.gva = run->gva + (from - run->gpa),
			.size = to - from + 1,
			.offset = segment->offset + (from - segment->gpa),
		};
	}
	return NULL;
}

// ---- Areas ----

static struct gg_error *add_area(struct search *search, gg_gva_t start, gg_gva_t last)
{
	return search->is_full ? NULL
			       : gg_mapped_runs(search->kernel->table, start, last, &search->looks,
						add_run, search);
}

static struct gg_error *add_areas(struct search *search, bool is_first)
{
	const struct gg_kernel *kernel = search->kernel;
	const struct gg_vmcore_segment *end = &search->elf->segments[search->elf->count - 1];
	struct gg_linux_area areas[GG_LINUX_AREAS];
	const struct gg_linux_space space = {
		.paging = &kernel->paging,
		.direct_map = kernel->direct_map,
		.direct_map_size = kernel->has_direct_map ? end->gpa + end->size : 0,
	};
	struct gg_error *err = NULL;
	const struct gg_linux_ops *ops = kernel->arch->kernel;
	const size_t count = ops->mapped_areas ? ops->mapped_areas(&space, areas) : 0;
	for (size_t i = 0; !err && i < count; i++)
		if (areas[i].is_small == is_first)
			err = add_area(search, areas[i].start, areas[i].last);
	return err;
}

static struct gg_error *add_stack(struct search *search, gg_gva_t address)
{
	const gg_gva_t start = address & ~(gg_gva_t)(STACK_AREA - 1);
	return start < search->kernel->arch->kernel->kernel_area
		       ? NULL
		       : add_area(search, start, start + STACK_AREA - 1);
}

// Adds the stack that CPU is on, which may be an interrupt's.
static struct gg_error *add_current_stack(struct search *search, struct gg_guest *guest,
					  const struct gg_qemu_cpu *cpu)
{
	const struct gg_cpu_ops *ops = search->kernel->arch->cpu;
	struct gg_cpu_state state;
	struct gg_cpu_summary summary = { 0 };
	struct gg_error *err = ops && ops->summarize ? gg_guest_cpu_state(guest, cpu, &state)
						     : gg_error_create(GG_NOT_FOUND, "no sp");
	if (err)
		return gg_error_unless_final(err);
	ops->summarize(&state.own, &summary);
	return add_stack(search, summary.sp);
}

static struct gg_error *add_stacks(struct search *search, struct gg_guest *guest)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_cpu_tasks tasks = { .guest = guest };
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (err)
		return gg_error_unless_final(err);
	for (size_t i = 0; !err && i < cpus->count; i++) {
		gg_gva_t stack = 0;
		err = add_current_stack(search, guest, &cpus->cpus[i]);
		if (!err)
			err = gg_cpu_tasks_stack(&tasks, cpus->cpus[i].index, &stack);
		if (!err && stack)
			err = add_stack(search, stack);
	}
	gg_cpu_tasks_deinit(&tasks);
	return err;
}

// ---- The list ----

static int compare(const void *left, const void *right)
{
	const struct gg_vmcore_segment *a = left, *b = right;
	return (a->gva > b->gva) - (a->gva < b->gva);
}

// Sorts the aliases and joins those that overlap or are adjacent both ways: a stack was added twice.
static void join(struct gg_vmcore_elf *elf)
{
	size_t kept = 0;
	qsort(elf->aliases, elf->alias_count, sizeof(*elf->aliases), compare);
	for (size_t i = 0; i < elf->alias_count; i++) {
		const struct gg_vmcore_segment *alias = &elf->aliases[i];
		struct gg_vmcore_segment *last = kept ? &elf->aliases[kept - 1] : NULL;
		const uint64_t distance = last ? alias->gva - last->gva : 0;
		if (!last || distance > last->size || alias->offset - last->offset != distance)
			elf->aliases[kept++] = *alias;
		else if (distance + alias->size > last->size)
			last->size = distance + alias->size;
	}
	elf->alias_count = kept;
}

// Appends a page of the direct map: makedumpfile takes the direct map's place from the last header
// below the kernel's image.
static void end_with_direct_map(struct gg_vmcore_elf *elf)
{
	for (size_t i = 0; elf->alias_count && i < elf->count; i++) {
		if (!elf->segments[i].gva || elf->segments[i].size < GG_VMCORE_ALIGNMENT)
			continue;
		elf->aliases[elf->alias_count] = elf->segments[i];
		elf->aliases[elf->alias_count++].size = GG_VMCORE_ALIGNMENT;
		return;
	}
}

struct gg_error *gg_vmcore_find_aliases(struct gg_guest *guest, const struct gg_kernel *kernel,
					struct gg_vmcore_elf *elf, bool *complete)
{
	struct search search = { .kernel = kernel, .elf = elf, .looks = MAX_LOOKS };
	*complete = true;
	free(elf->aliases);
	elf->alias_count = 0;
	elf->aliases = calloc(elf->alias_room + 1, sizeof(*elf->aliases));
	if (!elf->aliases)
		return gg_enomem;
	if (!elf->count)
		return NULL;
	struct gg_error *err = add_areas(&search, true);
	if (!err)
		err = add_stacks(&search, guest);
	if (!err)
		err = add_areas(&search, false);
	*complete = !search.is_full && search.looks;
	join(elf);
	end_with_direct_map(elf);
	return err;
}
