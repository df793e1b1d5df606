// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  guest memory, the kernel's symbols and types.
// Out: the places to read a sample's task from.
// Trusts nothing it reads: the number of samples is bounded.
#include "sampler.h"
#include "base/vector.h"
#include "guest.h"
#include "linux/arch-ops.h"
#include "linux/tasks/run-queues.h"
#include "tasks.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct gg_task_members, pid, "task_struct", "pid"),
	GG_LAYOUT_ROW(struct gg_task_members, comm, "task_struct", "comm"),
	GG_LAYOUT_ROW(struct gg_task_members, stack, "task_struct", "stack"),
};

static struct gg_error *map(const struct gg_sampler *sampler, gg_gva_t address, gg_gpa_t *ret)
{
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_map(sampler->kernel->memory.table, address, &mapping);
	if (err)
		return err;
	if (!mapping.present)
		return gg_error_fault(address, "0x%" PRIx64 " is not mapped", address);
	*ret = mapping.gpa;
	return NULL;
}

static struct gg_error *prepare_cpu(struct gg_sampler *sampler, uint32_t index,
				    struct gg_sampled_cpu *cpu)
{
	struct gg_per_cpu per_cpu;
	gg_gva_t current;
	cpu->index = index;
	cpu->task = SIZE_MAX;
	struct gg_error *err = gg_guest_per_cpu(sampler->guest, index, &per_cpu);
	if (!err)
		err = gg_tasks_current_at(sampler->kernel, per_cpu.offset, &current);
	if (!err)
		err = map(sampler, current, &cpu->current);
	return err ? gg_error_context(err, "the current task of CPU %" PRIu32, index) : NULL;
}

static struct gg_error *prepare_cpus(struct gg_sampler *sampler)
{
	const struct gg_profile_request *request = sampler->request;
	struct gg_error *err = NULL;
	sampler->cpus = calloc(request->cpu_count + 1, sizeof(*sampler->cpus));
	if (!sampler->cpus)
		return gg_enomem;
	for (size_t i = 0; !err && i < request->cpu_count; i++)
		err = prepare_cpu(sampler, request->cpus[i], &sampler->cpus[i]);
	return err;
}

static gg_gva_t optional_symbol(const struct gg_sampler *sampler, const char *name)
{
	gg_gva_t address = 0;
	gg_error_destroy(gg_symbols_address(sampler->kernel->symbols, name, &address));
	return address;
}

struct gg_error *gg_sampler_init(struct gg_sampler *sampler, struct gg_guest *guest,
				 const struct gg_profile_request *request,
				 const struct gg_notices *notices, struct gg_profile *profile)
{
	*sampler = (struct gg_sampler){ .guest = guest, .request = request, .profile = profile };
	struct gg_error *err = gg_guest_answerers(guest, notices, &sampler->kernel);
	if (err)
		return err;
	err = gg_layout_resolve(&sampler->kernel->typed, rows, sizeof(rows) / sizeof(*rows),
				&sampler->members);
	if (!err)
		err = prepare_cpus(sampler);
	sampler->idle_start = optional_symbol(sampler, "__cpuidle_text_start");
	sampler->idle_end = optional_symbol(sampler, "__cpuidle_text_end");
	return err;
}

void gg_sampler_deinit(struct gg_sampler *sampler)
{
	gg_sampler_drop(sampler);
	free(sampler->cpus);
	free(sampler->tasks);
}

struct gg_error *gg_sampler_find_task(struct gg_sampler *sampler, gg_gva_t address, size_t *ret)
{
	for (size_t i = 0; i < sampler->task_count; i++)
		if (sampler->tasks[i].address == address) {
			*ret = i;
			return NULL;
		}
	struct gg_sampled_task task = { .address = address };
	struct gg_error *err = map(sampler, address + sampler->members.pid.offset, &task.pid);
	if (!err)
		err = map(sampler, address + sampler->members.comm.offset, &task.comm);
	if (!err)
		err = map(sampler, address + sampler->members.stack.offset, &task.stack);
	if (!err)
		err = gg_vector_grow(&sampler->tasks, sampler->task_count, sizeof(*sampler->tasks));
	if (err)
		return err;
	*ret = sampler->task_count;
	sampler->tasks[sampler->task_count++] = task;
	return NULL;
}

bool gg_sampler_is_kernel(const struct gg_sampler *sampler, gg_gva_t pc)
{
	return pc >= sampler->kernel->arch->kernel->kernel_area;
}

void gg_sampler_classify(const struct gg_sampler *sampler, struct gg_sample *sample, gg_gva_t pc)
{
	sample->pc = pc;
	sample->is_user = !gg_sampler_is_kernel(sampler, pc);
	sample->is_idle = !sample->pid && pc >= sampler->idle_start && pc < sampler->idle_end;
}

struct gg_error *gg_sampler_keep(struct gg_sampler *sampler, uint64_t asked)
{
	struct gg_profile *profile = sampler->profile;
	for (size_t i = 0; i < sampler->request->cpu_count; i++) {
		struct gg_sample *sample = &sampler->cpus[i].sample;
		struct gg_error *err = gg_vector_grow(&profile->samples, profile->count,
						      sizeof(*profile->samples));
		if (err)
			return err;
		sample->time = asked;
		profile->idle += sample->is_idle;
		profile->samples[profile->count++] = *sample;
		*sample = (struct gg_sample){ 0 };
	}
	profile->rounds++;
	profile->is_full = profile->count + sampler->request->cpu_count > GG_PROFILE_SAMPLES;
	return NULL;
}

void gg_sampler_drop(struct gg_sampler *sampler)
{
	for (size_t i = 0; sampler->cpus && i < sampler->request->cpu_count; i++) {
		free(sampler->cpus[i].sample.frames);
		sampler->cpus[i].sample = (struct gg_sample){ 0 };
	}
}
