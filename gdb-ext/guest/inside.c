// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the outer guest, its CPUs, KVM's lists.
// Out: the vCPU that a CPU executes; the release of the kernel inside.
#include "inside.h"
#include "base/debug.h"
#include "tasks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gg_error *gg_guest_create_inside(struct gg_guest *outer, uint64_t wanted,
					struct gg_guest **ret)
{
	struct gg_source *source;
	struct gg_guest *guest = calloc(1, sizeof(*guest));
	if (!guest)
		return gg_enomem;
	struct gg_error *err = gg_source_open_inside(outer, wanted, &source);
	if (err) {
		free(guest);
		return err;
	}
	gg_machine_init(&guest->machine, source);
	guest->vmlinux = strdup("");
	if (!guest->vmlinux) {
		gg_guest_destroy(guest);
		return gg_enomem;
	}
	*ret = guest;
	return NULL;
}

// ---- The CPUs inside ----

// Reads the lists, once. Only a final error is returned.
static struct gg_error *read_machines(struct gg_inside_finder *finder)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(finder->guest, NULL, &kernel);
	if (!err)
		err = gg_kvm_read(kernel, NULL, false, NULL, &finder->machines);
	if (err && !gg_error_is_final(err))
		snprintf(finder->why, sizeof(finder->why), "%s", gg_error_message(err));
	finder->has_read = true;
	return gg_error_unless_final(err);
}

// Finds the only vCPU on the CPU with the kernel's number CPU.
static void find_vcpu(const struct gg_inside_finder *finder, uint32_t cpu,
		      struct gg_inside_vcpu *ret, char why[GG_INSIDE_WHY])
{
	size_t found = 0;
	for (size_t i = 0; i < finder->machines.count; i++) {
		const struct gg_kvm_machine *machine = &finder->machines.machines[i];
		for (size_t j = 0; j < machine->vcpu_count; j++) {
			const struct gg_kvm_vcpu *vcpu = &machine->vcpus[j];
			if (!vcpu->in_guest || vcpu->cpu != cpu)
				continue;
			*ret = (struct gg_inside_vcpu){ i + 1, vcpu->id, machine->address };
			found++;
		}
	}
	if (found == 1)
		return;
	*ret = (struct gg_inside_vcpu){ 0 };
	snprintf(why, GG_INSIDE_WHY, "KVM has %zu vCPUs on the kernel's CPU %" PRIu32, found, cpu);
}

struct gg_error *gg_inside_find(struct gg_inside_finder *finder, const struct gg_qemu_cpu *cpu,
				struct gg_inside_vcpu *ret, char why[GG_INSIDE_WHY])
{
	struct gg_per_cpu per_cpu;
	struct gg_error *err = finder->has_read ? NULL : read_machines(finder);
	*ret = (struct gg_inside_vcpu){ 0 };
	snprintf(why, GG_INSIDE_WHY, "%s", finder->why);
	if (err || finder->why[0])
		return err;
	err = gg_guest_per_cpu(finder->guest, cpu->index, &per_cpu);
	if (!err)
		find_vcpu(finder, per_cpu.number, ret, why);
	else if (!gg_error_is_final(err))
		snprintf(why, GG_INSIDE_WHY, "%s", gg_error_message(err));
	return gg_error_unless_final(err);
}

void gg_inside_finder_deinit(struct gg_inside_finder *finder)
{
	gg_kvm_machines_deinit(&finder->machines);
	finder->has_read = false;
}

// ---- The kernel inside ----

// Tests whether page tables of a CPU cannot be read.
static struct gg_error *lacks_tables(struct gg_guest *guest, bool *ret)
{
	enum { ENTRY = 8 };
	const struct gg_qemu_cpus *cpus;
	const struct gg_machine_cpu *read;
	const struct gg_ram_map *map;
	uint8_t entry[ENTRY];
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	*ret = false;
	if (!err)
		err = gg_guest_qemu_cpus(guest, &cpus);
	for (size_t i = 0; !err && !*ret && i < cpus->count; i++) {
		err = gg_machine_cpu(&guest->machine, &cpus->cpus[i], &read);
		if (!err && read->paging.levels) {
			err = gg_ram_map_read(map, read->paging.root, entry, ENTRY);
			*ret = err && !gg_error_is_final(err);
		}
		err = gg_error_unless_final(err);
	}
	return gg_error_unless_final(err);
}

static struct gg_error *find_kernel(struct gg_guest *inside, struct gg_inside_kernel *ret)
{
	const struct gg_kernel *kernel;
	bool lacks = false;
	struct gg_error *err = gg_guest_foresee_kernel(inside, &kernel);
	if (!err && kernel) {
		ret->release = gg_vmcoreinfo_value(&kernel->info, "OSRELEASE");
		ret->kind = GG_INSIDE_LINUX;
		return NULL;
	}
	if (!err)
		err = lacks_tables(inside, &lacks);
	if (!err)
		ret->kind = lacks ? GG_INSIDE_ABSENT : GG_INSIDE_NONE;
	return err;
}

struct gg_error *gg_guest_kernel_inside(struct gg_guest *outer,
					const struct gg_kvm_machine *machine,
					struct gg_inside_kernel *ret)
{
	struct gg_guest *inside;
	*ret = (struct gg_inside_kernel){ .kind = GG_INSIDE_UNKNOWN };
	if (machine->encrypted) {
		ret->kind = GG_INSIDE_ENCRYPTED;
		return NULL;
	}
	struct gg_error *err = gg_guest_create_inside(outer, machine->address, &inside);
	if (!err) {
		err = find_kernel(inside, ret);
		gg_guest_destroy(inside);
	}
	gg_debug(outer->machine.source->debug, "nested guest at 0x%" PRIx64 ": its kernel: %s",
		 machine->address, gg_debug_outcome(err));
	return gg_error_unless_final(err);
}
