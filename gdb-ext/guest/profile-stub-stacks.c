// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the gdbstub's replies, stacks among them; the kernel's tables for the walk.
// Out: frames.
// Trusts nothing it reads: frames and the bytes of stacks are bounded, and a walk does without the bytes that are
// not mapped.
#include "linux/stack/stack.h"
#include "profile-stub.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	PIECE = 2032, // bytes of a read: QEMU's packets have room for 4096 digits
	PAGE = 4096,
};

struct gg_stub_stacks {
	struct gg_unwinder *unwinder;
	struct gg_registers registers;
};

struct gg_error *gg_stub_stacks_create(const struct gg_sampler *sampler,
				       struct gg_stub_stacks **ret)
{
	struct gg_stub_stacks *stacks = calloc(1, sizeof(*stacks));
	if (!stacks)
		return gg_enomem;
	struct gg_error *err = gg_unwinder_create(sampler->kernel, &stacks->unwinder);
	if (err)
		gg_stub_stacks_destroy(stacks);
	else
		*ret = stacks;
	return err;
}

void gg_stub_stacks_destroy(struct gg_stub_stacks *stacks)
{
	if (!stacks)
		return;
	gg_unwinder_destroy(stacks->unwinder);
	free(stacks);
}

// Lists the pieces of a stack to read. No piece has bytes of two pages.
static void list_pieces(const struct gg_stub_stacks *stacks, uint64_t word, struct gg_stub_cpu *cpu)
{
	const gg_gva_t sp = cpu->values[1] / word * word;
	const uint64_t size = gg_unwinder_stack_size(stacks->unwinder);
	uint64_t left = sp - cpu->stack < size ? cpu->stack + size - sp : PIECE;
	gg_gva_t at = sp;
	cpu->piece_count = 0;
	left = left < GG_STUB_STACK ? left : GG_STUB_STACK;
	while (left && cpu->piece_count < GG_STUB_PIECES) {
		uint64_t now = PAGE - at % PAGE;
		now = now < left ? now : left;
		now = now < PIECE ? now : PIECE;
		cpu->pieces[cpu->piece_count++] = (struct gg_stub_piece){ at, (size_t)now };
		at += now;
		left -= now;
	}
}

// Receives the pieces. The bytes behind the first piece that is not mapped are dropped.
static struct gg_error *receive_pieces(struct gg_stub_run *stub, struct gg_stub_cpu *cpu)
{
	bool is_whole = true;
	struct gg_error *err = NULL;
	cpu->byte_count = 0;
	for (size_t i = 0; !err && i < cpu->piece_count; i++) {
		err = gg_wire_receive(&stub->wire);
		if (!err && is_whole)
			err = gg_wire_bytes(&stub->wire, cpu->bytes + cpu->byte_count,
					    cpu->pieces[i].size);
		if (err && gg_error_kind(err) == GG_FAULT) {
			gg_error_destroy(err);
			err = NULL;
			is_whole = false;
		}
		if (is_whole)
			cpu->byte_count += cpu->pieces[i].size;
	}
	return err;
}

static struct gg_error *keep_frames(struct gg_sample *sample, const struct gg_stack *stack)
{
	sample->frames = calloc(stack->count + 1, sizeof(*sample->frames));
	if (!sample->frames)
		return gg_enomem;
	for (size_t i = 0; i < stack->count; i++)
		sample->frames[i] =
			(struct gg_profile_frame){ stack->frames[i].pc, stack->frames[i].is_exact };
	sample->frame_count = stack->count;
	sample->user_pc = stack->end == GG_STACK_AT_USER ? stack->user_pc : 0;
	return NULL;
}

static struct gg_error *walk(struct gg_stub_stacks *stacks, struct gg_sampler *sampler,
			     size_t index, const struct gg_stub_cpu *cpu)
{
	const struct gg_answerers *kernel = sampler->kernel;
	const struct gg_stub_set *set = kernel->arch->stub;
	const uint64_t word = kernel->host.address_size;
	struct gg_sampled_cpu *sampled = &sampler->cpus[index];
	const struct gg_task task = { .address = sampler->tasks[sampled->task].address,
				      .stack = cpu->stack };
	struct gg_stack stack = { 0 };
	gg_registers_init(&stacks->registers, kernel->arch->registers, kernel->arch->word);
	for (size_t i = 0; i < set->count; i++)
		gg_register_set(&stacks->registers, set->registers[i].id, cpu->values[i]);
	gg_unwinder_give(stacks->unwinder, cpu->values[1] / word * word, cpu->bytes,
			 cpu->byte_count);
	struct gg_error *err =
		gg_stack_of_registers(stacks->unwinder, &stacks->registers, &task, &stack);
	if (!err)
		err = keep_frames(&sampled->sample, &stack);
	gg_stack_deinit(&stack);
	return err;
}

static void ask(const struct gg_sampled_cpu *sampled, const struct gg_stub_cpu *cpu,
		struct gg_wire *wire)
{
	gg_wire_add(wire, "Hg%" PRIx32, sampled->index + 1);
	gg_wire_add(wire, "Qqemu.PhyMemMode:0");
	for (size_t piece = 0; piece < cpu->piece_count; piece++)
		gg_wire_add(wire, "m%" PRIx64 ",%zx", cpu->pieces[piece].address,
			    cpu->pieces[piece].size);
	gg_wire_add(wire, "Qqemu.PhyMemMode:1");
}

static struct gg_error *receive(struct gg_stub_cpu *cpu, struct gg_stub_run *stub)
{
	struct gg_error *err = gg_stub_receive_ok(stub);
	if (!err)
		err = gg_stub_receive_ok(stub);
	if (!err)
		err = receive_pieces(stub, cpu);
	return err ? err : gg_stub_receive_ok(stub);
}

struct gg_error *gg_stub_stacks_read(struct gg_stub_stacks *stacks, struct gg_sampler *sampler,
				     struct gg_stub_cpu *cpus, struct gg_stub_run *stub)
{
	const size_t count = sampler->request->cpu_count;
	for (size_t i = 0; i < count; i++) {
		const struct gg_sample *sample = &sampler->cpus[i].sample;
		cpus[i].piece_count = 0;
		if (sample->is_user || sample->is_idle)
			continue;
		list_pieces(stacks, sampler->kernel->host.address_size, &cpus[i]);
		ask(&sampler->cpus[i], &cpus[i], &stub->wire);
	}
	struct gg_error *err = gg_wire_send(&stub->wire);
	for (size_t i = 0; !err && i < count; i++)
		if (cpus[i].piece_count)
			err = receive(&cpus[i], stub);
	for (size_t i = 0; !err && i < count; i++)
		if (cpus[i].piece_count)
			err = walk(stacks, sampler, i, &cpus[i]);
	return err;
}
