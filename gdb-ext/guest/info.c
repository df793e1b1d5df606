// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest at a glance.
//
// In:  a guest whose RAM is known.
// Out: the facts about it, each with the reason where it is not known.
// Never: a fact in the place of a final error (Ctrl-C, a connection that is lost).
#include "base/cleanup.h"
#include "base/text.h"
#include "base/vector.h"
#include "guest.h"
#include "linux/log/log.h"
#include "verdict.h"

#include <gdb-guest/info.h>
#include <gdb-guest/interrupt.h>
#include <string.h>

// ---- RAM ----

static struct gg_error *add_range(void *data, const struct gg_ram_range *range)
{
	struct gg_info_ranges *ranges = data;
	struct gg_error *err =
		gg_vector_grow(&ranges->ranges, ranges->listed, sizeof(*ranges->ranges));
	if (err)
		return err;
	ranges->ranges[ranges->listed++] = *range;
	ranges->count++;
	ranges->size += range->size;
	return NULL;
}

static struct gg_error *add_absent(void *data, const struct gg_ram_range *piece)
{
	struct gg_info_ranges *absent = data;
	if (absent->listed < GG_INFO_ABSENT_MAX)
		return add_range(data, piece);
	absent->count++;
	absent->size += piece->size;
	return NULL;
}

static struct gg_error *read_absent(struct gg_guest *guest, struct gg_info *info)
{
	info->absent_error = gg_guest_absent(guest, add_absent, &info->absent);
	if (!info->absent_error) {
		info->absent_advice = gg_guest_absent_advice(guest);
		return NULL;
	}
	struct gg_error *err = gg_error_is_final(info->absent_error) ? info->absent_error : NULL;
	if (err)
		info->absent_error = NULL;
	free(info->absent.ranges);
	info->absent = (struct gg_info_ranges){ 0 };
	return err;
}

// ---- CPUs ----

// Reads whether CPU is nested. A CPU whose registers cannot be read is not called so.
static struct gg_error *read_nesting(struct gg_guest *guest, const struct gg_qemu_cpu *cpu,
				     struct gg_info_cpu *ret)
{
	struct gg_cpu_state state;
	struct gg_error *err = gg_guest_cpu_state(guest, cpu, &state);
	if (!err)
		ret->nesting = state.nesting;
	return gg_error_unless_final(err);
}

static struct gg_error *read_cpus(struct gg_guest *guest, struct gg_info *info)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (gg_error_is_final(err))
		return err;
	info->cpu_error = err;
	if (err)
		return NULL;
	info->cpus = calloc(cpus->count + 1, sizeof(*info->cpus));
	if (!info->cpus)
		return gg_enomem;
	for (size_t i = 0; !err && i < cpus->count; i++) {
		struct gg_info_cpu *cpu = &info->cpus[info->cpu_count++];
		*cpu = (struct gg_info_cpu){ .index = cpus->cpus[i].index,
					     .freshness = cpus->cpus[i].freshness };
		err = read_nesting(guest, &cpus->cpus[i], cpu);
	}
	return err;
}

// ---- The kernel ----

static struct gg_error *add_notice(void *data, const char *text)
{
	struct gg_info *info = data;
	struct gg_error *err =
		gg_vector_grow(&info->notices, info->notice_count, sizeof(*info->notices));
	if (err)
		return err;
	info->notices[info->notice_count] = strdup(text);
	return info->notices[info->notice_count++] ? NULL : gg_enomem;
}

static char *read_uts(const struct gg_kernel *kernel, unsigned int field)
{
	char *text = gg_kernel_uts(kernel, field);
	if (text && *text)
		return text;
	free(text);
	return NULL;
}

static char *read_value(const struct gg_kernel *kernel, const char *key)
{
	_cleanup_free_ char *value = gg_vmcoreinfo_value(&kernel->info, key);
	return value ? gg_text_escape(value) : NULL;
}

static struct gg_error *copy_kernel(const struct gg_kernel *kernel, struct gg_info_kernel *ret)
{
	*ret = (struct gg_info_kernel){
		.release = read_value(kernel, "OSRELEASE"),
		.version = read_uts(kernel, GG_UTS_VERSION),
		.nodename = read_uts(kernel, GG_UTS_NODENAME),
		.kaslr_offset = read_value(kernel, "KERNELOFFSET"),
		.vmcoreinfo = kernel->note,
		.finder = kernel->finder,
		.image = kernel->image,
		.image_gpa = kernel->image_gpa,
		.image_size = kernel->paging.image_is_direct ? 0 : kernel->image_size,
		.levels = kernel->paging.paging.levels,
		.has_direct_map = kernel->has_direct_map,
		.direct_map = kernel->direct_map,
	};
	struct gg_error *err = gg_log_ring_newest(gg_kernel_host(kernel), &ret->last_record);
	ret->has_last_record = !err;
	return gg_error_unless_final(err);
}

static struct gg_error *read_kernel(struct gg_guest *guest, bool all, struct gg_info *info)
{
	const struct gg_notices notices = { .tell = add_notice, .data = info };
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_kernel(guest, NULL, &notices, &kernel);
	if (!err)
		err = copy_kernel(kernel, &info->kernel);
	else if (!gg_error_is_final(err)) {
		info->kernel_error = err;
		return NULL;
	}
	return err ? err : gg_guest_verdict(guest, kernel, all, &info->verdict);
}

// ---- All ----

// The RAM comes first: without RAM there is nothing to look at. What is absent comes behind the
// search for the kernel, which may find more that cannot be read.
static struct gg_error *read_all(struct gg_guest *guest, bool all, struct gg_info *info)
{
	struct gg_error *err = gg_guest_ram(guest, add_range, &info->ram);
	if (!err)
		err = gg_guest_facts(guest, &info->source);
	if (!err && info->source.notice)
		err = add_notice(info, info->source.notice);
	if (!err)
		err = read_kernel(guest, all, info);
	if (!err)
		err = read_cpus(guest, info);
	if (!err)
		err = gg_guest_hidden(guest, add_range, &info->hidden);
	if (!err)
		err = read_absent(guest, info);
	info->backing = gg_guest_backing(guest)->name;
	if (!err)
		err = gg_interrupt_check();
	return err ? err : gg_guest_check(guest);
}

struct gg_error *gg_guest_info(struct gg_guest *guest, bool all, struct gg_info **ret)
{
	struct gg_info *info = calloc(1, sizeof(*info));
	struct gg_error *err = info ? read_all(guest, all, info) : gg_enomem;
	if (err)
		gg_info_destroy(info);
	else
		*ret = info;
	return err;
}

void gg_info_destroy(struct gg_info *info)
{
	if (!info)
		return;
	gg_source_facts_deinit(&info->source);
	free(info->cpus);
	gg_error_destroy(info->cpu_error);
	free(info->ram.ranges);
	free(info->hidden.ranges);
	free(info->absent.ranges);
	gg_error_destroy(info->absent_error);
	free(info->kernel.release);
	free(info->kernel.version);
	free(info->kernel.nodename);
	free(info->kernel.kaslr_offset);
	gg_error_destroy(info->kernel_error);
	gg_verdict_deinit(&info->verdict);
	for (size_t i = 0; i < info->notice_count; i++)
		free(info->notices[i]);
	free(info->notices);
	free(info);
}
