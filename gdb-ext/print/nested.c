// SPDX-License-Identifier: GPL-3.0-or-later
//
// The nested guests as text or as JSON, an object on a line for each.
#include "base/json.h"
#include "guest/inside.h"
#include "guest/nested.h"
#include "nested-scanned.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>

// Returns the word for what VCPU does.
static const char *word_of(const struct gg_kvm_vcpu *vcpu)
{
	if (vcpu->in_guest)
		return "on a CPU";
	switch (vcpu->state) {
	case GG_KVM_RUNNABLE:
		return "outside";
	case GG_KVM_HALTED:
		return "halted";
	case GG_KVM_UNINITIALIZED:
	case GG_KVM_INIT:
		return "not started";
	default:
		return "in another state";
	}
}

// ---- The kernels inside ----

// Finds the kernels in MACHINES. RET has an element for each, and stays without kernels where the memory is not looked at.
static struct gg_error *find_kernels(struct gg_guest *guest, const struct gg_kvm_machines *machines,
				     const struct gg_notices *notices,
				     struct gg_inside_kernel **ret)
{
	enum { MAX_KERNELS = 256 }; // some ms each
	struct gg_error *err = NULL;
	*ret = calloc(machines->count + 1, sizeof(**ret));
	if (!*ret)
		return gg_enomem;
	for (size_t i = 0; !err && i < machines->count && i < MAX_KERNELS; i++) {
		err = gg_interrupt_check();
		if (!err && machines->machines[i].memory.counted)
			err = gg_guest_kernel_inside(guest, &machines->machines[i], &(*ret)[i]);
	}
	if (!err && machines->count > MAX_KERNELS)
		err = gg_tell(notices, "kernels are looked for in the first %d nested guests",
			      MAX_KERNELS);
	return err;
}

static void free_kernels(struct gg_inside_kernel *kernels, size_t count)
{
	for (size_t i = 0; kernels && i < count; i++)
		free(kernels[i].release);
	free(kernels);
}

static const char *kernel_word(const struct gg_inside_kernel *kernel)
{
	static const char *const words[] = { [GG_INSIDE_UNKNOWN] = "?",
					     [GG_INSIDE_LINUX] = "Linux",
					     [GG_INSIDE_NONE] = "no Linux found",
					     [GG_INSIDE_ABSENT] = "memory absent",
					     [GG_INSIDE_ENCRYPTED] = "encrypted" };
	return words[kernel->kind];
}

// ---- JSON ----

static void append_kernel_json(struct gg_buffer *out, const struct gg_inside_kernel *kernel)
{
	static const char *const words[] = { [GG_INSIDE_UNKNOWN] = NULL,
					     [GG_INSIDE_LINUX] = "linux",
					     [GG_INSIDE_NONE] = "not found",
					     [GG_INSIDE_ABSENT] = "absent",
					     [GG_INSIDE_ENCRYPTED] = "encrypted" };
	gg_json_string(out, "kernel", words[kernel->kind]);
	gg_json_string(out, "release", kernel->release);
}

static void append_vcpu_json(struct gg_buffer *out, const struct gg_kvm_vcpu *vcpu)
{
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "id", vcpu->id);
	gg_json_string(out, "state", word_of(vcpu));
	if (vcpu->in_guest)
		gg_json_uint(out, "cpu", vcpu->cpu);
	else
		gg_json_null(out, "cpu");
	if (vcpu->has_exit)
		gg_json_uint(out, "exit_code", vcpu->exit);
	else
		gg_json_null(out, "exit_code");
	gg_json_string(out, "exit", vcpu->reason);
	gg_json_address(out, "kvm_vcpu", vcpu->address);
	gg_json_close_object(out);
}

static void append_count(struct gg_buffer *out, const char *key, const struct gg_kvm_memory *memory,
			 uint64_t value)
{
	if (memory->counted)
		gg_json_uint(out, key, value);
	else
		gg_json_null(out, key);
}

static void append_slots_json(struct gg_buffer *out, const struct gg_kvm_machine *machine)
{
	gg_json_open_array(out, "ram");
	for (size_t i = 0; i < machine->slot_count; i++) {
		gg_json_open_object(out, NULL);
		gg_json_address(out, "start", machine->slots[i].gpa);
		gg_json_uint(out, "size", machine->slots[i].size);
		gg_json_address(out, "address", machine->slots[i].user);
		gg_json_close_object(out);
	}
	gg_json_close_array(out);
}

static void append_json(struct gg_buffer *out, const struct gg_kvm_machine *machine,
			const struct gg_inside_kernel *kernel, size_t number)
{
	const struct gg_kvm_memory *memory = &machine->memory;
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "number", number);
	if (machine->has_task)
		gg_json_format(out, "pid", "%" PRId32, machine->task.tgid);
	else
		gg_json_null(out, "pid");
	gg_json_string(out, "comm", machine->has_task ? machine->task.comm : NULL);
	gg_json_open_array(out, "vcpus");
	for (size_t i = 0; i < machine->vcpu_count; i++)
		append_vcpu_json(out, &machine->vcpus[i]);
	gg_json_close_array(out);
	gg_json_uint(out, "size", memory->size);
	append_count(out, "there", memory, memory->there);
	append_count(out, "swapped", memory, memory->swapped);
	append_count(out, "absent", memory, memory->absent);
	append_slots_json(out, machine);
	append_kernel_json(out, kernel);
	gg_json_string(out, "encrypted", machine->encrypted);
	gg_json_address(out, "kvm", machine->address);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

// ---- Text ----

enum { COLUMN = 10, KERNEL = 14 };

static void append_size(struct gg_buffer *out, bool known, uint64_t bytes)
{
	struct gg_buffer size = { 0 };
	if (known)
		gg_append_size(&size, bytes);
	else
		gg_buffer_format(&size, "?");
	gg_buffer_format(out, " %*.*s", COLUMN, (int)size.size,
			 size.failed ? "" : (const char *)size.bytes);
	out->failed |= size.failed;
	gg_buffer_deinit(&size);
}

// Appends "2: 1 on a CPU, 1 halted".
static void append_states(struct gg_buffer *out, const struct gg_kvm_machine *machine)
{
	static const char *const words[] = { "on a CPU", "outside", "halted", "not started",
					     "in another state" };
	const char *separator = ":";
	gg_buffer_format(out, "  %zu", machine->vcpu_count);
	if (machine->encrypted)
		gg_buffer_format(out, " encrypted by %s", machine->encrypted);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t count = 0;
		for (size_t j = 0; j < machine->vcpu_count; j++)
			count += word_of(&machine->vcpus[j]) == words[i];
		if (count)
			gg_buffer_format(out, "%s %zu %s", separator, count, words[i]);
		separator = count ? "," : separator;
	}
	gg_buffer_format(out, "\n");
}

static void append_vcpu(struct gg_buffer *out, const struct gg_kvm_vcpu *vcpu)
{
	gg_buffer_format(out, "       vCPU %" PRIu32 "  ", vcpu->id);
	if (vcpu->in_guest)
		gg_buffer_format(out, "on CPU %" PRIu32, vcpu->cpu);
	else
		gg_buffer_format(out, "%s", word_of(vcpu));
	if (vcpu->reason)
		gg_buffer_format(out, ", last exit %s", vcpu->reason);
	else if (vcpu->has_exit)
		gg_buffer_format(out, ", last exit 0x%" PRIx64, vcpu->exit);
	gg_buffer_format(out, "\n");
}

static void append_text(struct gg_buffer *out, const struct gg_kvm_machine *machine,
			const struct gg_inside_kernel *kernel, size_t number, bool vcpus)
{
	const struct gg_kvm_memory *memory = &machine->memory;
	gg_buffer_format(out, "%4zu ", number);
	if (machine->has_task)
		gg_buffer_format(out, "%7" PRId32 "  %-15s", machine->task.tgid,
				 machine->task.comm);
	else
		gg_buffer_format(out, "%7s  %-15s", "?", "?");
	append_size(out, true, memory->size);
	append_size(out, memory->counted, memory->there);
	append_size(out, memory->counted, memory->swapped);
	append_size(out, memory->counted, memory->absent);
	gg_buffer_format(out, "  %-*s", KERNEL,
			 kernel->release ? kernel->release : kernel_word(kernel));
	append_states(out, machine);
	for (size_t i = 0; vcpus && i < machine->vcpu_count; i++)
		append_vcpu(out, &machine->vcpus[i]);
}

static void append_all(struct gg_buffer *out, const struct gg_kvm_machines *machines,
		       const struct gg_inside_kernel *kernels,
		       const struct gg_nested_options *options)
{
	if (!options->json && machines->count)
		gg_buffer_format(out, "%4s %7s  %-15s %*s %*s %*s %*s  %-*s  VCPUS\n", "NR", "PID",
				 "COMMAND", COLUMN, "RAM", COLUMN, "THERE", COLUMN, "SWAPPED",
				 COLUMN, "ABSENT", KERNEL, "KERNEL");
	for (size_t i = 0; i < machines->count; i++)
		if (options->json)
			append_json(out, &machines->machines[i], &kernels[i], i + 1);
		else
			append_text(out, &machines->machines[i], &kernels[i], i + 1,
				    options->vcpus);
}

struct gg_error *gg_print_nested(struct gg_guest *guest, const struct gg_nested_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_kvm_machines machines = { 0 };
	struct gg_inside_kernel *kernels = NULL;
	struct gg_buffer out = { 0 };
	if (options->scan)
		return gg_print_scanned(guest, options, NULL, writer, notices);
	struct gg_error *err = gg_guest_nested(guest, options->memory, notices, &machines);
	if (err && !gg_error_is_final(err) && gg_guest_lacks_lists(guest))
		return gg_print_scanned(guest, options, err, writer, notices);
	if (!err && !machines.count)
		err = gg_tell(notices, "the kernel has loaded KVM, and runs no nested guest");
	if (!err)
		err = find_kernels(guest, &machines, notices, &kernels);
	if (!err)
		append_all(&out, &machines, kernels, options);
	if (!err)
		err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	free_kernels(kernels, machines.count);
	gg_kvm_machines_deinit(&machines);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option nested_options[] = {
	{ .name = "vcpus",
	  .kind = GG_VALUE_FLAG,
	  .help = "A line for each vCPU: its CPU, and the reason of its last exit." },
	{ .name = "memory",
	  .kind = GG_VALUE_FLAG,
	  .help = "Count memory, and look for the kernels, at a gdbstub too, where that takes\n"
		  "    long." },
	{ .name = "scan",
	  .kind = GG_VALUE_FLAG,
	  .help = "Look at all of RAM for the pages from which AMD's CPUs execute nested\n"
		  "    guests (VMCBs), of any hypervisor." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each nested guest, on a line of its own." },
	{ 0 }
};

const struct gg_command gg_command_nested = {
	.name = "nested",
	.gdb_name = "guest-nested",
	.summary = "List the virtual machines that the guest's Linux kernel runs by KVM.",
	.targets = GG_ALL_TARGETS,
	.help = "Each has the process that runs it, its RAM, and the parts of RAM that are\n"
		"there, swapped by the kernel, and absent from the core or vmcore; the\n"
		"process has no page for the rest, as before the first touch.  KERNEL is the\n"
		"release of the Linux inside to which the page tables of its vCPUs lead.  Its\n"
		"vCPUs are on a CPU, halted, not started, or outside: in KVM or in the process.\n\n"
		"By the kernel's own types.  Reasons of exits have the names that\n"
		"AMD (VMEXIT_) and Linux for Intel (EXIT_REASON_) give them.\n\n"
		"Where the guest is no Linux, or the types are not known, nested guests are\n"
		"found by their VMCBs: each has the place of its nested page tables, which\n"
		"-nested takes too, and the memory that these map.  The VMCB lacks most of\n"
		"the general registers of a vCPU that no CPU executes.",
	.options = nested_options,
	.run = gg_run_nested,
};
