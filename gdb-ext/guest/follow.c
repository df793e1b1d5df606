// SPDX-License-Identifier: GPL-3.0-or-later
//
// The log of a guest that runs in between, as text: which kernel is the guest's at each look, and
// what that has logged since.
#include "guest.h"
#include "linux/log/filter.h"
#include "linux/log/new.h"
#include "linux/log/printer.h"

#include <stdlib.h>
#include <string.h>

// To look for another kernel may take as long as to read all of RAM.
enum { LOOKS_PER_SEARCH = 8 };

struct gg_log_follow {
	struct gg_log_query query;        // whose strings are owned
	struct gg_log_bound since, until; // as they were given
	struct gg_log_style style;
	struct gg_log_filter filter;
	struct gg_log_new log;
	bool has_kernel;         // which the CPUs were seen to run, ...
	gg_gpa_t note;           // ... with its VMCOREINFO there, ...
	gg_gva_t image;          // ... and its image there
	unsigned int lost_looks; // since they do not
	bool has_times;          // the kernel's wall clock was looked for

	// During a look.
	struct gg_guest *guest;
	struct gg_log_printer printer;
	const struct gg_notices *notices;
};

// ---- Text ----

static struct gg_error *print_record(void *data, const struct gg_log_record *record)
{
	struct gg_log_follow *follow = data;
	return gg_log_printer_record(&follow->printer, record);
}

static struct gg_error *pass_record(void *data, const struct gg_log_record *record)
{
	struct gg_log_follow *follow = data;
	return gg_log_filter_record(&follow->filter, record);
}

static struct gg_error *read_log(void *source, struct gg_log_sink *sink)
{
	struct gg_log_follow *follow = source;
	follow->filter.from = sink;
	return gg_guest_read_log(follow->guest, follow->notices, sink);
}

// ---- Which kernel ----

static struct gg_error *is_running(struct gg_log_follow *follow, bool *ret)
{
	struct gg_guest *guest = follow->guest;
	const struct gg_qemu_cpus *cpus;
	*ret = false;
	const struct gg_arch *arch;
	if (!guest->kernel)
		return NULL;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (!err)
		err = gg_guest_cpu_arch(guest, &arch);
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	return err ? err : gg_kernel_is_running(&site, guest->kernel, ret);
}

// Another kernel is taken only if it is plain that it runs: the old one's memory is still there.
static struct gg_error *find_other_kernel(struct gg_log_follow *follow)
{
	struct gg_guest *guest = follow->guest;
	struct gg_kernel *kernel = NULL;
	struct gg_vmcoreinfo_scan scan = { .big_endian = guest->machine.arch->big_endian };
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_error *err = gg_kernel_find_running(&site, &scan, &kernel);
	if (err || !kernel)
		return err;
	gg_kernel_destroy(guest->kernel);
	guest->kernel = kernel;
	return NULL;
}

static struct gg_error *remember_kernel(struct gg_log_follow *follow)
{
	struct gg_error *err = is_running(follow, &follow->has_kernel);
	if (!follow->has_kernel)
		return err;
	follow->note = follow->guest->kernel->note;
	follow->image = follow->guest->kernel->image;
	return err;
}

// Tests whether the running kernel is still the kernel that is followed.
static struct gg_error *compare_kernel(struct gg_log_follow *follow)
{
	const struct gg_kernel *kernel = follow->guest->kernel;
	follow->lost_looks = 0;
	if (kernel->note == follow->note && kernel->image == follow->image)
		return NULL;
	gg_log_new_forget(&follow->log);
	follow->has_times = false;
	struct gg_error *err = remember_kernel(follow);
	return err ? err
		   : gg_tell(follow->notices,
			     "another kernel runs in the guest now: it was started anew");
}

// Finds the kernel of a guest that was found anew. A guest without a kernel now is no
// error.
static struct gg_error *find_kernel(struct gg_log_follow *follow)
{
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_running_kernel(follow->guest, NULL, &kernel);
	return gg_error_unless_final(err);
}

// RET: a kernel runs whose log can be read.
static struct gg_error *check_kernel(struct gg_log_follow *follow, bool *ret)
{
	*ret = true;
	// A kernel that was never plain to run cannot be seen to run no more.
	if (!follow->has_kernel)
		return NULL;
	struct gg_error *err = follow->guest->kernel ? NULL : find_kernel(follow);
	if (!err)
		err = is_running(follow, ret);
	if (!err && !*ret && follow->guest->kernel &&
	    follow->lost_looks++ % LOOKS_PER_SEARCH == 1) {
		err = find_other_kernel(follow);
		if (!err)
			err = is_running(follow, ret);
	}
	return err || !*ret ? err : compare_kernel(follow);
}

// ---- One look ----

// A guest that is just being started has damaged logs, or none: the next look will tell.
static struct gg_error *pass_over(struct gg_error *err, bool *ret)
{
	const enum gg_error_kind kind = gg_error_kind(err);
	if (kind != GG_NOT_FOUND && kind != GG_FAULT && kind != GG_BAD_DATA && kind != GG_ABSENT)
		return err;
	gg_error_destroy(err);
	*ret = false;
	return NULL;
}

// Once for each kernel.
static struct gg_error *find_times(struct gg_log_follow *follow)
{
	struct gg_error *err = NULL;
	if (follow->has_times)
		return NULL;
	if (follow->style.wall)
		err = gg_guest_wall_offset(follow->guest, follow->notices,
					   &follow->style.wall_offset);
	follow->query.since = follow->since;
	follow->query.until = follow->until;
	if (!err)
		err = gg_guest_resolve_query(
			follow->guest, follow->style.wall ? NULL : follow->notices, &follow->query);
	follow->has_times = !err;
	return err;
}

// A kernel that does not run logs nothing more.
static struct gg_error *check_choice(struct gg_guest *guest)
{
	struct gg_error *err = gg_guest_find_chosen(guest);
	if (!err && guest->chosen && !guest->kernel->running)
		err = gg_error_create(GG_INVALID, "no CPU runs the kernel that guest-kernel chose: "
						  "guest-kernel -auto chooses the one that runs");
	return err;
}

static struct gg_error *look(struct gg_log_follow *follow, bool *ret)
{
	const bool is_first = !follow->log.has_looked;
	struct gg_error *err = is_first ? check_choice(follow->guest) : NULL;
	if (!err)
		err = check_kernel(follow, ret);
	if (err || !*ret)
		return err;
	err = find_times(follow);
	if (err)
		return is_first ? err : pass_over(err, ret);
	err = gg_log_new_read(&follow->log, read_log, follow);
	if (!err)
		err = gg_guest_check(follow->guest);
	if (!err && is_first)
		err = gg_log_filter_end(&follow->filter);
	if (!err && is_first)
		err = remember_kernel(follow);
	if (err)
		return is_first ? err : pass_over(err, ret);
	// From now on no record has to wait for the last one, and none was cleared before.
	follow->query.tail = 0;
	follow->query.since_clear = false;
	return gg_log_printer_end(&follow->printer);
}

struct gg_error *gg_log_follow_look(struct gg_log_follow *follow, struct gg_guest *guest,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices, bool *ret)
{
	follow->guest = guest;
	follow->printer.style = &follow->style;
	follow->printer.writer = writer;
	follow->notices = notices;
	follow->log.notices = notices;
	return look(follow, ret);
}

// ---- All of it ----

static struct gg_error *copy_query(const struct gg_log_query *query, struct gg_log_query *ret)
{
	*ret = *query;
	ret->pattern = query->pattern ? strdup(query->pattern) : NULL;
	return query->pattern && !ret->pattern ? gg_enomem : NULL;
}

struct gg_error *gg_log_follow_create(const struct gg_log_query *query,
				      const struct gg_log_style *style, struct gg_log_follow **ret)
{
	if (query->transcript)
		return gg_error_create(GG_INVALID, "a transcript does not go on");
	struct gg_log_follow *follow = calloc(1, sizeof(*follow));
	if (!follow)
		return gg_enomem;
	follow->style = *style;
	follow->log = (struct gg_log_new){ .record = pass_record, .data = follow };
	follow->since = query->since;
	follow->until = query->until;
	struct gg_error *err = copy_query(query, &follow->query);
	if (!err)
		err = gg_log_filter_init(&follow->filter, &follow->query, print_record, follow);
	if (err) {
		gg_log_follow_destroy(follow);
		return err;
	}
	*ret = follow;
	return NULL;
}

void gg_log_follow_destroy(struct gg_log_follow *follow)
{
	if (!follow)
		return;
	gg_log_filter_deinit(&follow->filter);
	gg_log_printer_deinit(&follow->printer);
	free((char *)follow->query.pattern);
	free(follow);
}
