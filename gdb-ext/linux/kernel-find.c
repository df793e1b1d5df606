// SPDX-License-Identifier: GPL-3.0-or-later
//
// Which kernels there are in RAM, and which of them runs.
//
// A guest that rebooted, or runs the kernel that is loaded for crashes, or is under attack, has
// several notes. A kernel is running that the CPUs' own tables map; of the others those count that
// are whole.
#include "base/cleanup.h"
#include "memory/ram-scan.h"
#include "kernel.h"

#include <gdb-guest/interrupt.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- Lists ----

void gg_kernels_deinit(struct gg_kernels *kernels)
{
	for (size_t i = 0; i < kernels->count; i++)
		gg_kernel_destroy(kernels->kernels[i]);
	*kernels = (struct gg_kernels){ .count = 0 };
}

static int rank(const struct gg_kernel *kernel)
{
	return !kernel->running ? 2 : kernel->has_crashed;
}

int gg_kernel_compare(const struct gg_kernel *a, const struct gg_kernel *b)
{
	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	if (a->running != b->running)
		return a->running > b->running ? -1 : 1;
	return a->note < b->note ? -1 : a->note > b->note;
}

bool gg_kernel_is_same(const struct gg_kernel *a, const struct gg_kernel *b)
{
	return a->note == b->note ||
	       (a->paging.text == b->paging.text && a->paging.text_gpa == b->paging.text_gpa &&
		a->paging.paging.root == b->paging.paging.root);
}

void gg_kernels_add(struct gg_kernels *kernels, struct gg_kernel *kernel)
{
	size_t at = 0;
	for (size_t i = 0; i < kernels->count; i++) {
		if (gg_kernel_is_same(kernels->kernels[i], kernel)) {
			gg_kernel_destroy(kernel);
			return;
		}
		at += gg_kernel_compare(kernels->kernels[i], kernel) < 0;
	}
	if (kernels->count == GG_KERNELS_MAX) {
		gg_kernel_destroy(at == kernels->count ? kernel
						       : kernels->kernels[--kernels->count]);
		if (at > kernels->count)
			return;
	}
	memmove(&kernels->kernels[at + 1], &kernels->kernels[at],
		(kernels->count - at) * sizeof(*kernels->kernels));
	kernels->kernels[at] = kernel;
	kernels->count++;
}

// ---- All of them ----

struct search {
	const struct gg_kernel_site *site;
	const struct gg_notices *notices;
	struct gg_kernels *kernels;
	char *rejected; // the reason the first rejected note was rejected
	size_t rejected_count;
};

// A host's RAM has the notes of its nested guests.
enum { MOST_TOLD = 4 };

// Rejects the note at GPA because of ERR, which is consumed.
static struct gg_error *reject(struct search *search, gg_gpa_t gpa, struct gg_error *err)
{
	if (gg_error_is_final(err))
		return err;
	_cleanup_free_ char *text = NULL;
	int length =
		asprintf(&text, "the VMCOREINFO at guest-physical 0x%" PRIx64 " is rejected: %s",
			 gpa, gg_error_message(err));
	gg_error_destroy(err);
	if (length < 0) {
		text = NULL;
		return gg_enomem;
	}
	if (!search->rejected && !(search->rejected = strdup(text)))
		return gg_enomem;
	return ++search->rejected_count > MOST_TOLD ? NULL : gg_tell(search->notices, "%s", text);
}

static struct gg_error *tell_rest(const struct search *search)
{
	return search->rejected_count <= MOST_TOLD
		       ? NULL
		       : gg_tell(search->notices,
				 "%zu more VMCOREINFOs in RAM are rejected, as those of nested "
				 "guests are: set guest-debug on (guest-core -debug) shows them",
				 search->rejected_count - MOST_TOLD);
}

// A kernel that CPUs run needs no other witness.
static struct gg_error *try_note(struct search *search, gg_gpa_t gpa)
{
	struct gg_kernel *kernel = NULL;
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_kernel_read(search->site, gpa, &kernel);
	if (!err && !kernel->running && !gg_kernel_is_whole(kernel)) {
		gg_kernel_destroy(kernel);
		err = gg_error_create(GG_BAD_DATA, "its kernel's memory is overwritten: no CPU "
						   "runs it, and its release is not in it");
		gg_debug(search->site->debug, "VMCOREINFO at 0x%" PRIx64 ": rejected: %s", gpa,
			 gg_error_message(err));
	}
	if (err)
		return reject(search, gpa, err);
	gg_kernels_add(search->kernels, kernel);
	return NULL;
}

static struct gg_error *try_notes(struct search *search, const struct gg_vmcoreinfo_scan *scan)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < scan->count; i++)
		err = try_note(search, scan->found[i]);
	return err;
}

static struct gg_error *not_found(const struct search *search,
				  const struct gg_vmcoreinfo_scan *scan)
{
	if (search->rejected)
		return gg_error_create(
			GG_NOT_FOUND, "no VMCOREINFO of a running kernel: of %zu%s, %s",
			scan->count, scan->overflowed ? " or more" : "", search->rejected);
	if (*scan->banner)
		return gg_error_create(
			scan->missing ? GG_ABSENT : GG_NOT_FOUND,
			"no VMCOREINFO of the Linux kernel in the guest's RAM (\"%s\"): the kernel "
			"has not come so far, or has no CONFIG_VMCORE_INFO (or "
			"CONFIG_CRASH_CORE)%s",
			scan->banner, scan->missing ? ", or missing RAM has it" : "");
	if (scan->missing)
		return gg_error_create(GG_ABSENT,
				       "no VMCOREINFO in the guest's RAM, of which 0x%" PRIx64
				       " bytes are missing",
				       scan->missing);
	return gg_error_create(
		GG_NOT_FOUND,
		"no VMCOREINFO in the guest's RAM: the guest has not booted Linux, or a kernel "
		"without CONFIG_VMCORE_INFO (or CONFIG_CRASH_CORE)");
}

struct gg_error *gg_kernels_find(const struct gg_kernel_site *site,
				 const struct gg_vmcoreinfo_scan *scan,
				 const struct gg_notices *notices, struct gg_kernels *ret)
{
	struct search search = { .site = site, .notices = notices, .kernels = ret };
	struct gg_vmcoreinfo_scan everywhere = { .big_endian = scan->big_endian };
	*ret = (struct gg_kernels){ .count = 0 };
	gg_debug(site->debug, "kernels: %zu candidates, %" PRIu64 " bytes of RAM missing",
		 scan->count, scan->missing);
	struct gg_error *err = try_notes(&search, scan);
	if (!err && !scan->count) {
		gg_debug(site->debug, "kernels: looking for VMCOREINFO at every offset of RAM");
		err = gg_vmcoreinfo_scan_everywhere(&everywhere, site->map);
		scan = &everywhere;
		if (!err)
			err = try_notes(&search, scan);
	}
	if (!err)
		err = tell_rest(&search);
	if (!err && !ret->count)
		err = not_found(&search, scan);
	free(search.rejected);
	if (err)
		gg_kernels_deinit(ret);
	return err;
}

// ---- The one that runs ----

struct running {
	const struct gg_kernel_site *site;
	struct gg_vmcoreinfo_scan *scan;
	struct gg_kernel *kernel;
	struct gg_error *err; // that ends the search
};

static bool try_running(struct running *running, gg_gpa_t gpa)
{
	struct gg_kernel *kernel = NULL;
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_kernel_read(running->site, gpa, &kernel);
	if (gg_error_is_final(err)) {
		running->err = err;
		return true;
	}
	gg_error_destroy(err);
	bool is_running = false;
	if (kernel && kernel->running)
		running->err = gg_kernel_is_running(running->site, kernel, &is_running);
	if (is_running)
		running->kernel = kernel;
	else
		gg_kernel_destroy(kernel);
	return running->kernel || running->err;
}

static bool look_for_running(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	struct running *running = data;
	size_t tried = running->scan->count;
	gg_vmcoreinfo_scan_bytes(running->scan, gpa, bytes, size);
	for (; tried < running->scan->count; tried++)
		if (try_running(running, running->scan->found[tried]))
			return true;
	return false;
}

struct gg_error *gg_kernel_find_running(const struct gg_kernel_site *site,
					struct gg_vmcoreinfo_scan *scan, struct gg_kernel **ret)
{
	struct running running = { .site = site, .scan = scan };
	gg_debug(site->debug, "kernels: looking for VMCOREINFO at every page of RAM");
	struct gg_error *err = gg_ram_scan(site->map, GG_VMCOREINFO_HEADER, look_for_running,
					   &running, &scan->missing);
	if (!err)
		err = running.err;
	*ret = err ? NULL : running.kernel;
	if (!err)
		return NULL;
	gg_kernel_destroy(running.kernel);
	return gg_error_context(err, "looking for VMCOREINFO");
}

struct gg_error *gg_kernel_find_at(const struct gg_kernel_site *site, gg_gpa_t gpa,
				   struct gg_kernel **ret)
{
	struct gg_kernel *kernel = NULL;
	*ret = NULL;
	gg_debug(site->debug, "kernels: looking where the note was, 0x%" PRIx64, gpa);
	struct gg_error *err = gg_kernel_read(site, gpa, &kernel);
	err = gg_error_unless_final(err);
	if (err)
		return err;
	bool is_running = false;
	err = kernel ? gg_kernel_is_running(site, kernel, &is_running) : NULL;
	if (kernel && !err &&
	    (is_running || (kernel->running && !kernel->has_crashed) ||
	     (!gg_kernel_count_paging(site) && gg_kernel_is_whole(kernel))))
		*ret = kernel;
	else
		gg_kernel_destroy(kernel);
	return err;
}
