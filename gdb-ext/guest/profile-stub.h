// SPDX-License-Identifier: GPL-3.0-or-later
//
// Samples at a gdbstub, and their stacks.
#ifndef GG_PROFILE_STUB_H
#define GG_PROFILE_STUB_H

#include "sampler.h"
#include "stub-run.h"

enum {
	GG_STUB_STACK = 6144, // bytes of a sample's stack, at most
	GG_STUB_PIECES = 8,
};

struct gg_stub_piece {
	gg_gva_t address;
	size_t size;
};

// A CPU at the gdbstub.
struct gg_stub_cpu {
	uint64_t values[GG_STUB_REGISTERS]; // of the registers, by the architecture's row
	bool is_halted;
	gg_gva_t stack; // the lowest address of the task's stack
	struct gg_stub_piece pieces[GG_STUB_PIECES];
	size_t piece_count;
	uint8_t bytes[GG_STUB_STACK]; // from the stack pointer
	size_t byte_count;
};

struct gg_stub_stacks;

// Prepares the walk of SAMPLER's kernel, which outlives RET.
struct gg_error *gg_stub_stacks_create(const struct gg_sampler *sampler,
				       struct gg_stub_stacks **ret);

// Destroys STACKS, which may be NULL.
void gg_stub_stacks_destroy(struct gg_stub_stacks *stacks);

// Reads the stacks of the samples in the kernel by STUB, which is in the gdbstub's physical mode, and adds the
// frames to the samples. CPUS has the CPUs in the sampler's order.
struct gg_error *gg_stub_stacks_read(struct gg_stub_stacks *stacks, struct gg_sampler *sampler,
				     struct gg_stub_cpu *cpus, struct gg_stub_run *stub);

// The parts of a round of samples.
struct gg_stub_round {
	struct gg_sampler *sampler;
	const struct gg_stub_set *set;
	struct gg_stub_run stub;
	struct gg_stub_stacks *stacks; // NULL without
	struct gg_stub_cpu *cpus;      // in the sampler's order
};

// Stops the guest, which runs, and takes a sample of each of the sampler's CPUs. The samples were asked for at the time ASKED, of gg_wire_now();
// the profile has room for a delay. The gdbstub is in its physical mode afterwards.
struct gg_error *gg_stub_round_take(struct gg_stub_round *round, uint64_t asked);

#endif
