// SPDX-License-Identifier: GPL-3.0-or-later
//
// A round of samples, one of each CPU: the guest is stopped, and asked for a few registers and the current task of each CPU, in one
// or two writes.
//
// In:  the connection to the gdbstub; the places of the CPUs' tasks.
// Out: a sample of each CPU.
// Trusts nothing it reads: replies have the lengths that were asked for. A task's name is read in each sample anew, for a kernel uses
// the memory of dead tasks again.
#include "base/cleanup.h"
#include "profile-stub.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- The first round trip: registers and current tasks ----

static void ask_task(struct gg_stub_round *round, size_t index)
{
	const struct gg_sampled_task *task = &round->sampler->tasks[index];
	gg_stub_ask_identity(&round->stub, task->pid, task->comm);
	if (round->stacks)
		gg_wire_add(&round->stub.wire, "m%" PRIx64 ",%x", task->stack,
			    round->sampler->kernel->host.address_size);
}

// Receives the task INDEX of the sampler's list, which was asked for the sampler's CPU CPU.
static struct gg_error *receive_task(struct gg_stub_round *round, size_t index, size_t cpu)
{
	const struct gg_sampled_task *task = &round->sampler->tasks[index];
	struct gg_sample *sample = &round->sampler->cpus[cpu].sample;
	uint64_t pid = 0;
	struct gg_error *err =
		gg_stub_receive_identity(&round->stub, task->pid, task->comm, &pid, sample->comm);
	if (!err && round->stacks)
		err = gg_stub_receive_word(&round->stub, round->sampler->kernel->host.address_size,
					   &round->cpus[cpu].stack);
	sample->pid = (int32_t)pid;
	return err;
}

// Counts the registers that a sample takes.
static size_t count_registers(const struct gg_stub_round *round)
{
	if (round->stacks)
		return round->set->count;
	return round->set->mode_mask ? round->set->mode + 1 : 1;
}

static void ask_cpu(struct gg_stub_round *round, const struct gg_sampled_cpu *cpu)
{
	const size_t count = count_registers(round);
	gg_wire_add(&round->stub.wire, "Hg%" PRIx32, cpu->index + 1);
	for (size_t i = 0; i < count; i++)
		gg_wire_add(&round->stub.wire, "p%x", round->set->registers[i].number);
	// QEMU says of a thread: "CPU#0 [halted ]".
	if (round->set->asks_state)
		gg_wire_add(&round->stub.wire, "qThreadExtraInfo,%" PRIx32, cpu->index + 1);
	gg_wire_add(&round->stub.wire, "m%" PRIx64 ",%x", cpu->current,
		    round->sampler->kernel->host.address_size);
	if (cpu->task < round->sampler->task_count)
		ask_task(round, cpu->task);
}

static struct gg_error *receive_registers(struct gg_stub_round *round, struct gg_stub_cpu *cpu)
{
	const size_t count = count_registers(round);
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++)
		err = gg_stub_receive_register(&round->stub, &cpu->values[i]);
	return err;
}

static struct gg_error *receive_state(struct gg_stub_round *round, struct gg_stub_cpu *cpu)
{
	static const char halted[] = "5b68616c746564"; // "[halted" in digits
	struct gg_error *err = gg_wire_receive(&round->stub.wire);
	cpu->is_halted = !err && strstr(round->stub.wire.reply, halted);
	return err;
}

// Receives the registers and the current task of the sampler's CPU INDEX. *IS_NEW is set if the CPU's last sample had
// another task.
static struct gg_error *receive_cpu(struct gg_stub_round *round, size_t index, gg_gva_t *current,
				    bool *is_new)
{
	const struct gg_sampler *sampler = round->sampler;
	const size_t task = sampler->cpus[index].task;
	const bool has_task = task < sampler->task_count;
	struct gg_error *err = gg_stub_receive_ok(&round->stub);
	if (!err)
		err = receive_registers(round, &round->cpus[index]);
	if (!err && round->set->asks_state)
		err = receive_state(round, &round->cpus[index]);
	if (!err)
		err = gg_stub_receive_word(&round->stub, sampler->kernel->host.address_size,
					   current);
	if (!err && has_task)
		err = receive_task(round, task, index);
	*is_new = !err && (!has_task || sampler->tasks[task].address != *current);
	return err;
}

// Asks for the tasks that the first round trip has found, after all of its replies came.
static struct gg_error *complete_tasks(struct gg_stub_round *round, const gg_gva_t *currents,
				       const bool *are_new)
{
	struct gg_sampler *sampler = round->sampler;
	const size_t count = sampler->request->cpu_count;
	struct gg_error *err = NULL;
	bool any = false;
	for (size_t i = 0; !err && i < count; i++) {
		if (!are_new[i])
			continue;
		err = gg_sampler_find_task(sampler, currents[i], &sampler->cpus[i].task);
		any = true;
	}
	for (size_t i = 0; !err && i < count; i++)
		if (are_new[i])
			ask_task(round, sampler->cpus[i].task);
	if (!err && any)
		err = gg_wire_send(&round->stub.wire);
	for (size_t i = 0; !err && i < count; i++)
		if (are_new[i])
			err = receive_task(round, sampler->cpus[i].task, i);
	return err;
}

// Stops the guest, and receives the CPUs' registers and tasks.
static struct gg_error *stop_and_ask(struct gg_stub_round *round, uint64_t asked)
{
	struct gg_sampler *sampler = round->sampler;
	const size_t count = sampler->request->cpu_count;
	_cleanup_free_ gg_gva_t *currents = calloc(count + 1, sizeof(*currents));
	_cleanup_free_ bool *are_new = calloc(count + 1, sizeof(*are_new));
	if (!currents || !are_new)
		return gg_enomem;
	gg_wire_add_stop(&round->stub.wire);
	gg_wire_add(&round->stub.wire, "Qqemu.PhyMemMode:1");
	for (size_t i = 0; i < count; i++) {
		sampler->cpus[i].sample = (struct gg_sample){ .cpu = sampler->cpus[i].index };
		ask_cpu(round, &sampler->cpus[i]);
	}
	struct gg_error *err = gg_wire_send(&round->stub.wire);
	if (!err)
		err = gg_wire_receive(&round->stub.wire);
	if (err)
		return err;
	gg_stub_run_stopped(&round->stub, round->sampler->profile->ended);
	sampler->profile->delays[sampler->profile->rounds] = gg_wire_now() - asked;
	err = gg_stub_receive_ok(&round->stub);
	for (size_t i = 0; !err && i < count; i++)
		err = receive_cpu(round, i, &currents[i], &are_new[i]);
	return err ? err : complete_tasks(round, currents, are_new);
}

static void classify(struct gg_stub_round *round, size_t index)
{
	const struct gg_stub_set *set = round->set;
	const struct gg_stub_cpu *cpu = &round->cpus[index];
	struct gg_sample *sample = &round->sampler->cpus[index].sample;
	gg_sampler_classify(round->sampler, sample, cpu->values[0]);
	if (set->mode_mask)
		sample->is_user = (cpu->values[set->mode] & set->mode_mask) == set->mode_user;
	sample->is_idle |= cpu->is_halted && !sample->pid;
}

struct gg_error *gg_stub_round_take(struct gg_stub_round *round, uint64_t asked)
{
	const size_t count = round->sampler->request->cpu_count;
	struct gg_error *err = stop_and_ask(round, asked);
	for (size_t i = 0; !err && i < count; i++)
		classify(round, i);
	if (err || !round->stacks)
		return err;
	return gg_stub_stacks_read(round->stacks, round->sampler, round->cpus, &round->stub);
}
