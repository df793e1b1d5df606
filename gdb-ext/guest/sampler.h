// SPDX-License-Identifier: GPL-3.0-or-later
//
// The facts about a kernel that samples of its CPUs need, found while the guest stands still: each way to take
// samples (guest/profile-*.c) starts from them.
//
// A new way: a file guest/profile-X.c with a struct that begins with struct gg_sampler, a row of operations, and a
// line in profile-ways.c.
#ifndef GG_SAMPLER_H
#define GG_SAMPLER_H

#include "linux/answerers/answerers.h"
#include "profile.h"

// The places of a task's members in guest-physical memory.
struct gg_sampled_task {
	gg_gva_t address;
	gg_gpa_t pid, comm, stack;
};

struct gg_task_members {
	struct gg_member pid, comm, stack;
};

struct gg_sampled_cpu {
	uint32_t index;
	gg_gpa_t current; // of the variable with the current task
	size_t task;      // in the sampler's list
	struct gg_sample sample;
};

struct gg_sampler {
	struct gg_guest *guest;
	const struct gg_profile_request *request;
	const struct gg_answerers *kernel;
	struct gg_task_members members;
	gg_gva_t idle_start, idle_end; // the code that a CPU without work is in; 0 if not known
	struct gg_sampled_cpu *cpus;
	struct gg_sampled_task *tasks;
	size_t task_count;
	struct gg_profile *profile;
};

// Prepares to sample the CPUs of REQUEST. The caller calls gg_sampler_deinit(), also after an error.
struct gg_error *gg_sampler_init(struct gg_sampler *sampler, struct gg_guest *guest,
				 const struct gg_profile_request *request,
				 const struct gg_notices *notices, struct gg_profile *profile);
void gg_sampler_deinit(struct gg_sampler *sampler);

// Finds the task at ADDRESS in the list, or adds the task.
struct gg_error *gg_sampler_find_task(struct gg_sampler *sampler, gg_gva_t address, size_t *ret);

// Tests whether PC is an address of the kernel's.
bool gg_sampler_is_kernel(const struct gg_sampler *sampler, gg_gva_t pc);

// Fills in the members that follow from PC and the sample's pid.
void gg_sampler_classify(const struct gg_sampler *sampler, struct gg_sample *sample, gg_gva_t pc);

// Moves the CPUs' samples, which were asked for at the time ASKED, ns since the start, to the profile.
struct gg_error *gg_sampler_keep(struct gg_sampler *sampler, uint64_t asked);

// Forgets the CPUs' samples.
void gg_sampler_drop(struct gg_sampler *sampler);

// The ways: take samples until the time is over, Ctrl-C, or the guest stops by itself. The guest is stopped before
// and afterwards.
typedef struct gg_error *gg_sample_fn(struct gg_guest *guest,
				      const struct gg_profile_request *request,
				      const struct gg_notices *notices, struct gg_profile *ret);
gg_sample_fn gg_profile_stub, gg_profile_process;

#endif
