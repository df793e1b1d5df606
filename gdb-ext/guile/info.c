// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest at a glance, as association lists and as text.
#include "guile.h"

#include <stdlib.h>

static SCM symbol(const char *name)
{
	return scm_from_utf8_symbol(name);
}

static SCM add(SCM list, const char *name, SCM value)
{
	return scm_acons(symbol(name), value, list);
}

static SCM text_or_false(const char *text)
{
	return text ? gg_guile_string(text) : SCM_BOOL_F;
}

// (error . MESSAGE), in the place of what is not known.
static SCM error_value(const struct gg_error *err)
{
	return scm_cons(symbol("error"), gg_guile_string(gg_error_message(err)));
}

// Adds FACT as NAME, unless the source has no such fact.
static SCM add_fact(SCM list, const char *name, const struct gg_fact *fact)
{
	if (fact->err)
		return add(list, name, error_value(fact->err));
	return fact->text ? add(list, name, gg_guile_string(fact->text)) : list;
}

// ---- Parts ----

static SCM source_facts(const struct gg_source_facts *source)
{
	SCM facts = SCM_EOL;
	facts = add_fact(facts, "accelerator", &source->accelerator);
	if (source->layout)
		facts = add(facts, "layout", symbol(source->layout));
	facts = add(facts, "virtual-clock",
		    source->has_virtual_clock ? scm_from_uint64(source->virtual_clock)
					      : SCM_BOOL_F);
	facts = add_fact(facts, "run-state", &source->run_state);
	facts = add_fact(facts, "machine", &source->machine);
	return add_fact(facts, "version", &source->version);
}

static SCM cpu_facts(const struct gg_info *info)
{
	SCM list = SCM_EOL;
	if (info->cpu_error)
		return error_value(info->cpu_error);
	for (size_t i = info->cpu_count; i-- > 0;)
		list = scm_acons(scm_from_uint32(info->cpus[i].index),
				 symbol(gg_freshness_name(info->cpus[i].freshness)), list);
	return list;
}

// (INDEX . nested) of CPUs that execute a nested guest, (INDEX . maybe) of CPUs that may.
static SCM nested_facts(const struct gg_info *info)
{
	SCM list = SCM_EOL;
	for (size_t i = info->cpu_count; i-- > 0;)
		if (info->cpus[i].nesting != GG_NOT_NESTED)
			list = scm_acons(
				scm_from_uint32(info->cpus[i].index),
				symbol(info->cpus[i].nesting == GG_NESTED ? "nested" : "maybe"),
				list);
	return list;
}

static SCM ranges(const struct gg_info_ranges *ranges)
{
	SCM list = SCM_EOL;
	for (size_t i = ranges->listed; i-- > 0;)
		list = scm_cons(gg_guile_range(&ranges->ranges[i]), list);
	return list;
}

static SCM add_absent(SCM info, const struct gg_info *from)
{
	if (from->absent_error)
		return add(info, "absent", error_value(from->absent_error));
	info = add(info, "absent-advice", text_or_false(from->absent_advice));
	info = add(info, "absent-size", scm_from_uint64(from->absent.size));
	info = add(info, "absent-count", scm_from_uint64(from->absent.count));
	return add(info, "absent", ranges(&from->absent));
}

static SCM kernel_facts(const struct gg_info *info)
{
	const struct gg_info_kernel *kernel = &info->kernel;
	SCM facts = SCM_EOL;
	if (info->kernel_error)
		return error_value(info->kernel_error);
	if (kernel->has_direct_map)
		facts = add(facts, "direct-map", scm_from_uint64(kernel->direct_map));
	facts = add(facts, "levels", scm_from_uint(kernel->levels));
	if (kernel->image_size)
		facts = add(facts, "image-size", scm_from_uint64(kernel->image_size));
	facts = add(facts, "image-gpa", scm_from_uint64(kernel->image_gpa));
	facts = add(facts, "image", scm_from_uint64(kernel->image));
	facts = add(facts, "last-record",
		    kernel->has_last_record ? scm_from_uint64(kernel->last_record) : SCM_BOOL_F);
	facts = add(facts, "kaslr-offset", text_or_false(kernel->kaslr_offset));
	facts = add(facts, "vmcoreinfo-by", symbol(gg_kernel_finder_name(kernel->finder)));
	facts = add(facts, "vmcoreinfo", scm_from_uint64(kernel->vmcoreinfo));
	facts = add(facts, "nodename", text_or_false(kernel->nodename));
	facts = add(facts, "version", text_or_false(kernel->version));
	return add(facts, "release", text_or_false(kernel->release));
}

static SCM notices(const struct gg_info *info)
{
	SCM list = SCM_EOL;
	for (size_t i = info->notice_count; i-- > 0;)
		list = scm_cons(gg_guile_string(info->notices[i]), list);
	return list;
}

// (%guest-info GUEST) => ((ram RANGE ...) (hidden RANGE ...) (absent RANGE ...) (absent-count . N)
// (absent-size . BYTES) (absent-advice . TEXT) (qemu FACT ...) (nested (INDEX . WORD) ...) (cpus
// (INDEX . FRESHNESS) ...) (kernel FACT ...) (notices TEXT ...) (backing . TEXT)). RANGE is #(START
// SIZE HVA BLOCK). A part, or the value of a fact, is (error . MESSAGE) where it is not known.
static SCM guest_info(SCM object)
{
	struct gg_info *from = NULL;
	gg_guile_throw(gg_guest_info(gg_guile_guest(object), false, &from));
	SCM info = add(SCM_EOL, "backing", gg_guile_string(from->backing));
	info = add(info, "notices", notices(from));
	info = add(info, "kernel", kernel_facts(from));
	info = add(info, "cpus", cpu_facts(from));
	info = add(info, "nested", nested_facts(from));
	info = add(info, "qemu", source_facts(&from->source));
	info = add_absent(info, from);
	info = add(info, "hidden", ranges(&from->hidden));
	info = add(info, "ram", ranges(&from->ram));
	gg_info_destroy(from);
	return info;
}

// ---- Text ----

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
// found by structure: (OFFSET . SIZE), or #f where it is not known. PROOF is the reason where a
// member was not found.
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
	if (gg_error_is_final(err))
		gg_guile_throw(err);
	SCM value = err ? error_value(err) : gg_guile_string(text);
	gg_error_destroy(err);
	free(text);
	return value;
}

// (%vmcore-text PATH) => the format of a vmcore and its writer; an error for another file.
static SCM vmcore_text(SCM path)
{
	char *text = NULL, *name = scm_to_locale_string(path);
	struct gg_error *err = gg_vmcore_text(name, &text);
	free(name);
	gg_guile_throw(err);
	SCM value = gg_guile_string(text);
	free(text);
	return value;
}

void gg_guile_init_info(void)
{
	gg_guile_define("%vmcore-text", 1, (scm_t_subr)vmcore_text);
	gg_guile_define("%guest-run-state", 1, (scm_t_subr)guest_run_state);
	gg_guile_define("%guest-info", 1, (scm_t_subr)guest_info);
	gg_guile_define("%guest-layout", 1, (scm_t_subr)guest_layout);
}
