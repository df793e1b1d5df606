// SPDX-License-Identifier: GPL-3.0-or-later
//
// Samples of a guest at QEMU's gdbstub, by packets beside the debugger's: the guest is stopped, looked at, and let run again.
//
// In:  the connection to the gdbstub, the kernel's symbols and types.
// Out: samples.
// Trusts nothing it reads: samples are bounded.
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
	struct gg_stub_round round;
	uint64_t start;
};

// ---- Preparation, while the guest stands still ----

static struct gg_error *prepare(struct session *session)
{
	struct gg_sampler *sampler = &session->sampler;
	session->round.sampler = sampler;
	session->round.set = sampler->kernel->arch->stub;
	if (!session->round.set)
		return gg_arch_not_yet(sampler->kernel->arch, "profiles of guests that run");
	session->round.cpus = calloc(sampler->request->cpu_count + 1, sizeof(*session->round.cpus));
	if (!session->round.cpus)
		return gg_enomem;
	return sampler->request->options->stacks
		       ? gg_stub_stacks_create(sampler, &session->round.stacks)
		       : NULL;
}

// ---- Rounds ----

static struct gg_error *let_run(struct session *session)
{
	// QEMU keeps the mode when the debugger is killed, and the next debugger expects virtual addresses.
	gg_wire_add(&session->round.stub.wire, "Qqemu.PhyMemMode:0");
	struct gg_error *err = gg_stub_run_continue(&session->round.stub);
	if (!err)
		err = gg_stub_receive_ok(&session->round.stub);
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

// Takes a sample of each CPU. The guest runs afterwards, unless it has stopped by itself.
static struct gg_error *take_round(struct session *session, uint64_t *next_look)
{
	const uint64_t asked = gg_wire_now();
	struct gg_sampler *sampler = &session->sampler;
	struct gg_profile *profile = sampler->profile;
	struct gg_error *err =
		gg_vector_grow(&profile->delays, profile->rounds, sizeof(*profile->delays));
	if (!err)
		err = gg_stub_round_take(&session->round, asked);
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

// Takes a round that is not kept. The first round reads symbols and code, which takes seconds on a slow line; the guest would run
// for four times as long before the next round.
static struct gg_error *warm_up(struct session *session)
{
	struct gg_profile *profile = session->sampler.profile;
	struct gg_error *err = let_run(session);
	if (!err)
		err = gg_vector_grow(&profile->delays, 0, sizeof(*profile->delays));
	if (!err)
		err = gg_stub_round_take(&session->round, gg_wire_now());
	gg_sampler_drop(&session->sampler);
	return err;
}

static struct gg_error *take_samples(struct session *session)
{
	struct gg_profile *profile = session->sampler.profile;
	const uint64_t seconds = session->sampler.request->options->seconds;
	struct gg_error *err = warm_up(session);
	if (!err && !profile->ended[0])
		err = let_run(session);
	session->start = gg_wire_now();
	const uint64_t end = session->start + seconds * SECOND;
	uint64_t next_look = session->start + SECOND;
	uint64_t next = session->start + SECOND / session->sampler.request->options->hz;
	// A sample that is due at the end is taken.
	while (!err && !profile->ended[0] && !profile->is_full &&
	       (next <= end || gg_wire_now() < end)) {
		bool stopped = false;
		err = gg_interrupt_check();
		if (!err)
			err = gg_wire_wait(&session->round.stub.wire, next < end ? next : end,
					   &stopped);
		if (err)
			break;
		if (stopped) {
			gg_stub_run_stopped(&session->round.stub, session->sampler.profile->ended);
			if (!profile->ended[0])
				snprintf(profile->ended, sizeof(profile->ended),
					 "by QEMU's monitor");
		} else if (next <= end && gg_wire_now() >= next) {
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
	gg_stub_run_deinit(&session->round.stub);
	gg_stub_stacks_destroy(session->round.stacks);
	gg_sampler_deinit(&session->sampler);
	free(session->round.cpus);
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
		err = gg_stub_run_open(&session->round.stub, request->options->address,
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
	struct gg_error *closed = gg_stub_run_close(&session->round.stub);
	if (err)
		gg_error_destroy(closed);
	else
		err = closed;
	deinit(session);
	return err;
}
