// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine.h"
#include "base/debug.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct gg_machine_slot {
	struct gg_machine_cpu *cpu; // NULL: not read
	struct gg_error *err;       // the reason for which it cannot be read, or NULL
};

static void destroy_cpu(struct gg_machine_cpu *cpu)
{
	if (!cpu)
		return;
	free(cpu->own);
	free(cpu->nested);
	free(cpu);
}

void gg_machine_init(struct gg_machine *machine, struct gg_source *source)
{
	*machine = (struct gg_machine){ .source = source };
}

static void forget_cpus(struct gg_machine *machine)
{
	for (size_t i = 0; machine->slots && i < machine->cpus.count; i++) {
		destroy_cpu(machine->slots[i].cpu);
		gg_error_destroy(machine->slots[i].err);
	}
	free(machine->slots);
	machine->slots = NULL;
	gg_qemu_cpus_deinit(&machine->cpus);
	machine->cpus = (struct gg_qemu_cpus){ .count = 0 };
	machine->arch = NULL;
}

void gg_machine_deinit(struct gg_machine *machine)
{
	forget_cpus(machine);
	gg_ram_map_destroy(machine->map);
	gg_source_destroy(machine->source);
	*machine = (struct gg_machine){ .source = NULL };
}

void gg_machine_ran(struct gg_machine *machine)
{
	struct gg_source *source = machine->source;
	forget_cpus(machine);
	if (source->ops->ran)
		source->ops->ran(source);
}

// MAP is NULL with an error.
static void log_ram(const struct gg_source *source, const struct gg_ram_map *map,
		    const struct gg_error *err)
{
	const struct gg_debug *debug = source->debug;
	if (err)
		gg_debug(debug, "RAM: %s", gg_error_message(err));
	for (size_t i = 0; debug && !err && i < map->count; i++) {
		const struct gg_ram_range *range = &map->ranges[i];
		gg_debug(debug,
			 "RAM: 0x%" PRIx64 "-0x%" PRIx64 " is %s at 0x%" PRIx64 ", read from %s",
			 range->start, range->start + (range->size - 1), range->block, range->hva,
			 source->backing->name);
	}
}

struct gg_error *gg_machine_ram(struct gg_machine *machine, const struct gg_ram_map **ret)
{
	struct gg_source *source = machine->source;
	struct gg_error *err = NULL;
	if (!machine->map) {
		err = source->ops->ram(source, &machine->map);
		log_ram(source, machine->map, err);
	}
	*ret = machine->map;
	return err;
}

// ---- CPUs ----

struct gg_error *gg_machine_cpus(struct gg_machine *machine, const struct gg_qemu_cpus **ret)
{
	struct gg_source *source = machine->source;
	*ret = &machine->cpus;
	return machine->cpus.count ? NULL : source->ops->cpus(source, &machine->cpus);
}

struct gg_error *gg_machine_arch(struct gg_machine *machine, const struct gg_arch **ret)
{
	struct gg_source *source = machine->source;
	const struct gg_qemu_cpus *cpus;
	const struct gg_ram_map *map;
	*ret = machine->arch;
	if (machine->arch)
		return NULL;
	struct gg_error *err = gg_machine_cpus(machine, &cpus);
	if (err && (gg_error_is_final(err) || !source->ops->arch_without_cpus))
		return err;
	gg_error_destroy(err);
	err = gg_machine_ram(machine, &map);
	err = gg_error_unless_final(err);
	if (err)
		return err;
	err = source->ops->find_arch(source, machine->map, cpus, &machine->arch);
	gg_debug(source->debug, "architecture: %s of %zu CPUs",
		 err ? gg_error_message(err) : machine->arch->name, cpus->count);
	*ret = machine->arch;
	return err;
}

static struct gg_error *read_state(struct gg_machine *machine, const struct gg_qemu_cpu *cpu,
				   struct gg_cpu_state *ret)
{
	struct gg_source *source = machine->source;
	const struct gg_arch *arch;
	struct gg_error *err = gg_machine_arch(machine, &arch);
	return err ? err : source->ops->read_cpu(source, arch, machine->map, cpu, ret);
}

static struct gg_error *keep_state(const struct gg_arch *arch, const struct gg_cpu_state *state,
				   struct gg_machine_cpu *ret)
{
	const unsigned int all = arch->registers->count;
	ret->nesting = state->nesting;
	memcpy(ret->unknown, state->unknown, sizeof(ret->unknown));
	memcpy(ret->origin, state->origin, sizeof(ret->origin));
	ret->own = gg_registers_copy_first(&state->own, all);
	if (ret->own && state->nesting == GG_NESTED)
		ret->nested = gg_registers_copy_first(&state->nested, all);
	if (!ret->own || (state->nesting == GG_NESTED && !ret->nested))
		return gg_enomem;
	if (arch->cpu && arch->cpu->paging)
		arch->cpu->paging(ret->own, &ret->paging);
	if (arch->cpu)
		ret->kernel_paging_count =
			gg_arch_kernel_paging(arch, ret->own, ret->kernel_pagings);
	return NULL;
}

static struct gg_error *fill_slot(struct gg_machine *machine, const struct gg_qemu_cpu *cpu,
				  struct gg_machine_slot *slot)
{
	struct gg_cpu_state state;
	struct gg_error *err = read_state(machine, cpu, &state);
	gg_debug(machine->source->debug, "registers of CPU %" PRIu32 ": %s", cpu->index,
		 gg_debug_outcome(err));
	if (err && !gg_error_is_final(err))
		slot->err = gg_error_copy(err);
	if (err)
		return err;
	struct gg_machine_cpu *kept = calloc(1, sizeof(*kept));
	err = kept ? keep_state(machine->arch, &state, kept) : gg_enomem;
	if (err)
		destroy_cpu(kept);
	else
		slot->cpu = kept;
	return err;
}

struct gg_error *gg_machine_cpu(struct gg_machine *machine, const struct gg_qemu_cpu *cpu,
				const struct gg_machine_cpu **ret)
{
	if (!machine->slots &&
	    !(machine->slots = calloc(machine->cpus.count, sizeof(*machine->slots))))
		return gg_enomem;
	struct gg_machine_slot *slot = &machine->slots[cpu - machine->cpus.cpus];
	struct gg_error *err = slot->err ? gg_error_copy(slot->err) : NULL;
	if (!err && !slot->cpu)
		err = fill_slot(machine, cpu, slot);
	*ret = slot->cpu;
	return err;
}

static void copy_all(const struct gg_registers *from, struct gg_registers *ret)
{
	gg_registers_init(ret, from->set, from->word);
	for (unsigned int id = 0; id < from->count; id++)
		gg_register_copy(ret, id, from);
}

void gg_machine_cpu_state(const struct gg_machine_cpu *cpu, struct gg_cpu_state *ret)
{
	ret->nesting = cpu->nesting;
	memcpy(ret->unknown, cpu->unknown, sizeof(ret->unknown));
	memcpy(ret->origin, cpu->origin, sizeof(ret->origin));
	copy_all(cpu->own, &ret->own);
	if (cpu->nested)
		copy_all(cpu->nested, &ret->nested);
}
