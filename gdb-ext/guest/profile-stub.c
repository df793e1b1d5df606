// SPDX-License-Identifier: GPL-3.0-or-later
//
// Samples of a guest at QEMU's gdbstub, by packets beside the debugger's: the guest is stopped, asked for a few
// registers and the current task of each CPU, and let run again, in two or three writes.
//
// In:  the connection to the gdbstub, the kernel's symbols and types.
// Out: samples.
// Trusts nothing it reads: samples are bounded. A task's name is read in each sample anew, for a kernel uses
// the memory of dead tasks again.
#include "base/cleanup.h"
#include "base/vector.h"
#include "guest.h"
#include "profile-stub.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECOND = 1000000000,
	STOPPED_PART = 5, // the guest stands still for one fifth of the time at most
};

struct session {
	struct gg_sampler sampler;
	const struct gg_stub_set *set;
	struct gg_stub_run stub;
	struct gg_stub_stacks *stacks; // NULL without
	struct gg_stub_cpu *cpus;      // by the sampler's order
	uint64_t start;
};

// ---- Preparation, while the guest stands still ----

static struct gg_error *prepare(struct session *session)
{
	struct gg_sampler *sampler = &session->sampler;
	session->set = sampler->kernel->arch->stub;
	if (!session->set)
		return gg_arch_not_yet(sampler->kernel->arch, "profiles of guests that run");
	session->cpus = calloc(sampler->request->cpu_count + 1, sizeof(*session->cpus));
	if (!session->cpus)
		return gg_enomem;
	return sampler->request->options->stacks ? gg_stub_stacks_create(sampler, &session->stacks)
						 : NULL;
}

// ---- The first round trip: registers and current tasks ----

static void ask_task(struct session *session, size_t index)
{
	const struct gg_sampled_task *task = &session->sampler.tasks[index];
	gg_wire_add(&session->stub.wire, "m%" PRIx64 ",4", task->pid);
	gg_wire_add(&session->stub.wire, "m%" PRIx64 ",%x", task->comm, GG_TASK_COMM);
	if (session->stacks)
		gg_wire_add(&session->stub.wire, "m%" PRIx64 ",%x", task->stack,
			    session->sampler.kernel->host.address_size);
}

// Receives the task of the sampler's CPU INDEX.
static struct gg_error *receive_task(struct session *session, size_t index)
{
	struct gg_sample *sample = &session->sampler.cpus[index].sample;
	uint64_t pid = 0;
	struct gg_error *err = gg_stub_receive_word(&session->stub, 4, &pid);
	if (!err)
		err = gg_stub_receive_bytes(&session->stub, sample->comm, GG_TASK_COMM);
	if (!err && session->stacks)
		err = gg_stub_receive_word(&session->stub,
					   session->sampler.kernel->host.address_size,
					   &session->cpus[index].stack);
	sample->pid = (int32_t)pid;
	return err;
}

// Counts the registers that a sample takes.
static size_t count_registers(const struct session *session)
{
	if (session->stacks)
		return session->set->count;
	return session->set->mode_mask ? session->set->mode + 1 : 1;
}

static void ask_cpu(struct session *session, const struct gg_sampled_cpu *cpu)
{
	const size_t count = count_registers(session);
	gg_wire_add(&session->stub.wire, "Hg%" PRIx32, cpu->index + 1);
	for (size_t i = 0; i < count; i++)
		gg_wire_add(&session->stub.wire, "p%x", session->set->registers[i].number);
	// QEMU says of a thread: "CPU#0 [halted ]".
	if (session->set->asks_state)
		gg_wire_add(&session->stub.wire, "qThreadExtraInfo,%" PRIx32, cpu->index + 1);
	gg_wire_add(&session->stub.wire, "m%" PRIx64 ",%x", cpu->current,
		    session->sampler.kernel->host.address_size);
	if (cpu->task < session->sampler.task_count)
		ask_task(session, cpu->task);
}

static struct gg_error *receive_registers(struct session *session, struct gg_stub_cpu *cpu)
{
	const size_t count = count_registers(session);
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++)
		err = gg_stub_receive_register(&session->stub, &cpu->values[i]);
	return err;
}

static struct gg_error *receive_state(struct session *session, struct gg_stub_cpu *cpu)
{
	static const char halted[] = "5b68616c746564"; // "[halted" in digits
	struct gg_error *err = gg_wire_receive(&session->stub.wire);
	cpu->is_halted = !err && strstr(session->stub.wire.reply, halted);
	return err;
}

// Receives the registers and the current task of the sampler's CPU INDEX. *IS_NEW is set if the CPU's last sample had
// another task.
static struct gg_error *receive_cpu(struct session *session, size_t index, gg_gva_t *current,
				    bool *is_new)
{
	const struct gg_sampler *sampler = &session->sampler;
	const size_t task = sampler->cpus[index].task;
	const bool has_task = task < sampler->task_count;
	struct gg_error *err = gg_stub_receive_ok(&session->stub);
	if (!err)
		err = receive_registers(session, &session->cpus[index]);
	if (!err && session->set->asks_state)
		err = receive_state(session, &session->cpus[index]);
	if (!err)
		err = gg_stub_receive_word(&session->stub, sampler->kernel->host.address_size,
					   current);
	if (!err && has_task)
		err = receive_task(session, index);
	*is_new = !err && (!has_task || sampler->tasks[task].address != *current);
	return err;
}

// Asks for the tasks that the first round trip has found, after all of its replies came.
static struct gg_error *complete_tasks(struct session *session, const gg_gva_t *currents,
				       const bool *are_new)
{
	struct gg_sampler *sampler = &session->sampler;
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
			ask_task(session, sampler->cpus[i].task);
	if (!err && any)
		err = gg_wire_send(&session->stub.wire);
	for (size_t i = 0; !err && i < count; i++)
		if (are_new[i])
			err = receive_task(session, i);
	return err;
}

// Stops the guest, and receives the CPUs' registers and tasks.
static struct gg_error *stop_and_ask(struct session *session, uint64_t asked)
{
	struct gg_sampler *sampler = &session->sampler;
	const size_t count = sampler->request->cpu_count;
	_cleanup_free_ gg_gva_t *currents = calloc(count + 1, sizeof(*currents));
	_cleanup_free_ bool *are_new = calloc(count + 1, sizeof(*are_new));
	if (!currents || !are_new)
		return gg_enomem;
	gg_wire_add_stop(&session->stub.wire);
	gg_wire_add(&session->stub.wire, "Qqemu.PhyMemMode:1");
	for (size_t i = 0; i < count; i++) {
		sampler->cpus[i].sample = (struct gg_sample){ .cpu = sampler->cpus[i].index };
		ask_cpu(session, &sampler->cpus[i]);
	}
	struct gg_error *err = gg_wire_send(&session->stub.wire);
	if (!err)
		err = gg_wire_receive(&session->stub.wire);
	if (err)
		return err;
	gg_stub_run_stopped(&session->stub, session->sampler.profile->ended);
	sampler->profile->delays[sampler->profile->rounds] = gg_wire_now() - asked;
	err = gg_stub_receive_ok(&session->stub);
	for (size_t i = 0; !err && i < count; i++)
		err = receive_cpu(session, i, &currents[i], &are_new[i]);
	return err ? err : complete_tasks(session, currents, are_new);
}

// ---- Rounds ----

static struct gg_error *let_run(struct session *session)
{
	// QEMU keeps the mode when the debugger is killed, and the next debugger expects virtual addresses.
	gg_wire_add(&session->stub.wire, "Qqemu.PhyMemMode:0");
	struct gg_error *err = gg_stub_run_continue(&session->stub);
	if (!err)
		err = gg_stub_receive_ok(&session->stub);
	// The backing's bytes are stale from now on.
	gg_backing_ran(gg_guest_backing(session->sampler.guest));
	return err;
}

static struct gg_error *look(struct session *session, uint64_t *next)
{
	const struct gg_profile_request *request = session->sampler.request;
	const uint64_t now = gg_wire_now();
	session->sampler.profile->elapsed = now - session->start;
	if (!request->look || now < *next)
		return NULL;
	*next = now + SECOND;
	return request->look(request->data, session->sampler.profile);
}

static void classify(struct session *session, size_t index)
{
	const struct gg_stub_set *set = session->set;
	const struct gg_stub_cpu *cpu = &session->cpus[index];
	struct gg_sample *sample = &session->sampler.cpus[index].sample;
	gg_sampler_classify(&session->sampler, sample, cpu->values[0]);
	if (set->mode_mask)
		sample->is_user = (cpu->values[set->mode] & set->mode_mask) == set->mode_user;
	sample->is_idle |= cpu->is_halted && !sample->pid;
}

// Takes a sample of each CPU. The guest runs afterwards, unless it has stopped by itself.
static struct gg_error *take_round(struct session *session, uint64_t *next_look)
{
	const uint64_t asked = gg_wire_now();
	struct gg_sampler *sampler = &session->sampler;
	struct gg_profile *profile = sampler->profile;
	struct gg_error *err =
		gg_vector_grow(&profile->delays, profile->rounds, sizeof(*profile->delays));
	if (!err)
		err = stop_and_ask(session, asked);
	for (size_t i = 0; !err && i < sampler->request->cpu_count; i++)
		classify(session, i);
	if (!err && session->stacks)
		err = gg_stub_stacks_read(session->stacks, sampler, session->cpus, &session->stub);
	if (!err)
		err = gg_sampler_keep(sampler, asked - session->start);
	if (!err)
		err = look(session, next_look);
	if (!err && !profile->ended[0])
		err = let_run(session);
	profile->stopped += gg_wire_now() - asked;
	return err;
}

// Returns the time of the next sample: the time that was asked for, or a later time that lets the guest run for four
// fifths of the time.
static uint64_t next_time(struct session *session, uint64_t before)
{
	const uint64_t period = SECOND / session->sampler.request->options->hz;
	const uint64_t allowed = session->start + session->sampler.profile->stopped * STOPPED_PART;
	const uint64_t now = gg_wire_now();
	uint64_t next = before + period;
	if (allowed > next) {
		session->sampler.profile->is_limited = true;
		next = allowed;
	}
	return next > now ? next : now;
}

static struct gg_error *take_samples(struct session *session)
{
	struct gg_profile *profile = session->sampler.profile;
	const uint64_t seconds = session->sampler.request->options->seconds;
	struct gg_error *err = let_run(session);
	session->start = gg_wire_now();
	const uint64_t end = session->start + seconds * SECOND;
	uint64_t next_look = session->start + SECOND;
	uint64_t next = session->start + SECOND / session->sampler.request->options->hz;
	while (!err && !profile->ended[0] && !profile->is_full && next < end) {
		bool stopped = false;
		err = gg_interrupt_check();
		if (!err)
			err = gg_wire_wait(&session->stub.wire, next, &stopped);
		if (err)
			break;
		if (stopped) {
			gg_stub_run_stopped(&session->stub, session->sampler.profile->ended);
			if (!profile->ended[0])
				snprintf(profile->ended, sizeof(profile->ended),
					 "by QEMU's monitor");
		} else if (gg_wire_now() >= next) {
			err = take_round(session, &next_look);
			next = next_time(session, next);
		}
	}
	profile->elapsed = gg_wire_now() - session->start;
	return err;
}

// ---- The end ----

static void deinit(struct session *session)
{
	gg_stub_run_deinit(&session->stub);
	gg_stub_stacks_destroy(session->stacks);
	gg_sampler_deinit(&session->sampler);
	free(session->cpus);
	free(session);
}

struct gg_error *gg_profile_stub(struct gg_guest *guest, const struct gg_profile_request *request,
				 const struct gg_notices *notices, struct gg_profile *ret)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session)
		return gg_enomem;
	struct gg_error *err = gg_sampler_init(&session->sampler, guest, request, notices, ret);
	if (!err)
		err = prepare(session);
	if (!err)
		err = gg_stub_run_open(&session->stub, request->options->address,
				       request->options->thread,
				       session->sampler.kernel->host.big_endian);
	if (!err)
		err = take_samples(session);
	if (err && gg_error_kind(err) == GG_INTERRUPTED && ret->rounds) {
		gg_interrupt_forget();
		ret->is_interrupted = true;
		gg_error_destroy(err);
		err = NULL;
	}
	struct gg_error *closed = gg_stub_run_close(&session->stub);
	if (err)
		gg_error_destroy(closed);
	else
		err = closed;
	deinit(session);
	return err;
}
