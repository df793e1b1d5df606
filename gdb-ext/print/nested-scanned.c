// SPDX-License-Identifier: GPL-3.0-or-later
//
// The nested guests that are found by their VMCBs, as text or as JSON, an object on a line for each.
#include "nested-scanned.h"
#include "base/json.h"
#include "base/notices.h"
#include "guest/scanned.h"
#include "linux/arch-ops.h"
#include "words.h"

#include <inttypes.h>

struct list {
	const struct gg_arch *arch;
	const struct gg_scanned *scanned;
	struct gg_buffer *out;
};

static const char *reason_of(const struct list *list, const struct gg_scanned_vcpu *vcpu)
{
	const struct gg_linux_ops *ops = list->arch->kernel;
	return ops && ops->vm_exit ? ops->vm_exit(vcpu->state.exit) : NULL;
}

// Names the place of a vCPU that is on no CPU, as far as is known.
static const char *place_of(const struct list *list)
{
	return list->scanned->may_be_inside ? "outside, or on a CPU" : "outside";
}

// ---- JSON ----

static void append_vcpu_json(const struct list *list, size_t id, const struct gg_scanned_vcpu *vcpu)
{
	struct gg_buffer *out = list->out;
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "id", id);
	if (!vcpu->inside && list->scanned->may_be_inside)
		gg_json_null(out, "state");
	else
		gg_json_string(out, "state", vcpu->inside ? "on a CPU" : "outside");
	if (vcpu->inside)
		gg_json_uint(out, "cpu", vcpu->inside->index);
	else
		gg_json_null(out, "cpu");
	gg_json_uint(out, "exit_code", vcpu->state.exit);
	gg_json_string(out, "exit", reason_of(list, vcpu));
	gg_json_address(out, "vmcb", vcpu->block);
	gg_json_close_object(out);
}

static void append_json(const struct list *list, size_t number,
			const struct gg_scanned_machine *machine)
{
	struct gg_buffer *out = list->out;
	const struct gg_scanned_vcpu *first = &list->scanned->vcpus[machine->first];
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "number", number);
	gg_json_string(out, "found_by", "VMCB");
	if (first->state.has_tables)
		gg_json_address(out, "nested_tables", first->state.tables.root);
	else
		gg_json_null(out, "nested_tables");
	if (machine->counted)
		gg_json_uint(out, "mapped", machine->mapped);
	else
		gg_json_null(out, "mapped");
	gg_json_string(out, "encrypted", first->state.encrypted);
	gg_json_open_array(out, "vcpus");
	for (size_t i = 0; i < machine->count; i++)
		append_vcpu_json(list, i, first + i);
	gg_json_close_array(out);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

// ---- Text ----

enum { COLUMN = 10 };

static void append_mapped(const struct list *list, const struct gg_scanned_machine *machine)
{
	struct gg_buffer size = { 0 };
	if (machine->counted)
		gg_append_size(&size, machine->mapped);
	else
		gg_buffer_format(&size, "?");
	gg_buffer_format(list->out, " %*.*s", COLUMN, (int)size.size,
			 size.failed ? "" : (const char *)size.bytes);
	list->out->failed |= size.failed;
	gg_buffer_deinit(&size);
}

static void append_vcpu(const struct list *list, size_t id, const struct gg_scanned_vcpu *vcpu)
{
	const char *reason = reason_of(list, vcpu);
	gg_buffer_format(list->out, "       vCPU %zu  ", id);
	if (vcpu->inside)
		gg_buffer_format(list->out, "on CPU %" PRIu32, vcpu->inside->index);
	else
		gg_buffer_format(list->out, "%s", place_of(list));
	if (reason)
		gg_buffer_format(list->out, ", last exit %s", reason);
	else
		gg_buffer_format(list->out, ", last exit 0x%" PRIx64, vcpu->state.exit);
	gg_buffer_format(list->out, ", VMCB at 0x%" PRIx64 "\n", vcpu->block);
}

static void append_text(const struct list *list, size_t number,
			const struct gg_scanned_machine *machine, bool vcpus)
{
	const struct gg_scanned_vcpu *first = &list->scanned->vcpus[machine->first];
	size_t inside = 0;
	for (size_t i = 0; i < machine->count; i++)
		inside += first[i].inside != NULL;
	gg_buffer_format(list->out, "%4zu  ", number);
	if (first->state.has_tables)
		gg_buffer_format(list->out, "0x%016" PRIx64, first->state.tables.root);
	else
		gg_buffer_format(list->out, "%-18s", "none");
	append_mapped(list, machine);
	gg_buffer_format(list->out, "  %zu", machine->count);
	if (first->state.encrypted)
		gg_buffer_format(list->out, " encrypted by %s", first->state.encrypted);
	gg_buffer_format(list->out, ":");
	if (inside)
		gg_buffer_format(list->out, " %zu on a CPU%s", inside,
				 inside < machine->count ? "," : "");
	if (inside < machine->count)
		gg_buffer_format(list->out, " %zu outside", machine->count - inside);
	gg_buffer_format(list->out, "\n");
	for (size_t i = 0; vcpus && i < machine->count; i++)
		append_vcpu(list, i, first + i);
}

static void append_all(const struct list *list, const struct gg_nested_options *options)
{
	if (!options->json && list->scanned->machine_count)
		gg_buffer_format(list->out, "%4s  %-18s %*s  VCPUS\n", "NR", "NESTED TABLES AT",
				 COLUMN, "MAPPED");
	for (size_t i = 0; i < list->scanned->machine_count; i++)
		if (options->json)
			append_json(list, i + 1, &list->scanned->machines[i]);
		else
			append_text(list, i + 1, &list->scanned->machines[i], options->vcpus);
}

// ---- Both ----

// Tells how the machines were found. WHY is consumed.
static struct gg_error *tell(const struct gg_scanned *scanned, struct gg_error *why,
			     const struct gg_notices *notices)
{
	struct gg_error *err = NULL;
	if (why && !scanned->machine_count)
		return why;
	if (why)
		err = gg_tell(
			notices,
			"found by VMCBs in the guest's RAM, since KVM's lists are not known: %s",
			gg_error_message(why));
	else if (!scanned->machine_count)
		err = gg_tell(notices, "no page of the guest's RAM is the VMCB of a nested guest");
	gg_error_destroy(why);
	if (!err && scanned->stale)
		err = gg_tell(notices,
			      "%zu further pages look like VMCBs, and their nested page tables are "
			      "gone",
			      scanned->stale);
	return err;
}

struct gg_error *gg_print_scanned(struct gg_guest *guest, const struct gg_nested_options *options,
				  struct gg_error *why, const struct gg_writer *writer,
				  const struct gg_notices *notices)
{
	struct gg_scanned scanned;
	struct gg_buffer out = { 0 };
	struct list list = { .scanned = &scanned, .out = &out };
	struct gg_error *err = gg_guest_scan_nested(guest, notices, &scanned);
	if (err) {
		gg_error_destroy(why ? err : NULL);
		return why ? why : err;
	}
	err = tell(&scanned, why, notices);
	if (!err)
		err = gg_guest_cpu_arch(guest, &list.arch);
	if (!err && (options->memory || !gg_guest_is_over_wire(guest)))
		err = gg_scanned_count(guest, &scanned);
	if (!err)
		append_all(&list, options);
	if (!err)
		err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	gg_scanned_deinit(&scanned);
	return err;
}
