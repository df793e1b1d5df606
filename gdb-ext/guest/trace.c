// SPDX-License-Identifier: GPL-3.0-or-later
//
// The calls of functions in a guest at QEMU's gdbstub: breakpoints at which the guest stops for a moment, by packets
// beside the debugger's.
//
// In:  the connection to the gdbstub, the kernel's symbols, types and code.
// Out: calls and returns.
// At a function's entry is a nop, in the place of which the kernel's own tracing has a call: the CPU is set behind the nop, and
// needs no step with the breakpoint out of the guest. A return is known by the address and the stack pointer.
// Trusts nothing it reads: calls that have not returned are bounded; the nop is read at each stop.
#include "trace.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "linux/arch-ops.h"
#include "linux/tasks/run-queues.h"
#include "stub-breakpoints.h"
#include "stub-guard.h"
#include "tasks.h"
#include "trace-condition.h"
#include "trace-functions.h"
#include "trace-stop.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	SECOND = 1000000000,
	NAP = 50000000,       // ns: Ctrl-C has an effect after so long
	SIGNAL_TRAP = 5,      // GDB_SIGNAL_TRAP: a breakpoint, or a step
	MOST_STRANGE = 16,    // stops in a row without a breakpoint of ours
	ECHOES = 16,          // that a mean is made of
	FIRST_ECHOES = 4,     // stops with an echo each
	ECHO_EVERY = 64,      // stops, after the first
	LEAST_RUN = 10000,    // ns between two stops
	STILL = 4,            // the guest stands still for more than one such part of the time
	LOWEST_CODE_BYTES = 1 // of a software breakpoint, which may be in the place of the code
};

// A call that has not returned.
struct pending {
	gg_gva_t at, sp; // after the return
	size_t breakpoint;
	const struct gg_trace_function *function;
	uint64_t call, time;
};

// A past stop, which the sums of the session count.
struct moment {
	uint64_t passed, stopped;
};

struct session {
	struct gg_guest *guest;
	const struct gg_trace_request *request;
	const struct gg_answerers *kernel;
	struct gg_trace *trace;
	struct gg_trace_condition *condition; // NULL without
	struct gg_trace_cpu *cpus;
	size_t cpu_count;
	struct gg_trace_stop stop;
	struct gg_stub_run run;
	struct gg_stub_guard guard;
	struct gg_stub_breakpoints breakpoints;
	struct pending *pending;
	struct moment *moments; // the last stops, by the options' limit
	struct gg_trace_event event;
	bool has_event;
	bool is_counted; // -count calls were taken, and no further call is watched
	bool is_done;
	unsigned int strange;
	uint64_t start;
	uint64_t resumed; // the time when the guest was let run last
	uint64_t passed;  // ns from letting the guest run to the next stop, all together
	const struct gg_trace_cpu *echo; // the CPU that runs for an echo alone, or NULL
	uint64_t echoes[ECHOES];         // ns
	size_t echo_count;
};

void gg_trace_deinit(struct gg_trace *trace)
{
	for (size_t i = 0; i < trace->function_count; i++) {
		struct gg_trace_function *function = &trace->functions[i];
		free(function->name);
		free(function->module);
		gg_trace_forget_prototype(function);
	}
	free(trace->functions);
	*trace = (struct gg_trace){ 0 };
}

// ---- Preparation, while the guest stands still ----

static struct gg_error *prepare_cpus(struct session *session)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_error *err = gg_guest_qemu_cpus(session->guest, &cpus);
	if (err)
		return err;
	session->cpus = calloc(cpus->count + 1, sizeof(*session->cpus));
	if (!session->cpus)
		return gg_enomem;
	for (size_t i = 0; !err && i < cpus->count; i++) {
		struct gg_trace_cpu *cpu = &session->cpus[session->cpu_count++];
		struct gg_per_cpu per_cpu;
		cpu->index = cpus->cpus[i].index;
		err = gg_guest_per_cpu(session->guest, cpu->index, &per_cpu);
		if (!err)
			err = gg_tasks_current_at(session->kernel, per_cpu.offset, &cpu->current);
		if (err)
			err = gg_error_context(err, "the current task of CPU %" PRIu32, cpu->index);
	}
	return err;
}

static struct gg_error *prepare_condition(struct session *session)
{
	struct gg_error *err = gg_trace_condition_create(session->request->options->condition,
							 &session->condition);
	for (size_t i = 0; !err && i < session->trace->function_count; i++)
		err = gg_trace_condition_check(session->condition, &session->trace->functions[i],
					       session->kernel->arch->calls);
	return err;
}

// Refuses to watch for the return of a part of a function (GCC's NAME.cold), which is jumped to: its stack has no return address
// where a called function's has.
static struct gg_error *check_returns(const struct gg_trace *trace)
{
	for (size_t i = 0; i < trace->function_count; i++)
		if (strstr(trace->functions[i].name, ".cold"))
			return gg_error_create(GG_INVALID,
					       "-return: %s is a part of a function, jumped to and "
					       "not called: it has no return of its own",
					       trace->functions[i].name);
	return NULL;
}

static struct gg_error *prepare(struct session *session, const struct gg_notices *notices)
{
	const struct gg_trace_options *options = session->request->options;
	struct gg_error *err = gg_guest_answerers(session->guest, notices, &session->kernel);
	if (err)
		return err;
	if (!session->kernel->arch->calls)
		return gg_arch_not_yet(session->kernel->arch, "calls in guests that run");
	const bool with_arguments = options->arguments || options->condition;
	err = gg_trace_find_functions(session->guest, session->kernel, options->functions,
				      with_arguments || options->results, notices, session->trace);
	if (!err && options->results)
		err = check_returns(session->trace);
	if (!err && options->condition)
		err = prepare_condition(session);
	if (!err)
		err = prepare_cpus(session);
	session->moments = calloc(options->limit, sizeof(*session->moments));
	if (!err && !session->moments)
		err = gg_enomem;
	session->stop = (struct gg_trace_stop){ .run = &session->run,
						.trace = session->trace,
						.with_arguments = with_arguments,
						.with_results = options->results };
	return err ? err : gg_trace_stop_init(&session->stop, session->kernel, options->stacks);
}

// ---- Time ----

// Returns the time that the guest has run since the start, up to NOW.
static uint64_t ran(const struct session *session, uint64_t now)
{
	return now - session->start - session->trace->stopped;
}

// Returns the mean time from letting the guest run to a stop at which no guest has run in between: a CPU that is not set
// behind its breakpoint stops there again. 0 without.
static uint64_t echo_time(const struct session *session)
{
	const size_t count = session->echo_count < ECHOES ? session->echo_count : ECHOES;
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += session->echoes[i];
	return count ? sum / count : 0;
}

// Tests whether the stop's CPU shall stop again where it stands: at a breakpoint that stays.
static bool wants_echo(const struct session *session)
{
	const uint64_t stops = session->trace->stops;
	return session->stop.function && !session->is_counted && !session->stop.cpu->echo.pc &&
	       (stops <= FIRST_ECHOES || stops % ECHO_EVERY == 0);
}

// Lets the stop's CPU stop again where it stands.
static void start_echo(struct session *session)
{
	const struct gg_trace_stop *stop = &session->stop;
	stop->cpu->echo = (struct gg_trace_echo){ stop->pc, stop->sp, stop->task };
	session->echo = stop->cpu;
}

// Notes a stop, and ends the trace after too many in a second of the guest's own time, or where stops take too much of
// the time. Of the time between two stops the guest has not had what an echo takes.
static void check_rate(struct session *session)
{
	const unsigned int limit = session->request->options->limit;
	struct gg_trace *trace = session->trace;
	struct moment *moment = &session->moments[trace->stops % limit];
	const uint64_t passed = session->passed - moment->passed;
	const uint64_t echoes = limit * echo_time(session);
	const uint64_t own = passed > echoes ? passed - echoes : 0;
	const uint64_t still = trace->stopped - moment->stopped + passed - own;
	if (trace->stops >= limit && own < SECOND)
		trace->rate = (double)limit * SECOND / (double)(own + limit * LEAST_RUN);
	if (trace->stops >= limit && still > (own + still) / STILL)
		trace->still = (double)still / (double)(own + still);
	session->is_done |= trace->rate > 0 || trace->still > 0;
	*moment = (struct moment){ session->passed, trace->stopped };
	trace->stops++;
}

// ---- Calls ----

static void fill_event(struct session *session, const struct gg_trace_function *function,
		       uint64_t time)
{
	const struct gg_trace_stop *stop = &session->stop;
	struct gg_trace_event *event = &session->event;
	*event = (struct gg_trace_event){
		.function = function,
		.call = session->trace->matched,
		.time = time,
		.cpu = stop->cpu->index,
		.pid = (int32_t)stop->pid,
	};
	memcpy(event->comm, stop->comm, sizeof(event->comm));
}

// Finds the call that returns to AT with the stack pointer SP. Returns the count if there is no such call.
static size_t find_pending(const struct session *session, gg_gva_t at, gg_gva_t sp)
{
	size_t index = 0;
	while (index < session->trace->pending &&
	       (session->pending[index].at != at || session->pending[index].sp != sp))
		index++;
	return index;
}

static struct gg_error *remove_pending(struct session *session, size_t index)
{
	const size_t breakpoint = session->pending[index].breakpoint;
	session->pending[index] = session->pending[--session->trace->pending];
	return gg_stub_breakpoint_drop(&session->run, &session->breakpoints, breakpoint);
}

// Watches for the return of the stop's call.
static struct gg_error *add_pending(struct session *session, uint64_t time)
{
	const struct gg_trace_stop *stop = &session->stop;
	struct gg_trace *trace = session->trace;
	const uint64_t taken =
		session->kernel->arch->calls->has_link ? 0 : session->kernel->host.address_size;
	struct pending pending = { .at = stop->return_address,
				   .sp = stop->sp + taken,
				   .function = stop->function,
				   .call = trace->matched,
				   .time = time };
	struct gg_error *err = NULL;
	// An older call with the same stack pointer has never returned: its stack is another call's now.
	const size_t old = find_pending(session, pending.at, pending.sp);
	if (old < trace->pending)
		err = remove_pending(session, old);
	if (!err && (trace->pending == GG_TRACE_PENDING ||
		     pending.at < session->kernel->arch->kernel->kernel_area)) {
		trace->is_full = true;
		return NULL;
	}
	if (!err)
		err = gg_vector_grow(&session->pending, trace->pending, sizeof(pending));
	if (!err)
		err = gg_stub_breakpoint_add(&session->run, &session->breakpoints, pending.at,
					     &pending.breakpoint);
	if (!err)
		session->pending[trace->pending++] = pending;
	return err;
}

// Takes the breakpoints at the functions out of the guest.
static struct gg_error *end_calls(struct session *session)
{
	struct gg_trace *trace = session->trace;
	struct gg_error *err = NULL;
	session->is_counted = true;
	for (size_t i = 0; !err && i < trace->function_count; i++)
		err = gg_stub_breakpoint_drop(&session->run, &session->breakpoints,
					      trace->functions[i].breakpoint);
	return err;
}

// Takes a call that meets the condition.
static struct gg_error *take_call(struct session *session, uint64_t time)
{
	const struct gg_trace_options *options = session->request->options;
	struct gg_trace *trace = session->trace;
	struct gg_error *err = NULL;
	session->stop.function->matched++;
	session->event.call = ++trace->matched;
	session->has_event = true;
	if (options->stacks) {
		err = gg_trace_read_stack(&session->stop);
		session->event.frames = session->stop.stack.frames;
		session->event.frame_count = session->stop.stack.count;
	}
	if (!err && options->results)
		err = add_pending(session, time);
	if (!err && options->count && trace->matched == options->count)
		err = end_calls(session);
	return err;
}

static struct gg_error *handle_call(struct session *session, uint64_t time)
{
	struct gg_trace_stop *stop = &session->stop;
	struct gg_error *err = NULL;
	fill_event(session, stop->function, time);
	stop->function->calls++;
	session->trace->calls++;
	if (stop->with_arguments)
		err = gg_trace_read_arguments(stop, session->event.values);
	session->trace->unread +=
		!err && gg_trace_condition_lacks_text(session->condition, &session->event);
	if (err || !gg_trace_condition_holds(session->condition, &session->event,
					     session->kernel->arch->calls, stop->arguments))
		return err;
	return take_call(session, time);
}

static struct gg_error *handle_return(struct session *session, uint64_t time)
{
	struct gg_trace_stop *stop = &session->stop;
	const size_t index = find_pending(session, stop->pc, stop->sp);
	if (index == session->trace->pending)
		return NULL;
	const struct pending pending = session->pending[index];
	fill_event(session, pending.function, time);
	session->event.is_return = true;
	session->event.call = pending.call;
	session->event.took = time - pending.time;
	session->has_event = true;
	struct gg_error *err =
		gg_trace_read_result(stop, pending.function, &session->event.values[0]);
	return err ? err : remove_pending(session, index);
}

// ---- Stops ----

// Finds the CPU that the stop's packet names: "T05thread:p01.02;". NULL for another packet.
static struct gg_trace_cpu *find_cpu(struct session *session)
{
	const char *reply = session->run.wire.reply;
	unsigned int signal = 0, thread = 0;
	const char *name = strstr(reply, "thread:");
	if (sscanf(reply, "T%2x", &signal) != 1 || signal != SIGNAL_TRAP || !name)
		return NULL;
	name += strlen("thread:");
	const char *dot = *name == 'p' ? strchr(name, '.') : NULL;
	if (sscanf(dot ? dot + 1 : name, "%x", &thread) != 1)
		return NULL;
	for (size_t i = 0; i < session->cpu_count; i++)
		if (session->cpus[i].index + 1 == thread)
			return &session->cpus[i];
	return NULL;
}

static bool is_nop(const struct session *session, const struct gg_stub_breakpoint *breakpoint)
{
	const struct gg_trace_stop *stop = &session->stop;
	const struct gg_trace_function *function = stop->function;
	const size_t hidden = breakpoint->is_software ? LOWEST_CODE_BYTES : 0;
	return function && function->skip &&
	       !memcmp(stop->code + hidden, function->code + hidden, function->skip - hidden);
}

// Adds the packet that sets the CPU behind the nop.
static void add_skip(struct session *session)
{
	struct gg_buffer digits = { .big_endian = session->run.big_endian };
	char text[2 * sizeof(uint64_t) + 1] = "";
	const struct gg_trace_stop *stop = &session->stop;
	const unsigned int size = session->kernel->host.address_size;
	gg_buffer_uint(&digits, size, stop->pc + stop->function->skip);
	for (unsigned int i = 0; i < digits.size; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", digits.bytes[i]);
	gg_wire_add(&session->run.wire, "P%x=%s", session->kernel->arch->stub->registers[0].number,
		    text);
	gg_buffer_deinit(&digits);
}

// Lets the guest run on from where it stopped.
static struct gg_error *go_on(struct session *session)
{
	struct gg_stub_run *run = &session->run;
	size_t breakpoint;
	struct gg_error *err = NULL;
	const bool has_packet =
		!session->echo &&
		gg_stub_breakpoint_find(&session->breakpoints, session->stop.pc, &breakpoint);
	if (has_packet && is_nop(session, &session->breakpoints.list[breakpoint]))
		add_skip(session);
	else if (has_packet)
		err = gg_stub_step_over(run, &session->breakpoints, breakpoint,
					session->stop.cpu->index + 1,
					session->kernel->arch->stub->registers[0].number);
	if (!err)
		err = gg_stub_run_continue(run);
	session->resumed = gg_wire_now();
	gg_backing_ran(gg_guest_backing(session->guest));
	return err || !has_packet ? err : gg_stub_receive_ok(run);
}

// Takes the call or the return at the stop's breakpoint.
static struct gg_error *handle_trap(struct session *session, uint64_t time)
{
	struct gg_trace *trace = session->trace;
	size_t breakpoint;
	if (gg_stub_breakpoint_find(&session->breakpoints, session->stop.pc, &breakpoint)) {
		session->strange = 0;
		check_rate(session);
		struct gg_error *err = session->stop.function && !session->is_counted
					       ? handle_call(session, time)
					       : handle_return(session, time);
		session->is_done |= session->is_counted && !trace->pending;
		if (wants_echo(session))
			start_echo(session);
		return err;
	}
	// Two CPUs that stop at once may give a second stop, at any place.
	if (++session->strange == MOST_STRANGE) {
		snprintf(trace->ended, sizeof(trace->ended),
			 "at 0x%" PRIx64 ", where this trace has no breakpoint", session->stop.pc);
		session->is_done = true;
	}
	return NULL;
}

// Finds the CPU at which the stop's call was taken already; NULL without.
static struct gg_trace_cpu *find_echo(const struct session *session)
{
	const struct gg_trace_stop *stop = &session->stop;
	for (size_t i = 0; i < session->cpu_count; i++) {
		const struct gg_trace_echo *echo = &session->cpus[i].echo;
		if (echo->pc && echo->pc == stop->pc && echo->sp == stop->sp &&
		    echo->task == stop->task)
			return &session->cpus[i];
	}
	return NULL;
}

// Takes the stop at the time NOW, if its call was taken already.
static bool take_echo(struct session *session, uint64_t now)
{
	struct gg_trace_cpu *cpu = find_echo(session);
	const uint64_t passed = now - session->resumed;
	if (cpu && session->echo == cpu && session->stop.cpu == cpu) {
		session->echoes[session->echo_count++ % ECHOES] = passed;
		session->trace->stopped += passed;
	} else {
		session->passed += passed;
	}
	if (cpu)
		cpu->echo = (struct gg_trace_echo){ 0 };
	session->echo = NULL;
	return cpu;
}

static struct gg_error *give_event(struct session *session)
{
	if (!session->has_event || !session->request->event)
		return NULL;
	session->has_event = false;
	return session->request->event(session->request->data, &session->event);
}

// Takes the stop that was received at the time NOW, and lets the guest run again unless the trace is done.
static struct gg_error *handle_stop(struct session *session, uint64_t now)
{
	const bool with_stacks = session->request->options->stacks;
	struct gg_trace *trace = session->trace;
	struct gg_trace_cpu *cpu = find_cpu(session);
	session->run.is_running = false;
	if (!cpu) {
		gg_stub_run_stopped(&session->run, trace->ended);
		if (!trace->ended[0])
			snprintf(trace->ended, sizeof(trace->ended), "by QEMU's monitor");
		session->is_done = true;
		return NULL;
	}
	struct gg_error *err = gg_trace_stop_read(&session->stop, cpu);
	if (!err && !take_echo(session, now))
		err = handle_trap(session, ran(session, now));
	if (!err && with_stacks)
		err = give_event(session);
	if (!err && !session->is_done)
		err = go_on(session);
	else
		session->resumed = gg_wire_now();
	trace->stopped += session->resumed - now;
	return err ? err : give_event(session);
}

// ---- The run ----

static struct gg_error *insert_breakpoints(struct session *session)
{
	struct gg_trace *trace = session->trace;
	struct gg_error *err = gg_wire_ask(&session->run.wire, "Qqemu.PhyMemMode:0");
	for (size_t i = 0; !err && i < trace->function_count; i++)
		err = gg_stub_breakpoint_add(&session->run, &session->breakpoints,
					     trace->functions[i].entry,
					     &trace->functions[i].breakpoint);
	return err;
}

static struct gg_error *follow(struct session *session)
{
	const uint64_t end = session->start + (uint64_t)session->request->options->seconds * SECOND;
	struct gg_error *err = gg_stub_run_continue(&session->run);
	session->resumed = gg_wire_now();
	gg_backing_ran(gg_guest_backing(session->guest));
	for (uint64_t now = session->start; !err && !session->is_done && now < end;) {
		bool stopped = false;
		const uint64_t next = now + NAP < end ? now + NAP : end;
		err = gg_interrupt_check();
		if (!err)
			err = gg_wire_wait(&session->run.wire, next, &stopped);
		now = gg_wire_now();
		if (!err && stopped)
			err = handle_stop(session, now);
	}
	struct gg_trace *trace = session->trace;
	trace->elapsed = gg_wire_now() - session->start;
	trace->stop_time = echo_time(session);
	trace->stopped += trace->stops * trace->stop_time;
	if (trace->stopped > trace->elapsed)
		trace->stopped = trace->elapsed;
	return err;
}

static struct gg_error *start_guard(struct session *session)
{
	_cleanup_free_ unsigned int *threads = calloc(session->cpu_count + 1, sizeof(*threads));
	if (!threads)
		return gg_enomem;
	for (size_t i = 0; i < session->cpu_count; i++)
		threads[i] = session->cpus[i].index + 1;
	return gg_stub_guard_start(&session->guard, &session->run, threads, session->cpu_count,
				   session->request->options->let_run);
}

static struct gg_error *run(struct session *session)
{
	const struct gg_trace_options *options = session->request->options;
	struct gg_error *err = gg_stub_run_open(&session->run, options->address, options->thread,
						session->kernel->host.big_endian);
	if (!err)
		err = start_guard(session);
	if (!err)
		err = insert_breakpoints(session);
	session->start = gg_wire_now();
	return err ? err : follow(session);
}

// Stops the guest, and gives the debugger the connection without a breakpoint in the guest.
static struct gg_error *end(struct session *session)
{
	struct gg_error *err = gg_stub_run_settle(&session->run);
	if (!err)
		err = gg_stub_breakpoints_end(&session->run, &session->breakpoints);
	struct gg_error *closed = gg_stub_run_close(&session->run);
	gg_stub_guard_end(&session->guard);
	if (err)
		gg_error_destroy(closed);
	return err ? err : closed;
}

static void deinit(struct session *session)
{
	gg_trace_stop_deinit(&session->stop);
	gg_stub_run_deinit(&session->run);
	gg_trace_condition_destroy(session->condition);
	free(session->breakpoints.list);
	free(session->cpus);
	free(session->pending);
	free(session->moments);
	free(session);
}

struct gg_error *gg_guest_trace(struct gg_guest *guest, const struct gg_trace_request *request,
				const struct gg_notices *notices, struct gg_trace *ret)
{
	struct session *session = calloc(1, sizeof(*session));
	*ret = (struct gg_trace){ 0 };
	if (!session)
		return gg_enomem;
	session->guest = guest;
	session->request = request;
	session->trace = ret;
	session->guard.alive = -1;
	struct gg_error *err = prepare(session, notices);
	if (!err)
		err = run(session);
	if (err && gg_error_kind(err) == GG_INTERRUPTED && session->start) {
		gg_interrupt_forget();
		ret->is_interrupted = true;
		gg_error_destroy(err);
		err = NULL;
	}
	struct gg_error *closed = end(session);
	if (err)
		gg_error_destroy(closed);
	else
		err = closed;
	deinit(session);
	return err;
}
