// SPDX-License-Identifier: GPL-3.0-or-later
//
// The source that is a nested guest: a virtual machine that the kernel of another guest, the outer one, runs by KVM.
//
// In:  the outer guest, of any source, which may be nested itself.
// Out: the RAM map by KVM's memory slots, over the pages of the process that runs the nested guest; the vCPUs,
//      by KVM's copy of their registers, or by those of the outer guest's CPU that is inside.
// Trusts nothing it reads: the readers are those of linux/kvm/.
#include "source.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/vector.h"
#include "guest.h"
#include "nested.h"
#include "scanned.h"
#include "tasks.h"
#include "host/no-host.h"
#include "linux/arch-ops.h"
#include "linux/kvm/pages.h"

#include <gdb-guest/ram.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nested_cpu {
	const struct gg_kvm_vcpu *vcpu;
	const struct gg_qemu_cpu
		*inside; // the outer guest's CPU with the vCPU's registers, or NULL
};

struct nested_source {
	struct gg_source source;
	struct gg_host host;
	struct gg_guest *outer;
	bool is_borrowed; // OUTER is the caller's, who does not let it run meanwhile
	const struct gg_answerers *kernel; // the outer guest's
	struct gg_kvm_machines machines;   // KVM's
	uint64_t wanted;                   // as struct gg_target has it
	gg_gva_t address;                  // of the machine's struct kvm
	size_t number;                     // in the list of guest-nested
	struct gg_kvm_machine *machine;    // NULL: it is gone
	struct nested_cpu *cpus;           // in the order of the machine's vCPUs
	char *advice;                      // about absent memory; NULL before it was asked for
	struct gg_vcpu_peers peers;        // of the machine's vCPUs
	char *note;                        // NOTE_NAME's text, or NULL
	const char *note_name;
	size_t note_size;
};

static bool nested_accepts(const struct gg_target *target)
{
	return target->nested_count;
}

// ---- Opening ----

static struct gg_error *open_outer(struct nested_source *nested, const struct gg_host *debugger,
				   const struct gg_target *target)
{
	struct gg_target outer = *target;
	if (target->nested_count > GG_NESTED_DEPTH)
		return gg_error_create(GG_INVALID, "a nested guest %zu guests deep, more than %d",
				       target->nested_count, GG_NESTED_DEPTH);
	outer.nested_count--;
	nested->wanted = target->nested[outer.nested_count];
	// The place and the choice of a kernel are the nested guest's.
	outer.note = 0;
	outer.choice = (struct gg_kernel_choice){ 0 };
	outer.vmlinux_path = NULL;
	return gg_guest_create(debugger, &outer, &nested->outer);
}

// Finds the wanted machine.
static struct gg_error *find_machine(struct nested_source *nested)
{
	size_t index = 0;
	struct gg_error *err = gg_guest_answerers(nested->outer, NULL, &nested->kernel);
	if (!err)
		err = gg_kvm_read_one(nested->kernel, nested->wanted, &nested->machines, &index);
	if (err)
		return gg_error_context(err, "the outer guest");
	nested->number = index + 1;
	if (index < nested->machines.count)
		nested->machine = &nested->machines.machines[index];
	if (nested->machine)
		return NULL;
	if (nested->wanted > nested->machines.count && nested->wanted < UINT32_MAX)
		return gg_error_create(GG_NOT_FOUND,
				       "there is no nested guest %" PRIu64
				       ": the guest runs %zu; guest-nested lists them",
				       nested->wanted, nested->machines.count);
	return gg_error_create(GG_NOT_FOUND,
			       "the nested guest is gone: guest-nested lists those that "
			       "are there");
}

// Finds the note NAME, once for all vCPUs.
static struct gg_error *find_note(void *data, const char *name, const char **text, size_t *size)
{
	struct nested_source *nested = data;
	if (!nested->note_name) {
		struct gg_error *err = gg_guest_kernel_note(nested->outer, name, &nested->note,
							    &nested->note_size);
		if (gg_error_is_final(err))
			return err;
		gg_error_destroy(err);
		nested->note_name = name;
	}
	if (!nested->note || strcmp(nested->note_name, name) != 0)
		return gg_error_create(GG_NOT_FOUND, "there is no note %s", name);
	*text = nested->note;
	*size = nested->note_size;
	return NULL;
}

static void forget_peers(struct nested_source *nested)
{
	free((void *)nested->peers.vcpus);
	free(nested->note);
	nested->peers = (struct gg_vcpu_peers){ .note = find_note, .data = nested };
	nested->note = NULL;
	nested->note_name = NULL;
}

// Lists the vCPUs of all machines that no CPU executes.
static struct gg_error *find_peers(struct nested_source *nested)
{
	gg_gva_t *vcpus = NULL;
	size_t count = 0;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < nested->machines.count; i++) {
		const struct gg_kvm_machine *machine = &nested->machines.machines[i];
		for (size_t j = 0; !err && j < machine->vcpu_count; j++) {
			if (machine->vcpus[j].in_guest)
				continue;
			err = gg_vector_grow(&vcpus, count, sizeof(*vcpus));
			if (!err)
				vcpus[count++] = machine->vcpus[j].address;
		}
	}
	forget_peers(nested);
	nested->peers.vcpus = vcpus;
	nested->peers.count = count;
	return err;
}

static struct gg_error *create_backing(struct nested_source *nested)
{
	struct gg_kvm_pages *pages;
	const struct gg_ram_map *map;
	struct gg_error *err = gg_guest_ram_map(nested->outer, &map);
	if (!err && nested->machine->encrypted)
		err = gg_error_create(
			GG_UNSUPPORTED,
			"the hardware encrypts the nested guest's memory (%s): nothing "
			"but the nested guest can read it",
			nested->machine->encrypted);
	if (!err)
		err = gg_kvm_pages_create(nested->kernel, nested->machine, &pages);
	if (err)
		return err;
	err = gg_kvm_backing_create(pages, map, &nested->source.backing);
	if (err)
		gg_kvm_pages_destroy(pages);
	return err;
}

// Opens the wanted machine of the outer guest.
static struct gg_error *open_machine(struct nested_source *nested)
{
	struct gg_error *err = find_machine(nested);
	if (!err)
		err = create_backing(nested);
	if (err)
		return err;
	nested->address = nested->machine->address;
	nested->host =
		gg_no_host("a nested guest has nothing of QEMU's", nested->kernel->typed.big_endian,
			   nested->kernel->typed.address_size);
	nested->source.host = &nested->host;
	nested->source.cost = gg_guest_is_over_wire(nested->outer) ? GG_COST_WIRE : GG_COST_LOCAL;
	for (const char *const *file = gg_guest_files(nested->outer); *file; file++)
		gg_source_add_file(&nested->source, *file);
	return NULL;
}

// Tests whether the nested guest may be one that KVM's lists do not have, after ERR: there are no lists, or a place is wanted.
static bool may_scan(const struct nested_source *nested, const struct gg_error *err)
{
	const bool is_place =
		nested->wanted % GG_CONTROL_BLOCK_SIZE == 0 && nested->wanted < UINT64_C(1) << 52;
	if (!nested->outer || nested->machine || gg_error_is_final(err))
		return false;
	return is_place || (!nested->machines.count && gg_guest_lacks_lists(nested->outer));
}

// Opens the nested guest by its VMCBs. LISTS, which is consumed, says why KVM's lists do not have it.
static struct gg_error *open_scanned(struct nested_source *nested, struct gg_error *lists,
				     struct gg_source **ret)
{
	struct gg_error *err = gg_source_scanned_open(nested->outer, nested->wanted, ret);
	const bool is_other = err && gg_error_kind(err) == GG_NOT_FOUND;
	gg_error_destroy(is_other ? err : lists);
	return is_other ? lists : err;
}

static struct gg_error *nested_open(const struct gg_host *debugger, const struct gg_target *target,
				    struct gg_source **ret)
{
	struct nested_source *nested = calloc(1, sizeof(*nested));
	if (!nested)
		return gg_enomem;
	nested->source.ops = &gg_source_nested;
	struct gg_error *err = open_outer(nested, debugger, target);
	if (!err)
		err = open_machine(nested);
	if (!err) {
		*ret = &nested->source;
		return NULL;
	}
	if (may_scan(nested, err)) {
		err = open_scanned(nested, err, ret);
		nested->outer = err ? nested->outer : NULL;
	}
	gg_source_destroy(&nested->source);
	return err;
}

struct gg_error *gg_source_open_inside(struct gg_guest *outer, uint64_t wanted,
				       struct gg_source **ret)
{
	struct nested_source *nested = calloc(1, sizeof(*nested));
	if (!nested)
		return gg_enomem;
	nested->source.ops = &gg_source_nested;
	nested->outer = outer;
	nested->is_borrowed = true;
	nested->wanted = wanted;
	struct gg_error *err = open_machine(nested);
	nested->source.debug = outer->machine.source->debug;
	if (err)
		gg_source_destroy(&nested->source);
	else
		*ret = &nested->source;
	return err;
}

static void nested_destroy(struct gg_source *source)
{
	struct nested_source *nested = (struct nested_source *)source;
	gg_kvm_machines_deinit(&nested->machines);
	if (!nested->is_borrowed)
		gg_guest_destroy(nested->outer);
	free(nested->cpus);
	free(nested->advice);
	free(nested);
}

// ---- Memory ----

static struct gg_error *nested_ram(struct gg_source *source, struct gg_ram_map **ret)
{
	struct nested_source *nested = (struct nested_source *)source;
	struct gg_qemu_ram ram = { 0 };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < nested->machine->slot_count; i++) {
		const struct gg_kvm_slot *slot = &nested->machine->slots[i];
		const struct gg_qemu_range range = { .start = slot->gpa,
						     .size = slot->size,
						     .hva = slot->user };
		err = slot->size ? gg_qemu_ram_add(&ram, &range, "memory") : NULL;
	}
	if (!err && !ram.count)
		err = gg_error_create(GG_BAD_DATA, "the nested guest has no memory slots");
	if (!err)
		err = gg_ram_map_create(&ram, source->backing, ret);
	gg_qemu_ram_deinit(&ram);
	return err;
}

static struct gg_error *stop_at_first(void *data, const struct gg_ram_range *piece)
{
	(void)data, (void)piece;
	return gg_error_create(GG_ABSENT, "a piece is absent");
}

static const char *nested_absent_advice(const struct gg_source *source,
					const struct gg_ram_map *map)
{
	static const char own[] =
		"the outer guest has swapped them out, or the process that runs the "
		"nested guest has no page for them";
	(void)map;
	struct nested_source *nested = (struct nested_source *)source;
	if (nested->advice)
		return nested->advice;
	struct gg_error *absent = gg_guest_absent(nested->outer, stop_at_first, NULL);
	if (absent && asprintf(&nested->advice, "%s; or they are missing in the outer guest: %s",
			       own, gg_guest_absent_advice(nested->outer)) < 0)
		nested->advice = NULL;
	gg_error_destroy(absent);
	return nested->advice ? nested->advice : own;
}

// ---- CPUs ----

// Finds the outer guest's CPU with the kernel's number NUMBER; NULL where there is none, or where it has
// left the nested guest. MAY_BE tells whether a CPU may be inside of which this is not known.
static struct gg_error *find_inside(struct nested_source *nested, uint32_t number,
				    const struct gg_qemu_cpu **ret, bool *may_be)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_cpu_state *state = malloc(sizeof(*state));
	struct gg_per_cpu per_cpu;
	if (!state)
		return gg_enomem;
	*ret = NULL;
	struct gg_error *err = gg_guest_qemu_cpus(nested->outer, &cpus);
	*may_be = err;
	for (size_t i = 0; !err && i < cpus->count; i++) {
		const struct gg_qemu_cpu *cpu = &cpus->cpus[i];
		err = gg_guest_cpu_state(nested->outer, cpu, state);
		const bool is_nested = !err && state->nesting == GG_NESTED;
		const bool is_known =
			!err && state->nesting != GG_MAYBE_NESTED && cpu->freshness != GG_NOTED;
		if (is_nested)
			err = gg_guest_per_cpu(nested->outer, cpu->index, &per_cpu);
		if (is_nested && !err && per_cpu.number == number)
			*ret = cpu;
		*may_be |= err || !is_known;
		err = gg_error_unless_final(err);
	}
	free(state);
	return gg_error_unless_final(err);
}

static struct gg_error *add_cpu(struct nested_source *nested, const struct gg_kvm_vcpu *vcpu,
				struct gg_qemu_cpus *cpus)
{
	static const char left[] =
		"the outer guest's CPU has left it, and the registers may not be saved yet";
	struct gg_qemu_cpu cpu = { .index = vcpu->id, .freshness = GG_CURRENT, .why = "" };
	const struct gg_qemu_cpu *inside = NULL;
	bool may_be = false;
	struct gg_error *err =
		vcpu->in_guest ? find_inside(nested, vcpu->cpu, &inside, &may_be) : NULL;
	if (err)
		return err;
	if (inside) {
		cpu.freshness = inside->freshness;
		cpu.why = inside->why;
	} else if (vcpu->in_guest) {
		cpu.freshness = may_be ? GG_UNKNOWN : GG_STALE;
		cpu.why = may_be ? gg_source_may_be_inside : left;
	}
	nested->cpus[cpus->count] = (struct nested_cpu){ .vcpu = vcpu, .inside = inside };
	return gg_qemu_cpus_add(cpus, &cpu);
}

static struct gg_error *nested_cpus(struct gg_source *source, struct gg_qemu_cpus *ret)
{
	struct nested_source *nested = (struct nested_source *)source;
	struct gg_error *err = nested->machine ? NULL : find_machine(nested);
	if (!err)
		err = find_peers(nested);
	if (err)
		return err;
	const size_t count = nested->machine->vcpu_count;
	free(nested->cpus);
	nested->cpus = calloc(count + 1, sizeof(*nested->cpus));
	if (!nested->cpus)
		return gg_enomem;
	for (size_t i = 0; !err && i < count; i++)
		err = add_cpu(nested, &nested->machine->vcpus[i], ret);
	if (!err && !count)
		err = gg_error_create(GG_NOT_FOUND, "the nested guest has no vCPUs");
	if (err)
		gg_qemu_cpus_deinit(ret);
	return err;
}

static struct gg_error *read_vcpu(const struct nested_source *nested, const struct nested_cpu *cpu,
				  struct gg_cpu_state *ret)
{
	struct gg_cpu_state *outer = cpu->inside ? malloc(sizeof(*outer)) : NULL;
	if (cpu->inside && !outer)
		return gg_enomem;
	struct gg_error *err = outer ? gg_guest_cpu_state(nested->outer, cpu->inside, outer) : NULL;
	if (!err)
		err = gg_kvm_read_vcpu(nested->kernel, &nested->peers, cpu->vcpu->address,
				       outer ? &outer->nested : NULL, ret);
	free(outer);
	return err ? gg_error_context(err, "vCPU %" PRIu32, cpu->vcpu->id) : NULL;
}

static const struct nested_cpu *find_cpu(const struct nested_source *nested, uint32_t index)
{
	for (size_t i = 0; nested->cpus && i < nested->machine->vcpu_count; i++)
		if (nested->cpus[i].vcpu && nested->cpus[i].vcpu->id == index)
			return &nested->cpus[i];
	return NULL;
}

static struct gg_error *nested_read_cpu(struct gg_source *source, const struct gg_arch *arch,
					const struct gg_ram_map *map, const struct gg_qemu_cpu *cpu,
					struct gg_cpu_state *ret)
{
	(void)arch, (void)map;
	const struct nested_source *nested = (const struct nested_source *)source;
	const struct nested_cpu *found = find_cpu(nested, cpu->index);
	return found ? read_vcpu(nested, found, ret)
		     : gg_error_create(GG_NOT_FOUND, "there is no vCPU %" PRIu32, cpu->index);
}

// Tests whether a vCPU has the mode of ARCH.
static struct gg_error *has_mode(const struct nested_source *nested, const struct gg_arch *arch,
				 struct gg_cpu_state *state, bool *ret)
{
	size_t unread = 0;
	*ret = !arch->cpu || !arch->cpu->is_mode;
	for (size_t i = 0; !*ret && i < nested->machine->vcpu_count; i++) {
		struct gg_error *err = read_vcpu(nested, &nested->cpus[i], state);
		if (!err)
			*ret = arch->cpu->is_mode(&state->own);
		unread += err != NULL;
		err = gg_error_unless_final(err);
		if (err)
			return err;
	}
	*ret |= unread == nested->machine->vcpu_count;
	return NULL;
}

// Finds the architecture among the outer kernel's and its siblings, by the modes of the vCPUs.
static struct gg_error *nested_find_arch(struct gg_source *source, const struct gg_ram_map *map,
					 const struct gg_qemu_cpus *cpus,
					 const struct gg_arch **ret)
{
	(void)map;
	const struct nested_source *nested = (const struct nested_source *)source;
	const struct gg_arch *arch = nested->kernel->arch, *sibling;
	bool found = !cpus->count;
	struct gg_error *err = NULL;
	struct gg_cpu_state *state = malloc(sizeof(*state));
	if (!state)
		return gg_enomem;
	*ret = arch;
	if (!found)
		err = has_mode(nested, arch, state, &found);
	for (size_t i = 0; !err && !found && (sibling = gg_arch_sibling(arch, i)); i++) {
		err = has_mode(nested, sibling, state, &found);
		*ret = found ? sibling : arch;
	}
	free(state);
	return err;
}

// ---- Facts ----

static char *print(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Returns the text, which the caller frees; NULL without memory.
static char *print(const char *format, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, format);
	const int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return length < 0 ? NULL : text;
}

// Names the nested guest; OUTER is the name of the outer guest.
static struct gg_error *make_name(const struct nested_source *nested,
				  const struct gg_nested_name *outer, struct gg_nested_name *ret)
{
	const struct gg_kvm_machine *machine = nested->machine;
	const char *number = outer->number ? outer->number : "";
	const char *place = outer->place ? outer->place : "", *dot = outer->number ? "." : "";
	_cleanup_free_ char *comm = gg_text_escape(machine->has_task ? machine->task.comm : "?");
	if (!comm)
		return gg_enomem;
	ret->number = print("%s%s%zu", number, dot, nested->number);
	ret->process =
		print("process %" PRId32 " (%s)", machine->has_task ? machine->task.tgid : 0, comm);
	ret->place = print("%s%s0x%" PRIx64, place, dot, machine->address);
	return ret->number && ret->process && ret->place ? NULL : gg_enomem;
}

static struct gg_error *nested_facts(struct gg_source *source, struct gg_source_facts *ret)
{
	struct nested_source *nested = (struct nested_source *)source;
	struct gg_source_facts outer;
	struct gg_error *err = nested->machine ? NULL : find_machine(nested);
	if (err)
		return err;
	err = gg_guest_facts(nested->outer, &outer);
	if (!err)
		err = make_name(nested, &outer.nested, &ret->nested);
	ret->origin = no_cleanup_ptr(outer.origin);
	gg_source_facts_deinit(&outer);
	return err;
}

static struct gg_error *nested_run_state(struct gg_source *source, char **ret)
{
	return gg_guest_run_state(((struct nested_source *)source)->outer, ret);
}

// Forgets the machines, which are listed anew with the CPUs.
static void nested_ran(struct gg_source *source)
{
	struct nested_source *nested = (struct nested_source *)source;
	gg_guest_ran(nested->outer);
	gg_backing_ran(source->backing);
	forget_peers(nested);
	gg_kvm_machines_deinit(&nested->machines);
	free(nested->cpus);
	nested->cpus = NULL;
	nested->machine = NULL;
	nested->wanted = nested->address;
}

const struct gg_source_ops gg_source_nested = {
	.name = "nested guest",
	.accepts = nested_accepts,
	.open = nested_open,
	.ram = nested_ram,
	.cpus = nested_cpus,
	.find_arch = nested_find_arch,
	.arch_without_cpus = true,
	.read_cpu = nested_read_cpu,
	.facts = nested_facts,
	.run_state = nested_run_state,
	.absent_advice = nested_absent_advice,
	.ran = nested_ran,
	.destroy = nested_destroy,
};
