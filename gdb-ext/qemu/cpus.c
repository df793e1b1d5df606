// SPDX-License-Identifier: GPL-3.0-or-later
//
// QEMU's list of vCPUs (include/hw/core/cpu.h; before v5.0 include/qom/cpu.h).
//
// In:  the host: the list's head, CPUState.
// Out: the CPUs in the list's order, which is that of QEMU's own notes.
// Trusts nothing it reads: the list is bounded, and each cpu_index is compared with those before.
#include "cpus.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>

struct cpu_layout {
	struct gg_member next, index, dirty, running;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct cpu_layout, next, "CPUState", "node.tqe_next"),
	GG_LAYOUT_ROW(struct cpu_layout, index, "CPUState", "cpu_index"),
	// "kvm_vcpu_dirty" became "vcpu_dirty" in v2.10.
	GG_LAYOUT_ROW_OPTIONAL(struct cpu_layout, dirty, "CPUState", "vcpu_dirty",
			       "kvm_vcpu_dirty"),
	// Since v2.8.
	GG_LAYOUT_ROW_OPTIONAL(struct cpu_layout, running, "CPUState", "running"),
};

// The list's head is "cpus_queue" since v8.2 and was "cpus" before; the first CPU is its first
// word.
static struct gg_error *find_first(const struct gg_host *host, uint64_t *ret)
{
	uint64_t head;
	struct gg_error *err = gg_host_symbol(host, "cpus_queue", &head);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		err = gg_host_symbol(host, "cpus", &head);
	}
	return err ? err : gg_host_read_uint(host, head, host->address_size, ret);
}

// Tests an accelerator's flag, a bool; a flag that is not in this QEMU is not set.
static struct gg_error *read_allowed(const struct gg_host *host, const char *name, bool *ret)
{
	uint64_t address, value = 0;
	struct gg_error *err = gg_host_symbol(host, name, &address);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		*ret = false;
		return NULL;
	}
	if (!err)
		err = gg_host_read_uint(host, address, 1, &value);
	*ret = value;
	return err;
}

static struct gg_error *read_accelerator(const struct gg_host *host, enum gg_accelerator *ret)
{
	bool tcg = false, kvm = false;
	struct gg_error *err = read_allowed(host, "tcg_allowed", &tcg);
	if (!err)
		err = read_allowed(host, "kvm_allowed", &kvm);
	*ret = tcg == kvm ? GG_ACCELERATOR_UNKNOWN : kvm ? GG_ACCELERATOR_KVM : GG_ACCELERATOR_TCG;
	return err;
}

// Tests KVMState.guest_state_protected, since v6.0: the registers of a guest with encrypted state
// (SEV-ES, TDX) never reach QEMU.
static struct gg_error *read_protected(const struct gg_host *host, bool *ret)
{
	struct gg_member member;
	uint64_t variable, state = 0, value = 0;
	struct gg_error *err =
		host->ops->member(host->data, "KVMState", "guest_state_protected", &member);
	if (!err)
		err = gg_host_symbol(host, "kvm_state", &variable);
	if (!err)
		err = gg_host_read_uint(host, variable, host->address_size, &state);
	if (!err && state)
		err = gg_host_read_member(host, state, &member, &value);
	*ret = value;
	if (!err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	gg_error_destroy(err);
	return NULL;
}

static void set_freshness(struct gg_qemu_cpu *cpu, enum gg_freshness freshness, const char *why)
{
	cpu->freshness = freshness;
	cpu->why = why;
}

// Finds the freshness under TCG, which works on QEMU's copy itself, but keeps some registers
// elsewhere while it executes.
static struct gg_error *read_freshness_tcg(const struct gg_host *host,
					   const struct cpu_layout *layout, struct gg_qemu_cpu *cpu)
{
	uint64_t running;
	set_freshness(cpu, GG_UNKNOWN, "this QEMU does not record whether TCG was executing");
	if (!layout->running.size)
		return NULL;
	struct gg_error *err = gg_host_read_member(host, cpu->address, &layout->running, &running);
	if (!err && running)
		set_freshness(cpu, GG_UNKNOWN,
			      "TCG was executing: pc, flags and general registers may be behind");
	else if (!err)
		set_freshness(cpu, GG_CURRENT, "");
	return err;
}

// Finds the freshness under KVM, which has a copy of its own: vcpu_dirty tells which copy counts.
static struct gg_error *read_freshness_kvm(const struct gg_host *host,
					   const struct cpu_layout *layout, struct gg_qemu_cpu *cpu)
{
	uint64_t dirty = 0;
	bool is_protected = false;
	set_freshness(cpu, GG_UNKNOWN, "this QEMU does not record whether KVM has run the CPU");
	if (!layout->dirty.size)
		return NULL;
	struct gg_error *err = gg_host_read_member(host, cpu->address, &layout->dirty, &dirty);
	if (!err)
		err = read_protected(host, &is_protected);
	if (!err && is_protected)
		set_freshness(cpu, GG_UNKNOWN, "the guest's registers are encrypted");
	else if (!err && dirty)
		set_freshness(cpu, GG_CURRENT, "");
	else if (!err)
		set_freshness(cpu, GG_STALE, "KVM has run the CPU since QEMU last had them");
	return err;
}

static struct gg_error *read_freshness(const struct gg_host *host, const struct cpu_layout *layout,
				       struct gg_qemu_cpu *cpu)
{
	switch (cpu->accelerator) {
	case GG_ACCELERATOR_TCG:
		return read_freshness_tcg(host, layout, cpu);
	case GG_ACCELERATOR_KVM:
		return read_freshness_kvm(host, layout, cpu);
	default:
		set_freshness(cpu, GG_UNKNOWN, "QEMU's accelerator is not known");
		return NULL;
	}
}

struct gg_error *gg_qemu_cpus_add(struct gg_qemu_cpus *cpus, const struct gg_qemu_cpu *cpu)
{
	if (cpu->index >= GG_QEMU_MAX_CPUS)
		return gg_error_create(GG_BAD_DATA, "cpu_index is %" PRIu32 ", not below %d",
				       cpu->index, GG_QEMU_MAX_CPUS);
	for (size_t i = 0; i < cpus->count; i++)
		if (cpus->cpus[i].index == cpu->index)
			return gg_error_create(GG_BAD_DATA,
					       "two CPUs of the list have the cpu_index %" PRIu32,
					       cpu->index);
	struct gg_error *err = gg_vector_grow(&cpus->cpus, cpus->count, sizeof(*cpus->cpus));
	if (!err)
		cpus->cpus[cpus->count++] = *cpu;
	return err;
}

static struct gg_error *read_cpu(const struct gg_host *host, const struct cpu_layout *layout,
				 enum gg_accelerator accelerator, uint64_t address,
				 struct gg_qemu_cpu *ret)
{
	uint64_t index;
	struct gg_error *err = gg_host_read_member(host, address, &layout->index, &index);
	if (err)
		return err;
	if (index >= GG_QEMU_MAX_CPUS)
		return gg_error_create(GG_BAD_DATA, "cpu_index is %" PRIu64 ", not below %d", index,
				       GG_QEMU_MAX_CPUS);
	*ret = (struct gg_qemu_cpu){ .address = address,
				     .index = (uint32_t)index,
				     .accelerator = accelerator };
	return read_freshness(host, layout, ret);
}

static struct gg_error *read_list(const struct gg_host *host, const struct cpu_layout *layout,
				  struct gg_qemu_cpus *ret)
{
	uint64_t address;
	struct gg_error *err = find_first(host, &address);
	while (!err && address) {
		struct gg_qemu_cpu cpu;
		err = gg_interrupt_check();
		if (!err)
			err = read_cpu(host, layout, ret->accelerator, address, &cpu);
		if (!err)
			err = gg_qemu_cpus_add(ret, &cpu);
		if (err)
			return gg_error_context(err, "CPUState at 0x%" PRIx64, address);
		err = gg_host_read_member(host, address, &layout->next, &address);
	}
	return err;
}

struct gg_error *gg_qemu_cpus_read(const struct gg_host *host, struct gg_qemu_cpus *ret)
{
	struct cpu_layout layout;
	*ret = (struct gg_qemu_cpus){ 0 };
	struct gg_error *err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &layout);
	if (!err)
		err = read_accelerator(host, &ret->accelerator);
	if (!err)
		err = read_list(host, &layout, ret);
	if (!err && !ret->count)
		err = gg_error_create(GG_NOT_FOUND, "the list is empty");
	if (err) {
		gg_qemu_cpus_deinit(ret);
		return gg_error_context(err, "reading QEMU's list of CPUs");
	}
	return NULL;
}

void gg_qemu_cpus_deinit(struct gg_qemu_cpus *cpus)
{
	free(cpus->cpus);
	free(cpus->text);
	*cpus = (struct gg_qemu_cpus){ 0 };
}
