// SPDX-License-Identifier: GPL-3.0-or-later
//
// The vCPUs as a caller sees them.
#include "base/cleanup.h"
#include "address.h"
#include "cpu-task.h"
#include "base/notices.h"
#include "guest.h"
#include "inside.h"

#include <gdb-guest/interrupt.h>
#include <gdb-guest/kernels.h>
#include <inttypes.h>
#include <string.h>

// Fills RET, which has room for all registers, with those that have names.
static size_t list_registers(const struct gg_registers *registers, struct gg_register *ret)
{
	size_t count = 0;
	for (unsigned int id = 0; id < registers->set->count; id++) {
		const struct gg_register_info *info = &registers->set->infos[id];
		if (info->name)
			ret[count++] = (struct gg_register){
				.name = info->name,
				.size = info->size,
				.value = gg_register(registers, id),
				.unknown = gg_register_unknown(registers, id),
				.bytes = gg_register_bytes(registers, id),
				.known = gg_register_mask(registers, id),
			};
	}
	return count;
}

static struct gg_error *print(const struct gg_arch *arch, const struct gg_registers *registers,
			      char **ret)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);
	if (!out)
		return gg_enomem;
	arch->cpu->print_registers(registers, out);
	const bool failed = ferror(out);
	return fclose(out) || failed ? gg_enomem : NULL;
}

// ---- Nested guests ----

static void decide(struct gg_guest *guest, const struct gg_kernel *kernel,
		   const struct gg_qemu_cpu *cpu, struct gg_cpu_state *state)
{
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	if (gg_kernel_runs_on(&site, kernel, cpu))
		state->nesting = GG_NOT_NESTED;
	else
		gg_cpu_state_set_nested(
			state,
			cpu->freshness == GG_NOTED
				? "the vmcore's notes do not have them; that the CPU executes "
				  "a nested guest follows from its page tables, which are "
				  "not the kernel's"
				: "QEMU's monitor does not print them; that the CPU executes "
				  "a nested guest follows from its page tables, which are "
				  "not the kernel's");
}

struct gg_error *gg_guest_cpu_state(struct gg_guest *guest, const struct gg_qemu_cpu *cpu,
				    struct gg_cpu_state *ret)
{
	const struct gg_kernel *kernel = NULL;
	const struct gg_machine_cpu *read;
	struct gg_error *err = gg_machine_cpu(&guest->machine, cpu, &read);
	if (!err)
		gg_machine_cpu_state(read, ret);
	if (err || ret->nesting != GG_MAYBE_NESTED)
		return err;
	err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (!err)
		decide(guest, kernel, cpu, ret);
	return gg_error_unless_final(err);
}

// ---- What is shown ----

// A set of registers of a CPU, and what follows from them.
struct view {
	struct gg_register *list;
	struct gg_cpu_summary summary;
	char *text;
};

static struct gg_error *create_view(const struct gg_arch *arch, const struct gg_qemu_cpu *cpu,
				    const struct gg_registers *registers, struct view *view,
				    struct gg_cpu *ret)
{
	struct gg_error *err = print(arch, registers, &view->text);
	if (err)
		return err;
	view->list = calloc(registers->set->count + 1, sizeof(*view->list));
	if (!view->list)
		return gg_enomem;
	arch->cpu->summarize(registers, &view->summary);
	*ret = (struct gg_cpu){
		.index = cpu->index,
		.freshness = cpu->freshness,
		.why = cpu->why,
		.activity = view->summary.activity,
		.bits = view->summary.bits,
		.privilege = view->summary.privilege,
		.pc = view->summary.pc,
		.sp = view->summary.sp,
		.place = view->summary.place,
		.root = view->summary.root,
		.root_known = view->summary.root_known,
		.no_pc = view->summary.no_pc,
		.no_sp = view->summary.no_sp,
		.pc_name = view->summary.pc_name,
		.sp_name = view->summary.sp_name,
		.root_name = view->summary.root_name,
		.registers = view->list,
		.register_count = list_registers(registers, view->list),
		.text = view->text,
		.unknown = "",
		.origin = "",
	};
	return NULL;
}

static void deinit_view(struct view *view)
{
	free(view->list);
	free(view->text);
}

struct views {
	struct gg_cpu_state state;
	struct view own, nested;
	struct gg_cpu own_cpu, nested_cpu;
};

static struct gg_error *create_views(const struct gg_arch *arch, const struct gg_qemu_cpu *cpu,
				     struct views *views)
{
	struct gg_cpu *own = &views->own_cpu;
	const struct gg_cpu_state *state = &views->state;
	struct gg_error *err = create_view(arch, cpu, &state->own, &views->own, own);
	if (err)
		return err;
	own->nesting = state->nesting;
	own->unknown = state->unknown;
	own->origin = state->origin;
	if (state->nesting != GG_NESTED)
		return NULL;
	own->activity = "nested";
	own->nested = &views->nested_cpu;
	return create_view(arch, cpu, &state->nested, &views->nested, &views->nested_cpu);
}

static struct gg_error *show_cpu(struct gg_guest *guest, const struct gg_arch *arch,
				 const struct gg_qemu_cpu *cpu, gg_visit_cpu_fn *visit, void *data)
{
	struct views *views = calloc(1, sizeof(*views));
	if (!views)
		return gg_enomem;
	struct gg_error *err = gg_guest_cpu_state(guest, cpu, &views->state);
	if (!err)
		err = create_views(arch, cpu, views);
	if (!err)
		err = visit(data, &views->own_cpu);
	deinit_view(&views->own);
	deinit_view(&views->nested);
	free(views);
	return err;
}

struct gg_error *gg_guest_cpus(struct gg_guest *guest, gg_visit_cpu_fn *visit, void *data)
{
	const struct gg_qemu_cpus *cpus;
	const struct gg_arch *arch;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (!err)
		err = gg_guest_cpu_arch(guest, &arch);
	for (size_t i = 0; !err && i < cpus->count; i++) {
		err = gg_interrupt_check();
		if (!err)
			err = show_cpu(guest, arch, &cpus->cpus[i], visit, data);
	}
	return err;
}

// ---- Symbols ----

struct symbol_view {
	struct gg_guest *guest;
	gg_visit_cpu_fn *visit;
	void *data;
	const struct gg_notices *notices;
	char *told; // the last notice
	bool with_tasks;
	struct gg_cpu_tasks tasks;
	struct gg_inside_finder finder;
};

// Passes a notice that is not the same as the last one: damaged symbols are every CPU's.
static struct gg_error *tell_once(void *data, const char *text)
{
	struct symbol_view *view = data;
	if (view->told && !strcmp(view->told, text))
		return NULL;
	free(view->told);
	view->told = strdup(text);
	return view->told ? gg_tell(view->notices, "%s", text) : gg_enomem;
}

// Finds the nested guest that CPU executes.
static struct gg_error *find_nested(struct symbol_view *view, struct gg_cpu *cpu)
{
	const struct gg_qemu_cpu qemu_cpu = { .index = cpu->index };
	struct gg_inside_vcpu vcpu;
	char why[GG_INSIDE_WHY];
	struct gg_error *err = gg_inside_find(&view->finder, &qemu_cpu, &vcpu, why);
	cpu->nested_number = vcpu.number;
	cpu->nested_vcpu = vcpu.vcpu;
	return err;
}

static struct gg_error *show_with_symbol(void *data, const struct gg_cpu *cpu)
{
	struct symbol_view *view = data;
	const struct gg_notices once = { .tell = tell_once, .data = view };
	_cleanup_free_ char *symbol = NULL;
	struct gg_cpu shown = *cpu;
	struct gg_error *err = NULL;
	if (!cpu->unknown[0] && !cpu->no_pc && gg_guest_shows_kernel_of(view->guest, cpu->index))
		err = gg_guest_symbol_text(view->guest, cpu->pc, NULL, &once, &symbol);
	shown.symbol = symbol;
	struct gg_cpu_task task;
	bool has_task = false;
	// The registers of a nested guest say nothing about the guest's own task.
	if (!err && view->with_tasks && cpu->nesting == GG_NOT_NESTED)
		err = gg_cpu_tasks_find(&view->tasks, cpu->index, &task, &has_task);
	shown.task = has_task ? &task : NULL;
	if (!err && view->with_tasks && cpu->nested)
		err = find_nested(view, &shown);
	return err ? err : view->visit(view->data, &shown);
}

static struct gg_error *show_index(struct gg_guest *guest, uint32_t index, struct symbol_view *view)
{
	const struct gg_qemu_cpus *cpus;
	const struct gg_arch *arch;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (!err)
		err = gg_guest_cpu_arch(guest, &arch);
	if (!err)
		err = gg_interrupt_check();
	for (size_t i = 0; !err && i < cpus->count; i++)
		if (cpus->cpus[i].index == index)
			return show_cpu(guest, arch, &cpus->cpus[i], show_with_symbol, view);
	return err ? err : gg_error_create(GG_NOT_FOUND, "there is no CPU %" PRIu32, index);
}

struct gg_error *gg_guest_cpus_with_symbols(struct gg_guest *guest, const uint32_t *indices,
					    size_t count, bool tasks, gg_visit_cpu_fn *visit,
					    void *data, const struct gg_notices *notices)
{
	struct symbol_view view = { .guest = guest,
				    .visit = visit,
				    .data = data,
				    .notices = notices,
				    .with_tasks = tasks,
				    .tasks = { .guest = guest },
				    .finder = { .guest = guest } };
	struct gg_error *err = NULL;
	for (size_t i = 0; indices && !err && i < count; i++)
		err = show_index(guest, indices[i], &view);
	if (!indices)
		err = gg_guest_cpus(guest, show_with_symbol, &view);
	free(view.told);
	gg_cpu_tasks_deinit(&view.tasks);
	gg_inside_finder_deinit(&view.finder);
	return err;
}

const char *gg_freshness_name(enum gg_freshness freshness)
{
	static const char *const names[] = {
		[GG_CURRENT] = "current",
		[GG_STALE] = "stale",
		[GG_UNKNOWN] = "unknown",
		[GG_NOTED] = "noted",
	};
	return names[freshness];
}
