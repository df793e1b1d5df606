// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine.h"

#include <stdlib.h>

struct gg_machine_slot {
	struct gg_machine_cpu *cpu; // NULL: not read
	struct gg_error *err;       // the reason for which it cannot be read, or NULL
};

void gg_machine_init(struct gg_machine *machine, struct gg_source *source)
{
	*machine = (struct gg_machine){ .source = source };
}

static void forget_cpus(struct gg_machine *machine)
{
	for (size_t i = 0; machine->slots && i < machine->cpus.count; i++) {
		free(machine->slots[i].cpu);
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

struct gg_error *gg_machine_ram(struct gg_machine *machine, const struct gg_ram_map **ret)
{
	struct gg_source *source = machine->source;
	struct gg_error *err = machine->map ? NULL : source->ops->ram(source, &machine->map);
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
	if (err && gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	err = source->ops->find_arch(source, machine->map, cpus, &machine->arch);
	*ret = machine->arch;
	return err;
}

static struct gg_error *read_cpu(struct gg_machine *machine, const struct gg_qemu_cpu *cpu,
				 struct gg_machine_cpu *ret)
{
	struct gg_source *source = machine->source;
	const struct gg_arch *arch;
	struct gg_error *err = gg_machine_arch(machine, &arch);
	if (!err)
		err = source->ops->read_cpu(source, arch, machine->map, cpu, &ret->state);
	if (err)
		return err;
	if (arch->cpu->paging)
		arch->cpu->paging(&ret->state.own, &ret->paging);
	ret->kernel_paging_count =
		gg_arch_kernel_paging(arch, &ret->state.own, ret->kernel_pagings);
	return NULL;
}

static struct gg_error *fill_slot(struct gg_machine *machine, const struct gg_qemu_cpu *cpu,
				  struct gg_machine_slot *slot)
{
	struct gg_machine_cpu *read = calloc(1, sizeof(*read));
	struct gg_error *err = read ? read_cpu(machine, cpu, read) : gg_enomem;
	if (!err) {
		slot->cpu = read;
		return NULL;
	}
	free(read);
	if (!gg_error_is_final(err))
		slot->err = gg_error_copy(err);
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
