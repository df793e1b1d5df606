// SPDX-License-Identifier: GPL-3.0-or-later
//
// The machines of KVM (Linux virt/kvm/kvm_main.c), by the types of the kernel, of kvm and of
// the vendor's module.
//
// In:  the kernel's symbols, members and memory.
// Out: machines with their vCPUs and the process that runs each.
// Trusts nothing it reads: a list that comes back to an earlier machine ends, and the numbers of
// machines, vCPUs and levels are bounded.
#include "layout.h"
#include "base/vector.h"
#include "linux/arch-ops.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
	MAX_MACHINES = 4096,
	MAX_VCPUS = 4096, // KVM_MAX_VCPUS
};

// ---- Members ----

#define ROW(member, type, ...) GG_LAYOUT_ROW(struct gg_kvm_layout, member, type, __VA_ARGS__)
#define OPTIONAL(member, type, ...)                                                                \
	GG_LAYOUT_ROW_OPTIONAL(struct gg_kvm_layout, member, type, __VA_ARGS__)

static const struct gg_layout_row rows[] = {
	ROW(vm_list, "kvm", "vm_list"),
	ROW(mm, "kvm", "mm"),
	ROW(online, "kvm", "online_vcpus.counter"),
	ROW(memslots, "kvm", "memslots"),
	// An xarray since Linux commit c5b077549136 (v5.17), an array before.
	OPTIONAL(vcpu_array, "kvm", "vcpu_array"),
	OPTIONAL(vcpus, "kvm", "vcpus"),
	ROW(xarray.head, "xarray", "xa_head"),
	ROW(xarray.shift, "xa_node", "shift"),
	ROW(xarray.slot, "xa_node", "slots[0]"),
	// Trees since Linux commit a54d806688fe (v5.17), arrays before.
	OPTIONAL(tree, "kvm_memslots", "gfn_tree.rb_node"),
	OPTIONAL(index, "kvm_memslots", "node_idx"),
	OPTIONAL(node, "kvm_memory_slot", "gfn_node[0]"),
	OPTIONAL(used, "kvm_memslots", "used_slots"),
	OPTIONAL(array, "kvm_memslots", "memslots[0]"),
	ROW(left, "rb_node", "rb_left"),
	ROW(right, "rb_node", "rb_right"),
	ROW(gfn, "kvm_memory_slot", "base_gfn"),
	ROW(pages, "kvm_memory_slot", "npages"),
	ROW(user, "kvm_memory_slot", "userspace_addr"),
	OPTIONAL(flags, "kvm_memory_slot", "flags"),
	OPTIONAL(type, "kvm", "arch.vm_type"),
	OPTIONAL(sev, "kvm_svm", "sev_info.active"),
	ROW(id, "kvm_vcpu", "vcpu_id"),
	ROW(mode, "kvm_vcpu", "mode"),
	ROW(cpu, "kvm_vcpu", "cpu"),
	ROW(state, "kvm_vcpu", "arch.mp_state"),
	ROW(pgd, "mm_struct", "pgd"),
	OPTIONAL(owner, "mm_struct", "owner"),
	OPTIONAL(vcpu_in_vendor, "vcpu_svm", "vcpu"),
	OPTIONAL(control_block, "vcpu_svm", "vmcb"),
	OPTIONAL(exit, "vmcb", "control.exit_code"),
	OPTIONAL(vcpu_in_vmx, "vcpu_vmx", "vcpu"),
	// A member of the part that VMX and TDX share since Linux v6.16.
	OPTIONAL(vmx_exit, "vcpu_vmx", "vt.exit_reason", "exit_reason"),
};

// Finds a member as gg_host_ops.member does, in the types of modules too. The kernel's other readers do not
// look there: over a wire this look reads the BTF as a whole.
static struct gg_error *find_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	const struct gg_answerers *kernel = data;
	const struct gg_btf *btf;
	struct gg_btf_member member;
	uint32_t id;
	struct gg_error *err = kernel->typed.ops->member(kernel->typed.data, type, path, ret);
	if (!err || gg_error_kind(err) != GG_NOT_FOUND || !kernel->types)
		return err;
	gg_error_destroy(err);
	err = gg_types_find(kernel->types, type, &btf, &id);
	if (!err)
		err = gg_btf_member(btf, id, path, &member);
	if (!err)
		*ret = (struct gg_member){ .offset = member.bit_offset / 8, .size = member.size };
	return err;
}

static struct gg_error *read_memory(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_answerers *kernel = data;
	return kernel->typed.ops->read(kernel->typed.data, address, buffer, size);
}

struct gg_host gg_kvm_host(const struct gg_answerers *kernel)
{
	static const struct gg_host_ops ops = { .read = read_memory, .member = find_member };
	return (struct gg_host){ .ops = &ops,
				 .data = (void *)kernel,
				 .big_endian = kernel->typed.big_endian,
				 .address_size = kernel->typed.address_size };
}

struct gg_error *gg_kvm_layout_resolve(const struct gg_answerers *kernel, struct gg_kvm_layout *ret)
{
	const struct gg_host host = gg_kvm_host(kernel);
	*ret = (struct gg_kvm_layout){ 0 };
	struct gg_error *err = gg_layout_resolve(&host, rows, sizeof(rows) / sizeof(*rows), ret);
	if (!err && !ret->vcpu_array.size && !ret->vcpus.size)
		err = gg_error_create(GG_NOT_FOUND, "struct kvm has no vCPUs");
	if (!err && !(ret->tree.size && ret->index.size && ret->node.size) &&
	    !(ret->used.size && ret->array.size))
		err = gg_error_create(GG_NOT_FOUND, "struct kvm_memslots has no slots");
	return err;
}

struct gg_error *gg_kvm_read_vcpu(const struct gg_answerers *kernel,
				  const struct gg_vcpu_peers *peers, gg_gva_t vcpu,
				  const struct gg_registers *inside, struct gg_cpu_state *ret)
{
	const struct gg_host host = gg_kvm_host(kernel);
	return kernel->arch->kernel->read_vcpu(&host, peers, vcpu, inside, ret);
}

// ---- vCPUs ----

// Reads the reason of the last exit out of a vcpu_vmx.
static struct gg_error *read_vmx_exit(const struct gg_kvm_reader *reader, struct gg_kvm_vcpu *vcpu)
{
	const struct gg_kvm_layout *layout = &reader->layout;
	struct gg_error *err =
		gg_host_read_member(reader->host, vcpu->address - layout->vcpu_in_vmx.offset,
				    &layout->vmx_exit, &vcpu->exit);
	vcpu->has_exit = !err;
	vcpu->reason = err ? NULL : reader->kernel->arch->kernel->vmx_exit(vcpu->exit);
	return gg_error_unless_final(err);
}

// Reads the reason of the last exit out of the vendor's part; a vendor whose types are not known has
// none.
static struct gg_error *read_exit(const struct gg_kvm_reader *reader, struct gg_kvm_vcpu *vcpu)
{
	const struct gg_kvm_layout *layout = &reader->layout;
	const struct gg_linux_ops *ops = reader->kernel->arch->kernel;
	gg_gva_t block;
	if (!layout->control_block.size && layout->vmx_exit.size && ops->vmx_exit)
		return read_vmx_exit(reader, vcpu);
	if (!layout->control_block.size || !layout->exit.size)
		return NULL;
	struct gg_error *err =
		gg_host_read_member(reader->host, vcpu->address - layout->vcpu_in_vendor.offset,
				    &layout->control_block, &block);
	if (!err)
		err = gg_host_read_member(reader->host, block, &layout->exit, &vcpu->exit);
	vcpu->has_exit = !err;
	vcpu->reason = err ? NULL : ops->vm_exit(vcpu->exit);
	return gg_error_unless_final(err);
}

static struct gg_error *read_vcpu(const struct gg_kvm_reader *reader, struct gg_kvm_vcpu *ret)
{
	enum { OUTSIDE_GUEST_MODE, IN_GUEST_MODE, EXITING_GUEST_MODE };
	const struct gg_kvm_layout *layout = &reader->layout;
	uint64_t id, cpu, mode;
	struct gg_error *err = gg_host_read_member(reader->host, ret->address, &layout->id, &id);
	if (!err)
		err = gg_host_read_member(reader->host, ret->address, &layout->mode, &mode);
	if (!err)
		err = gg_host_read_member(reader->host, ret->address, &layout->cpu, &cpu);
	if (!err)
		err = gg_host_read_member(reader->host, ret->address, &layout->state, &ret->state);
	if (err)
		return err;
	ret->id = (uint32_t)id;
	ret->cpu = (uint32_t)cpu;
	ret->in_guest = mode == IN_GUEST_MODE || mode == EXITING_GUEST_MODE;
	return read_exit(reader, ret);
}

static int compare_vcpus(const void *a, const void *b)
{
	const struct gg_kvm_vcpu *one = a, *other = b;
	return one->id < other->id ? -1 : one->id > other->id;
}

// Finds the vCPU INDEX of the machine at ADDRESS, in the order in which the vCPUs were created.
static struct gg_error *find_vcpu(const struct gg_kvm_reader *reader, gg_gva_t address,
				  uint64_t index, gg_gva_t *ret)
{
	const struct gg_kvm_layout *layout = &reader->layout;
	const unsigned int word = reader->host->address_size;
	const struct gg_member place = { layout->vcpus.offset + index * word, word };
	struct gg_xarray_entry entry = { 0 };
	*ret = 0;
	if (!layout->vcpu_array.size)
		return index < layout->vcpus.size / word
			       ? gg_host_read_member(reader->host, address, &place, ret)
			       : NULL;
	struct gg_error *err = gg_xarray_find(reader->host, &layout->xarray,
					      address + layout->vcpu_array.offset, index, &entry);
	*ret = entry.value & 3 ? 0 : entry.value;
	return err;
}

// Reads the vCPUs, which the kernel has in the order in which they were created.
static struct gg_error *read_vcpus(const struct gg_kvm_reader *reader,
				   struct gg_kvm_machine *machine)
{
	const struct gg_kvm_layout *layout = &reader->layout;
	uint64_t count;
	struct gg_error *err =
		gg_host_read_member(reader->host, machine->address, &layout->online, &count);
	if (!err && count > MAX_VCPUS)
		err = gg_error_create(GG_BAD_DATA, "%" PRIu64 " vCPUs, more than %d", count,
				      MAX_VCPUS);
	for (uint64_t i = 0; !err && i < count; i++) {
		struct gg_kvm_vcpu vcpu = { 0 };
		err = find_vcpu(reader, machine->address, i, &vcpu.address);
		if (!err && !vcpu.address)
			err = gg_error_create(GG_BAD_DATA, "vCPU %" PRIu64 " is not in the array",
					      i);
		if (!err)
			err = read_vcpu(reader, &vcpu);
		if (!err)
			err = gg_vector_grow(&machine->vcpus, machine->vcpu_count, sizeof(vcpu));
		if (!err)
			machine->vcpus[machine->vcpu_count++] = vcpu;
	}
	if (machine->vcpu_count)
		qsort(machine->vcpus, machine->vcpu_count, sizeof(*machine->vcpus), compare_vcpus);
	return err ? gg_error_context(err, "vCPUs") : NULL;
}

// ---- Machines ----

static struct gg_error *read_task(const struct gg_kvm_reader *reader,
				  struct gg_kvm_machine *machine)
{
	const struct gg_kvm_layout *layout = &reader->layout;
	gg_gva_t task = 0;
	struct gg_error *err =
		gg_host_read_member(reader->host, machine->address, &layout->mm, &machine->mm);
	if (!err && layout->owner.size && machine->mm)
		err = gg_host_read_member(reader->host, machine->mm, &layout->owner, &task);
	if (!err && task)
		err = gg_tasks_read_one(reader->kernel, task, &machine->task);
	machine->has_task = !err && task;
	return err ? gg_error_context(err, "its process") : NULL;
}

// Passes ERR, which is consumed, to the notices, unless it is final.
static struct gg_error *tell_damage(const struct gg_kvm_reader *reader, gg_gva_t machine,
				    struct gg_error *err)
{
	if (!err || gg_error_is_final(err))
		return err;
	struct gg_error *told = gg_tell(reader->notices, "the struct kvm at 0x%" PRIx64 ": %s",
					machine, gg_error_message(err));
	gg_error_destroy(err);
	return told;
}

// Finds the hardware's encryption of the machine's memory. The machine is the first member of the vendor's. Machines
// of SEV may have the type of machines without encryption.
static struct gg_error *read_encryption(const struct gg_kvm_reader *reader,
					struct gg_kvm_machine *machine)
{
	// KVM_X86_..._VM (Linux arch/x86/include/uapi/asm/kvm.h, v6.16).
	static const char *const names[] = { NULL, NULL, "SEV", "SEV-ES", "SEV-SNP", "TDX" };
	const struct gg_kvm_layout *layout = &reader->layout;
	uint64_t type = 0, is_sev = 0;
	struct gg_error *err = NULL;
	if (layout->type.size)
		err = gg_host_read_member(reader->host, machine->address, &layout->type, &type);
	if (!err && layout->sev.size)
		err = gg_host_read_member(reader->host, machine->address, &layout->sev, &is_sev);
	if (err)
		return gg_error_context(err, "its memory's encryption");
	if (type < sizeof(names) / sizeof(*names))
		machine->encrypted = names[type];
	if (!machine->encrypted && is_sev == 1)
		machine->encrypted = "SEV";
	return NULL;
}

static struct gg_error *read_machine(const struct gg_kvm_reader *reader,
				     const struct gg_ram_map *map, bool count_memory,
				     struct gg_kvm_machine *ret)
{
	struct gg_error *err = tell_damage(reader, ret->address, read_task(reader, ret));
	if (!err)
		err = tell_damage(reader, ret->address, read_vcpus(reader, ret));
	if (!err)
		err = tell_damage(reader, ret->address, gg_kvm_read_slots(reader, ret));
	if (!err)
		err = tell_damage(reader, ret->address, read_encryption(reader, ret));
	if (!err && count_memory)
		err = tell_damage(reader, ret->address, gg_kvm_count_memory(reader, map, ret));
	return err;
}

static bool is_known(const struct gg_kvm_machines *machines, gg_gva_t address)
{
	for (size_t i = 0; i < machines->count; i++)
		if (machines->machines[i].address == address)
			return true;
	return false;
}

// Lists the machines by their addresses. The kernel's newest machine is the list's first.
static struct gg_error *list_machines(const struct gg_kvm_reader *reader, gg_gva_t head,
				      struct gg_kvm_machines *ret)
{
	const struct gg_member next = { 0, reader->host->address_size };
	gg_gva_t node;
	struct gg_error *err = gg_host_read_member(reader->host, head, &next, &node);
	while (!err && node != head) {
		const struct gg_kvm_machine machine = { .address = node -
								   reader->layout.vm_list.offset };
		if (ret->count == MAX_MACHINES || is_known(ret, machine.address))
			return gg_error_create(GG_BAD_DATA,
					       "the list comes back to 0x%" PRIx64
					       " behind %zu machines",
					       node, ret->count);
		err = gg_interrupt_check();
		if (!err)
			err = gg_vector_grow(&ret->machines, ret->count, sizeof(machine));
		if (!err)
			ret->machines[ret->count++] = machine;
		if (!err)
			err = gg_host_read_member(reader->host, node, &next, &node);
	}
	return err;
}

static void reverse(struct gg_kvm_machines *machines)
{
	for (size_t i = 0, j = machines->count; i + 1 < j; i++) {
		const struct gg_kvm_machine machine = machines->machines[i];
		machines->machines[i] = machines->machines[--j];
		machines->machines[j] = machine;
	}
}

// Lists the machines; a damaged list is shorter, and a notice says so.
static struct gg_error *find_machines(const struct gg_kvm_reader *reader, gg_gva_t head,
				      struct gg_kvm_machines *ret)
{
	struct gg_error *err = list_machines(reader, head, ret);
	reverse(ret);
	if (!err || gg_error_is_final(err))
		return err;
	struct gg_error *told = gg_tell(
		reader->notices, "KVM's list of machines is damaged, and there may be more: %s",
		gg_error_message(err));
	gg_error_destroy(err);
	return told;
}

void gg_kvm_machines_deinit(struct gg_kvm_machines *machines)
{
	for (size_t i = 0; i < machines->count; i++) {
		free(machines->machines[i].vcpus);
		free(machines->machines[i].slots);
	}
	free(machines->machines);
	*machines = (struct gg_kvm_machines){ 0 };
}

// Prepares READER, and lists the machines, of which RET has the addresses alone.
static struct gg_error *begin(const struct gg_answerers *kernel, const struct gg_notices *notices,
			      struct gg_kvm_reader *reader, struct gg_kvm_machines *ret)
{
	struct gg_symbol list = { 0 };
	*reader = (struct gg_kvm_reader){ .kernel = kernel,
					  .host = &kernel->typed,
					  .notices = notices,
					  .page_size =
						  gg_page_table_page_size(kernel->memory.table) };
	*ret = (struct gg_kvm_machines){ 0 };
	if (!kernel->arch->kernel || !kernel->arch->kernel->vm_exit)
		return gg_arch_not_yet(kernel->arch, "KVM's machines");
	struct gg_error *err = gg_symbols_find_everywhere(kernel->symbols, "vm_list", &list);
	if (err && gg_error_kind(err) == GG_NOT_FOUND)
		err = gg_error_context(err, "the kernel has not loaded KVM");
	if (!err)
		err = gg_kvm_layout_resolve(kernel, &reader->layout);
	return err ? err : find_machines(reader, list.address, ret);
}

struct gg_error *gg_kvm_read(const struct gg_answerers *kernel, const struct gg_ram_map *map,
			     bool count_memory, const struct gg_notices *notices,
			     struct gg_kvm_machines *ret)
{
	struct gg_kvm_reader reader;
	struct gg_error *err = begin(kernel, notices, &reader, ret);
	for (size_t i = 0; !err && i < ret->count; i++)
		err = read_machine(&reader, map, count_memory, &ret->machines[i]);
	if (err)
		gg_kvm_machines_deinit(ret);
	return err;
}

struct gg_error *gg_kvm_read_one(const struct gg_answerers *kernel, uint64_t wanted,
				 struct gg_kvm_machines *ret, size_t *index)
{
	struct gg_kvm_reader reader;
	struct gg_error *err = begin(kernel, NULL, &reader, ret);
	*index = ret->count;
	for (size_t i = 0; !err && i < ret->count; i++)
		if (wanted == i + 1 || wanted == ret->machines[i].address)
			*index = i;
	if (!err && *index < ret->count)
		err = read_machine(&reader, NULL, false, &ret->machines[*index]);
	if (err)
		gg_kvm_machines_deinit(ret);
	return err;
}
