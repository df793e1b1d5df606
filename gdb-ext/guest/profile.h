// SPDX-License-Identifier: GPL-3.0-or-later
//
// The samples of a profile.
#ifndef GG_PROFILE_H
#define GG_PROFILE_H

#include "guest.h"
#include "linux/stack/frame.h"
#include "linux/tasks/tasks.h"
#include "stub-run.h"

#include <gdb-guest/profile.h>

enum {
	GG_PROFILE_SAMPLES = 1 << 20, // at most
};

struct gg_profile_frame {
	gg_gva_t pc;
	bool is_exact; // as struct gg_frame has it
};

struct gg_sample {
	uint64_t time; // ns since the start
	uint32_t cpu;  // QEMU's number
	int32_t pid;   // of the thread
	char comm[GG_TASK_COMM + 1];
	bool is_user, is_idle;
	gg_gva_t pc;
	gg_gva_t user_pc; // of a program that the kernel's stack ends at; 0 without
	// The kernel's stack with PC first; owned. NULL without.
	struct gg_profile_frame *frames;
	size_t frame_count;
};

struct gg_profile {
	struct gg_sample *samples;
	size_t count;
	size_t idle;
	uint64_t rounds;           // stops of the guest, a sample of each CPU each
	uint64_t elapsed, stopped; // ns
	uint64_t *
		delays; // ns from asking for each stop to the guest's stop; the owner is the profile
	bool is_limited;   // the rate was lower than asked for, for the guest's sake
	bool is_unstopped; // the guest ran on while the samples were taken
	bool is_interrupted;
	bool is_full;              // no more samples are kept
	char ended[GG_STUB_ENDED]; // the reason for which the guest stopped by itself, or ""
};

void gg_profile_deinit(struct gg_profile *profile);

struct gg_profile_request {
	const struct gg_profile_options *options;
	const uint32_t *cpus; // QEMU's numbers
	size_t cpu_count;
	// Called each second with the guest stopped; may be NULL. An error ends the profile.
	struct gg_error *(*look)(void *data, const struct gg_profile *profile);
	void *data;
};

// Lets GUEST, at a gdbstub and stopped, run, and takes samples of it; GUEST is stopped at the end, also
// after an error. The caller calls gg_profile_deinit(), also after an error.
struct gg_error *gg_guest_profile(struct gg_guest *guest, const struct gg_profile_request *request,
				  const struct gg_notices *notices, struct gg_profile *ret);

#endif
