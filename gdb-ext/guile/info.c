// SPDX-License-Identifier: GPL-3.0-or-later
//
// What there is to know of a guest at a glance, as association lists.
#include "guile.h"
#include "linux/log/log.h"
#include "qemu/layout/structure.h"
#include "guest/guest.h"

#include <stdio.h>
#include <string.h>

static SCM symbol(const char *name)
{
	return scm_from_utf8_symbol(name);
}

static SCM add(SCM list, const char *name, SCM value)
{
	return scm_acons(symbol(name), value, list);
}

// A part that could not be had is (error . MESSAGE) in its place. ERR is consumed; one that ends
// all is thrown.
static SCM error_value(struct gg_error *err)
{
	if (gg_error_is_final(err))
		gg_guile_throw(err);
	SCM value = scm_cons(symbol("error"), gg_guile_string(gg_error_message(err)));
	gg_error_destroy(err);
	return value;
}

// Adds FACT, whose error is consumed, as NAME, unless it is none.
static SCM add_fact(SCM list, const char *name, struct gg_fact *fact)
{
	struct gg_error *err = fact->err;
	fact->err = NULL;
	if (err)
		return add(list, name, error_value(err));
	return fact->text ? add(list, name, gg_guile_string(fact->text)) : list;
}

// Nanoseconds, or #f.
static SCM time_or_false(struct gg_error *err, uint64_t nanoseconds)
{
	if (!err)
		return scm_from_uint64(nanoseconds);
	gg_error_destroy(err);
	return SCM_BOOL_F;
}

static SCM qemu_facts(struct gg_guest *guest, SCM *notices)
{
	struct gg_source_facts facts;
	struct gg_error *err = gg_guest_facts(guest, &facts);
	if (err) {
		gg_source_facts_deinit(&facts);
		gg_guile_throw(err);
	}
	if (facts.notice)
		*notices = scm_cons(gg_guile_string(facts.notice), *notices);
	SCM list = add_fact(SCM_EOL, "accelerator", &facts.accelerator);
	if (facts.layout)
		list = add(list, "layout", symbol(facts.layout));
	list = add(list, "virtual-clock",
		   facts.has_virtual_clock ? scm_from_uint64(facts.virtual_clock) : SCM_BOOL_F);
	list = add_fact(list, "run-state", &facts.run_state);
	list = add_fact(list, "machine", &facts.machine);
	list = add_fact(list, "version", &facts.version);
	gg_source_facts_deinit(&facts);
	return list;
}

const char *gg_guile_freshness(enum gg_freshness freshness)
{
	static const char *const words[] = {
		[GG_CURRENT] = "current", [GG_STALE] = "stale", [GG_UNKNOWN] = "unknown"
	};
	return words[freshness];
}

static SCM cpu_facts(struct gg_guest *guest)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (err)
		return error_value(err);
	SCM list = SCM_EOL;
	for (size_t i = cpus->count; i-- > 0;)
		list = scm_cons(scm_cons(scm_from_uint32(cpus->cpus[i].index),
					 symbol(gg_guile_freshness(cpus->cpus[i].freshness))),
				list);
	return list;
}

// (INDEX . nested) of CPUs that execute a nested guest, (INDEX . maybe) of CPUs that may. A CPU
// whose registers cannot be read is left out.
static SCM nested_facts(struct gg_guest *guest)
{
	SCM list = SCM_EOL;
	const struct gg_qemu_cpus *cpus = &guest->machine.cpus;
	for (size_t i = cpus->count; i-- > 0;) {
		const struct gg_qemu_cpu *cpu = &cpus->cpus[i];
		struct gg_cpu_state state;
		struct gg_error *err = gg_guest_cpu_state(guest, cpu, &state);
		if (!err && state.nesting != GG_NOT_NESTED)
			list = scm_cons(
				scm_cons(scm_from_uint32(cpu->index),
					 symbol(state.nesting == GG_NESTED ? "nested" : "maybe")),
				list);
		gg_error_destroy(err);
	}
	return list;
}

static SCM uts_field(const struct gg_kernel *kernel, unsigned int field)
{
	_cleanup_free_ char *text = gg_kernel_uts(kernel, field);
	return text && *text ? gg_guile_string(text) : SCM_BOOL_F;
}

static SCM value_or_false(const struct gg_kernel *kernel, const char *key)
{
	_cleanup_free_ char *value = gg_vmcoreinfo_value(&kernel->info, key);
	_cleanup_free_ char *escaped = value ? gg_text_escape(value) : NULL;
	return escaped ? gg_guile_string(escaped) : SCM_BOOL_F;
}

static SCM last_record(const struct gg_kernel *kernel)
{
	uint64_t time = 0;
	struct gg_error *err = gg_log_ring_newest(gg_kernel_host(kernel), &time);
	return time_or_false(err, time);
}

static struct gg_error *collect_notice(void *data, const char *text)
{
	SCM *list = data;
	*list = scm_cons(gg_guile_string(text), *list);
	return NULL;
}

static SCM kernel_facts(struct gg_guest *guest, SCM *notices)
{
	const struct gg_notices collector = { .tell = collect_notice, .data = notices };
	static const char *const finders[] = { [GG_FOUND_BY_SCAN] = "scan",
					       [GG_FOUND_BY_DEVICE] = "device",
					       [GG_FOUND_BY_TABLES] = "tables",
					       [GG_FOUND_BY_CHOICE] = "choice",
					       [GG_FOUND_BY_KDUMP] = "kdump" };
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_kernel(guest, NULL, &collector, &kernel);
	if (err)
		return error_value(err);
	SCM facts = SCM_EOL;
	if (kernel->has_direct_map)
		facts = add(facts, "direct-map", scm_from_uint64(kernel->direct_map));
	facts = add(facts, "levels", scm_from_uint(kernel->paging.paging.levels));
	if (!kernel->paging.image_is_direct)
		facts = add(facts, "image-size", scm_from_uint64(kernel->image_size));
	facts = add(facts, "image-gpa", scm_from_uint64(kernel->image_gpa));
	facts = add(facts, "image", scm_from_uint64(kernel->image));
	facts = add(facts, "last-record", last_record(kernel));
	facts = add(facts, "kaslr-offset", value_or_false(kernel, "KERNELOFFSET"));
	facts = add(facts, "vmcoreinfo-by", symbol(finders[kernel->finder]));
	facts = add(facts, "vmcoreinfo", scm_from_uint64(kernel->note));
	facts = add(facts, "nodename", uts_field(kernel, GG_UTS_NODENAME));
	facts = add(facts, "version", uts_field(kernel, GG_UTS_VERSION));
	return add(facts, "release", value_or_false(kernel, "OSRELEASE"));
}

// (%guest-info GUEST) => ((qemu FACT ...) (cpus (INDEX . FRESHNESS) ...) (nested (INDEX . WORD)
// ...) (kernel FACT ...) (notices TEXT ...) (backing . TEXT)). A part, or the value of a fact, is
// (error . MESSAGE) if it could not be had.
static SCM guest_info(SCM object)
{
	struct gg_guest *guest = gg_guile_guest(object);
	SCM notices = SCM_EOL, info = SCM_EOL;
	SCM kernel = kernel_facts(guest, &notices);
	SCM qemu = qemu_facts(guest, &notices);
	info = add(info, "backing", gg_guile_string(gg_guest_backing(guest)->name));
	info = add(info, "notices", scm_reverse(notices));
	info = add(info, "kernel", kernel);
	info = add(info, "cpus", cpu_facts(guest));
	info = add(info, "nested", nested_facts(guest));
	info = add(info, "qemu", qemu);
	// A small thing that could not be had is left out: not for such reasons.
	gg_guile_throw(gg_interrupt_check());
	gg_guile_throw(gg_guest_check(guest));
	return info;
}

// ---- Layouts ----

// (OFFSET . SIZE), or #f.
static SCM member_or_false(const struct gg_member *member)
{
	return member ? scm_cons(scm_from_uint64(member->offset), scm_from_uint64(member->size))
		      : SCM_BOOL_F;
}

static struct gg_error *collect_row(void *data, const struct gg_structure_row *row)
{
	SCM *list = data;
	SCM vector = scm_c_make_vector(5, SCM_BOOL_F);
	scm_c_vector_set_x(vector, 0, gg_guile_string(row->type));
	scm_c_vector_set_x(vector, 1, gg_guile_string(row->path));
	scm_c_vector_set_x(vector, 2, member_or_false(row->by_types));
	scm_c_vector_set_x(vector, 3, member_or_false(row->by_structure));
	scm_c_vector_set_x(vector, 4, gg_guile_string(row->proof));
	*list = scm_cons(vector, *list);
	return NULL;
}

// (%guest-layout GUEST) => (#(TYPE PATH BY-TYPES BY-STRUCTURE PROOF) ...), the members that can be
// found by structure: (OFFSET . SIZE), or #f where it is not known. PROOF says why one was not
// found.
static SCM guest_layout(SCM object)
{
	SCM list = SCM_EOL;
	gg_guile_throw(gg_guest_compare_layouts(gg_guile_guest(object), collect_row, &list));
	return scm_reverse(list);
}

// (%guest-run-state GUEST) => QEMU's RunState by its name in QMP, or (error . MESSAGE).
static SCM guest_run_state(SCM object)
{
	char *text = NULL;
	struct gg_error *err = gg_guest_run_state(gg_guile_guest(object), &text);
	if (err)
		return error_value(err);
	SCM value = gg_guile_string(text);
	free(text);
	return value;
}

void gg_guile_init_info(void)
{
	gg_guile_define("%guest-run-state", 1, (scm_t_subr)guest_run_state);
	gg_guile_define("%guest-info", 1, (scm_t_subr)guest_info);
	gg_guile_define("%guest-layout", 1, (scm_t_subr)guest_layout);
}
