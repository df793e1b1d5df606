// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernels in a guest's RAM, as association lists.
#include "guile.h"

static SCM add(SCM list, const char *name, SCM value)
{
	return scm_acons(scm_from_utf8_symbol(name), value, list);
}

static SCM text_or_false(const char *text)
{
	return text ? gg_guile_string(text) : SCM_BOOL_F;
}

static struct gg_error *collect(void *data, const struct gg_kernel_info *kernel)
{
	SCM *list = data, cpus = SCM_EOL, facts = SCM_EOL;
	for (size_t i = kernel->cpu_count; i-- > 0;)
		cpus = scm_cons(scm_from_uint32(kernel->cpus[i]), cpus);
	facts = add(facts, "last-text", text_or_false(kernel->last));
	facts = add(facts, "last-record",
		    kernel->has_time ? scm_from_uint64(kernel->time) : SCM_BOOL_F);
	facts = add(facts, "panic", text_or_false(kernel->panic));
	facts = add(facts, "crash-time",
		    kernel->has_crashed ? scm_from_uint64(kernel->crash_time) : SCM_BOOL_F);
	facts = add(facts, "cpus", cpus);
	facts = add(facts, "chosen", scm_from_bool(kernel->is_chosen));
	facts = add(facts, "vmcoreinfo-by",
		    scm_from_utf8_symbol(gg_kernel_finder_name(kernel->finder)));
	facts = add(facts, "vmcoreinfo", scm_from_uint64(kernel->choice.note));
	facts = add(facts, "identity", scm_from_uint64(kernel->choice.identity));
	facts = add(facts, "architecture", text_or_false(kernel->architecture));
	facts = add(facts, "release", text_or_false(kernel->release));
	*list = scm_cons(facts, *list);
	return NULL;
}

// (%guest-kernels GUEST SCAN?) => (((release . TEXT) ...) ...).
static SCM guest_kernels(SCM object, SCM scan)
{
	SCM list = SCM_EOL;
	gg_guile_throw(gg_guest_kernels(gg_guile_guest(object), scm_is_true(scan), collect, &list));
	return scm_reverse(list);
}

SCM gg_guile_choice(const struct gg_kernel_choice *choice)
{
	return scm_cons(scm_from_uint64(choice->note), scm_from_uint64(choice->identity));
}

// (%guest-choice GUEST) => the choice that %guest-create was given, while RAM has the kernel; else
// #f.
static SCM guest_choice(SCM object)
{
	const struct gg_kernel_choice choice = gg_guest_choice(gg_guile_guest(object));
	return choice.note ? gg_guile_choice(&choice) : SCM_BOOL_F;
}

// (%guest-check-vmlinux GUEST): throws where the file that %guest-create was given is not the
// vmlinux of GUEST's kernel.
static SCM check_vmlinux(SCM object)
{
	gg_guile_throw(gg_guest_check_vmlinux(gg_guile_guest(object)));
	return SCM_UNSPECIFIED;
}

void gg_guile_init_kernels(void)
{
	gg_guile_define("%guest-check-vmlinux", 1, (scm_t_subr)check_vmlinux);
	gg_guile_define("%guest-kernels", 2, (scm_t_subr)guest_kernels);
	gg_guile_define("%guest-choice", 1, (scm_t_subr)guest_choice);
}
