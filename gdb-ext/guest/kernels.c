// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernels in a guest's RAM: the user's choice, the notices about other kernels, the list.
#include "base/cleanup.h"
#include "guest.h"
#include "linux/image-search.h"
#include "linux/kdump.h"
#include "linux/log/end.h"

#include <gdb-guest/kernels.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- The choice ----

struct gg_error *gg_guest_find_chosen(struct gg_guest *guest)
{
	const struct gg_ram_map *map;
	const struct gg_arch *arch;
	struct gg_kernel *kernel = NULL;
	if (!guest->choice.note || guest->kernel)
		return NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	if (!err)
		err = gg_guest_cpu_arch(guest, &arch);
	if (err)
		return err;
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	err = gg_kernel_read(&site, guest->choice.note, &kernel);
	err = gg_error_unless_final(err);
	if (err)
		return err;
	guest->chosen = kernel && gg_kernel_identity(kernel) == guest->choice.identity &&
			(kernel->running || gg_kernel_is_whole(kernel));
	if (guest->chosen) {
		guest->kernel = kernel;
		kernel->finder = GG_FOUND_BY_CHOICE;
		return NULL;
	}
	gg_debug(site.debug,
		 "kernels: the chosen one, with its note at 0x%" PRIx64 ", is not there",
		 guest->choice.note);
	gg_kernel_destroy(kernel);
	guest->lost_choice = guest->choice.note;
	guest->choice.note = 0;
	return NULL;
}

// ---- Foreseen kernels ----

// Asks for the place of the note, as gg_guest_confirm_kernel() will: a debugger reads types for that, and the
// caller's other threads work meanwhile.
static struct gg_error *prepare_note(struct gg_guest *guest)
{
	struct gg_source *source = guest->machine.source;
	gg_gpa_t ignored;
	return source->ops->find_note
		       ? gg_error_unless_final(source->ops->find_note(source, &ignored))
		       : NULL;
}

struct gg_error *gg_guest_foresee_kernel(struct gg_guest *guest, const struct gg_kernel **ret)
{
	const struct gg_ram_map *map;
	const struct gg_arch *arch;
	struct gg_kernels found;
	*ret = guest->foreseen ? guest->kernel : NULL;
	if (guest->kernel || guest->choice.note)
		return NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	if (!err)
		err = gg_guest_cpu_arch(guest, &arch);
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	if (!err)
		err = gg_kernels_find_certain(&site, &found);
	if (err)
		return gg_error_unless_final(err);
	guest->foreseen = found.count == 1;
	if (guest->foreseen)
		gg_guest_take_kernels(guest, &found);
	else
		gg_kernels_deinit(&found);
	*ret = guest->kernel;
	return prepare_note(guest);
}

static bool has_same_info(const struct gg_kernel *a, const struct gg_kernel *b)
{
	return a->info.size == b->info.size && !memcmp(a->info.text, b->info.text, a->info.size);
}

struct gg_error *gg_guest_confirm_kernel(struct gg_guest *guest,
					 const struct gg_vmcoreinfo_scan *scan,
					 const struct gg_notices *notices,
					 const struct gg_kernel **ret, bool *is_same)
{
	struct gg_kernel *foreseen = guest->foreseen ? guest->kernel : NULL;
	if (foreseen) {
		guest->kernel = NULL;
		guest->with_vmlinux = NULL;
	}
	guest->foreseen = false;
	struct gg_error *err = gg_guest_kernel(guest, scan, notices, ret);
	*is_same = !err && foreseen && gg_kernel_is_same(foreseen, *ret) &&
		   has_same_info(foreseen, *ret);
	gg_kernel_destroy(foreseen);
	return err;
}

// ---- The choice ----

struct gg_kernel_choice gg_guest_choice(const struct gg_guest *guest)
{
	return guest->choice;
}

// ---- Notices ----

// Adds to the others the crashed kernel that KERNEL was booted after, if KERNEL is a kernel for
// crashes.
static struct gg_error *add_crashed(struct gg_guest *guest, const struct gg_kernel *kernel,
				    bool by_symbol)
{
	struct gg_vmcoreinfo_scan notes;
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_error *err = gg_kdump_notes(&site, kernel, by_symbol, &notes);
	for (size_t i = 0; !err && i < notes.count; i++) {
		struct gg_kernel *crashed;
		err = gg_kernel_read(&site, notes.found[i], &crashed);
		if (!err) {
			crashed->finder = GG_FOUND_BY_KDUMP;
			gg_guest_add_other(guest, crashed);
		} else if (!gg_error_is_final(err)) {
			gg_error_destroy(err);
			err = NULL;
		}
	}
	return err;
}

static struct gg_error *tell_own_state(struct gg_guest *guest, const struct gg_notices *notices)
{
	_cleanup_free_ char *release = gg_vmcoreinfo_value(&guest->kernel->info, "OSRELEASE");
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	const char *const shown = release ? release : "?";
	if (guest->kernel->running || !guest->machine.cpus.count)
		return NULL;
	// A crashed kernel's notes do not tell the page tables.
	if (guest->kernel->finder == GG_FOUND_BY_FILE && !gg_kernel_count_paging(&site))
		return NULL;
	if (!guest->chosen && gg_kernel_any_nested(&site))
		return gg_tell(
			notices,
			"no CPU is seen to run the kernel (Linux %s): CPUs may execute a nested "
			"guest, and their own page tables are not known",
			shown);
	if (guest->chosen)
		return gg_tell(
			notices,
			"no CPU runs the kernel that guest-kernel chose (Linux %s), which is shown",
			shown);
	return gg_tell(
		notices, "no CPU runs the kernel (Linux %s)%s: its remains in RAM are shown", shown,
		gg_kernel_count_paging(&site) ? "" : "; no CPU uses page tables, as after a reset");
}

static struct gg_error *tell_other(struct gg_guest *guest, const struct gg_notices *notices)
{
	const struct gg_kernel *other = guest->others.kernels[0];
	_cleanup_free_ char *release = gg_vmcoreinfo_value(&other->info, "OSRELEASE");
	_cleanup_free_ char *ends = NULL;
	struct gg_log_end end;
	struct gg_error *err = gg_log_end_read(gg_kernel_host(other), &end);
	if (gg_error_is_final(err))
		return err;
	const char *last = err ? NULL : end.panic ? end.panic : end.last;
	if (last && asprintf(&ends, ", and whose log ends \"%s\"", last) < 0)
		ends = NULL;
	if (!err)
		gg_log_end_deinit(&end);
	gg_error_destroy(err);
	return gg_tell(notices,
		       "RAM has another kernel, Linux %s, which %s%s%s: guest-kernel "
		       "lists and chooses kernels",
		       release ? release : "?",
		       other->has_crashed ? "has crashed"
		       : other->running   ? "other CPUs run"
					  : "no CPU runs",
		       ends ? ends : "", guest->others.count > 1 ? "; and more" : "");
}

struct gg_error *gg_guest_tell_kernels(struct gg_guest *guest, const struct gg_notices *notices)
{
	struct gg_error *err = NULL;
	if (!notices || guest->kernel_told)
		return NULL;
	guest->kernel_told = true;
	if (guest->lost_choice)
		err = gg_tell(notices,
			      "the kernel that guest-kernel chose, with its VMCOREINFO at "
			      "guest-physical 0x%" PRIx64 ", is no longer there",
			      guest->lost_choice);
	if (!err)
		err = tell_own_state(guest, notices);
	if (err || guest->chosen)
		return err;
	if (guest->kernel->running)
		err = add_crashed(guest, guest->kernel, false);
	return err || !guest->others.count ? err : tell_other(guest, notices);
}

// ---- The list ----

void gg_guest_add_other(struct gg_guest *guest, struct gg_kernel *kernel)
{
	const bool is_other = !gg_kernel_is_same(guest->kernel, kernel) &&
			      (kernel->running || gg_kernel_is_whole(kernel));
	if (is_other)
		gg_kernels_add(&guest->others, kernel);
	else
		gg_kernel_destroy(kernel);
}

static struct gg_error *find_all(struct gg_guest *guest)
{
	struct gg_vmcoreinfo_scan scan = { .big_endian = guest->machine.arch->big_endian };
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_kernels found;
	struct gg_error *err = gg_vmcoreinfo_scan_ram(&scan, guest->machine.map);
	if (!err)
		err = gg_kernels_find(&site, &scan, NULL, &found);
	if (err)
		return err;
	for (size_t i = 0; i < found.count; i++)
		if (guest->kernel)
			gg_guest_add_other(guest, found.kernels[i]);
		else
			guest->kernel = found.kernels[i];
	guest->others_complete = true;
	return NULL;
}

static bool is_no_kernel(const struct gg_error *err)
{
	const enum gg_error_kind kind = gg_error_kind(err);
	return kind == GG_NOT_FOUND || kind == GG_ABSENT;
}

// Adds the running kernel to the others, where a chosen kernel is in its place and RAM is far away.
static struct gg_error *add_running(struct gg_guest *guest)
{
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_kernels found = { .count = 0 };
	struct gg_kernel *known = NULL;
	struct gg_error *err = guest->note ? gg_kernel_find_at(&site, guest->note, &known) : NULL;
	if (known)
		gg_kernels_add(&found, known);
	else if (!err)
		err = gg_kernels_find_by_image(&site, NULL, &found);
	if (err && is_no_kernel(err)) {
		gg_error_destroy(err);
		err = NULL;
	}
	if (!err && found.count)
		err = add_crashed(guest, found.kernels[0], true);
	for (size_t i = 0; i < found.count; i++)
		gg_guest_add_other(guest, found.kernels[i]);
	return err;
}

// Fills guest->others, by a look at all of RAM only where RAM is near or SCAN asks for it.
static struct gg_error *complete(struct gg_guest *guest, bool scan)
{
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (err && (!scan || !guest->machine.arch || !is_no_kernel(err)))
		return err;
	const bool has_kernel = !err;
	gg_error_destroy(err);
	err = NULL;
	if (has_kernel && guest->chosen && gg_guest_is_over_wire(guest))
		err = add_running(guest);
	if (!err && has_kernel && guest->kernel->running)
		err = add_crashed(guest, guest->kernel, true);
	if (!err && !guest->others_complete && (scan || !gg_guest_is_over_wire(guest)))
		err = find_all(guest);
	if (err && has_kernel && is_no_kernel(err)) {
		gg_error_destroy(err);
		err = NULL;
	}
	return err;
}

const char *gg_kernel_finder_name(enum gg_kernel_finder finder)
{
	static const char *const words[] = {
		[GG_FOUND_BY_SCAN] = "scan",      [GG_FOUND_BY_DEVICE] = "device",
		[GG_FOUND_BY_TABLES] = "tables",  [GG_FOUND_BY_CHOICE] = "choice",
		[GG_FOUND_BY_KDUMP] = "kdump",    [GG_FOUND_BY_FILE] = "file",
		[GG_FOUND_BY_LOWCORE] = "lowcore"
	};
	return words[finder];
}

static int compare(const void *a, const void *b)
{
	return gg_kernel_compare(*(struct gg_kernel *const *)a, *(struct gg_kernel *const *)b);
}

static struct gg_error *show(struct gg_guest *guest, const struct gg_kernel *kernel,
			     gg_visit_kernel_fn *visit, void *data)
{
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	_cleanup_free_ char *release = gg_vmcoreinfo_value(&kernel->info, "OSRELEASE");
	_cleanup_free_ char *crash = gg_vmcoreinfo_value(&kernel->info, "CRASHTIME");
	_cleanup_free_ uint32_t *cpus = calloc(guest->machine.cpus.count + 1, sizeof(*cpus));
	if (!cpus)
		return gg_enomem;
	struct gg_kernel_info info = { .choice = { .note = kernel->note,
						   .identity = gg_kernel_identity(kernel) },
				       .release = release ? release : "?",
				       .architecture = kernel->arch->name,
				       .finder = kernel->finder,
				       .is_chosen = kernel == guest->kernel,
				       .has_crashed = kernel->has_crashed,
				       .crash_time = crash ? strtoull(crash, NULL, 10) : 0,
				       .cpus = cpus };
	for (size_t i = 0; i < guest->machine.cpus.count; i++)
		if (gg_kernel_runs_on(&site, kernel, &guest->machine.cpus.cpus[i]))
			cpus[info.cpu_count++] = guest->machine.cpus.cpus[i].index;
	struct gg_log_end end;
	struct gg_error *err = gg_log_end_read(gg_kernel_host(kernel), &end);
	err = gg_error_unless_final(err);
	if (err)
		return err;
	info.panic = end.panic;
	info.last = end.last;
	info.has_time = end.has_time;
	info.time = end.time;
	err = visit(data, &info);
	gg_log_end_deinit(&end);
	return err;
}

struct gg_error *gg_guest_kernels(struct gg_guest *guest, bool scan, gg_visit_kernel_fn *visit,
				  void *data)
{
	struct gg_kernel *all[GG_KERNELS_MAX + 1];
	struct gg_error *err = complete(guest, scan);
	if (err)
		return err;
	size_t count = 0;
	all[count++] = guest->kernel;
	for (size_t i = 0; i < guest->others.count; i++)
		all[count++] = guest->others.kernels[i];
	qsort(all, count, sizeof(*all), compare);
	for (size_t i = 0; !err && i < count; i++)
		err = show(guest, all[i], visit, data);
	return err ? err : gg_guest_check(guest);
}

bool gg_guest_shows_kernel_of(struct gg_guest *guest, uint32_t index)
{
	struct gg_error *err = gg_guest_find_chosen(guest);
	gg_error_destroy(err);
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	if (!guest->chosen)
		return true;
	for (size_t i = 0; i < guest->machine.cpus.count; i++)
		if (guest->machine.cpus.cpus[i].index == index)
			return gg_kernel_runs_on(&site, guest->kernel,
						 &guest->machine.cpus.cpus[i]);
	return false;
}
