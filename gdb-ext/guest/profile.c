// SPDX-License-Identifier: GPL-3.0-or-later
//
// Samples of a guest at QEMU's gdbstub, by packets beside the debugger's: the guest is stopped, asked for a few
// registers and the current task of each CPU, and let run again, in two or three writes.
//
// In:  the connection to the gdbstub, the kernel's symbols and types.
// Out: samples.
// Trusts nothing it reads: samples, frames and the bytes of stacks are bounded. A task's name is read in
// each sample anew, for a kernel uses the memory of dead tasks again.
#include "profile.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "linux/arch-ops.h"
#include "linux/stack/stack.h"
#include "linux/tasks/run-queues.h"
#include "stub-run.h"
#include "tasks.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	SECOND = 1000000000,
	STOPPED_PART = 5,   // the guest stands still for one fifth of the time at most
	PIECE = 2032,       // bytes of a read: QEMU's packets have room for 4096 digits
	STACK_BYTES = 6144, // of a sample's stack, at most
	STACK_PIECES = 8,
	PAGE = 4096,
};

// The places of a task's members in guest-physical memory.
struct task {
	gg_gva_t address;
	gg_gpa_t pid, comm, stack;
};

struct piece {
	gg_gva_t address;
	size_t size;
};

struct cpu {
	uint32_t index;
	gg_gpa_t current;                   // of the variable with the current task
	uint64_t values[GG_STUB_REGISTERS]; // of the registers, by the architecture's row
	size_t task;                        // in the session's list
	gg_gva_t stack;                     // the lowest address of the task's stack
	struct gg_sample sample;
	struct piece pieces[STACK_PIECES];
	size_t piece_count;
	uint8_t bytes[STACK_BYTES]; // from the stack pointer
	size_t byte_count;
};

struct layout {
	struct gg_member pid, comm, stack;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, pid, "task_struct", "pid"),
	GG_LAYOUT_ROW(struct layout, comm, "task_struct", "comm"),
	GG_LAYOUT_ROW(struct layout, stack, "task_struct", "stack"),
};

struct session {
	struct gg_guest *guest;
	const struct gg_profile_request *request;
	const struct gg_answerers *kernel;
	const struct gg_stub_set *set;
	struct gg_stub_run stub;
	struct gg_unwinder *unwinder; // NULL without stacks
	struct gg_registers *registers;
	struct layout layout;
	gg_gva_t idle_start, idle_end; // the code that a CPU without work is in; 0 if not known
	struct cpu *cpus;
	struct task *tasks;
	size_t task_count;
	uint64_t start;
	struct gg_profile *profile;
};

void gg_profile_deinit(struct gg_profile *profile)
{
	for (size_t i = 0; i < profile->count; i++)
		free(profile->samples[i].frames);
	free(profile->samples);
	free(profile->delays);
	*profile = (struct gg_profile){ 0 };
}

// ---- Preparation, while the guest stands still ----

static struct gg_error *map(const struct session *session, gg_gva_t address, gg_gpa_t *ret)
{
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_map(session->kernel->memory.table, address, &mapping);
	if (err)
		return err;
	if (!mapping.present)
		return gg_error_fault(address, "0x%" PRIx64 " is not mapped", address);
	*ret = mapping.gpa;
	return NULL;
}

static struct gg_error *prepare_cpu(struct session *session, uint32_t index, struct cpu *cpu)
{
	struct gg_per_cpu per_cpu;
	gg_gva_t current;
	cpu->index = index;
	cpu->task = SIZE_MAX;
	struct gg_error *err = gg_guest_per_cpu(session->guest, index, &per_cpu);
	if (!err)
		err = gg_tasks_current_at(session->kernel, per_cpu.offset, &current);
	if (!err)
		err = map(session, current, &cpu->current);
	return err ? gg_error_context(err, "the current task of CPU %" PRIu32, index) : NULL;
}

static struct gg_error *prepare_cpus(struct session *session)
{
	const struct gg_profile_request *request = session->request;
	struct gg_error *err = NULL;
	session->cpus = calloc(request->cpu_count + 1, sizeof(*session->cpus));
	if (!session->cpus)
		return gg_enomem;
	for (size_t i = 0; !err && i < request->cpu_count; i++)
		err = prepare_cpu(session, request->cpus[i], &session->cpus[i]);
	return err;
}

static gg_gva_t optional_symbol(const struct session *session, const char *name)
{
	gg_gva_t address = 0;
	gg_error_destroy(gg_symbols_address(session->kernel->symbols, name, &address));
	return address;
}

static struct gg_error *prepare_stacks(struct session *session)
{
	struct gg_error *err = gg_unwinder_create(session->kernel, &session->unwinder);
	if (!err && !(session->registers = malloc(sizeof(*session->registers))))
		err = gg_enomem;
	return err;
}

static struct gg_error *prepare(struct session *session, const struct gg_notices *notices)
{
	struct gg_error *err = gg_guest_answerers(session->guest, notices, &session->kernel);
	if (err)
		return err;
	session->set = session->kernel->arch->stub;
	if (!session->set)
		return gg_arch_not_yet(session->kernel->arch, "profiles of guests that run");
	err = gg_layout_resolve(&session->kernel->typed, rows, sizeof(rows) / sizeof(*rows),
				&session->layout);
	if (!err)
		err = prepare_cpus(session);
	session->idle_start = optional_symbol(session, "__cpuidle_text_start");
	session->idle_end = optional_symbol(session, "__cpuidle_text_end");
	return !err && session->request->options->stacks ? prepare_stacks(session) : err;
}

// ---- The first round trip: registers and current tasks ----

static void ask_task(struct session *session, const struct task *task)
{
	gg_wire_add(&session->stub.wire, "m%" PRIx64 ",4", task->pid);
	gg_wire_add(&session->stub.wire, "m%" PRIx64 ",%x", task->comm, GG_TASK_COMM);
	if (session->unwinder)
		gg_wire_add(&session->stub.wire, "m%" PRIx64 ",%x", task->stack,
			    session->kernel->host.address_size);
}

static struct gg_error *receive_task(struct session *session, struct cpu *cpu)
{
	uint64_t pid = 0;
	struct gg_error *err = gg_stub_receive_word(&session->stub, 4, &pid);
	if (!err)
		err = gg_stub_receive_bytes(&session->stub, cpu->sample.comm, GG_TASK_COMM);
	if (!err && session->unwinder)
		err = gg_stub_receive_word(&session->stub, session->kernel->host.address_size,
					   &cpu->stack);
	cpu->sample.pid = (int32_t)pid;
	return err;
}

static void ask_cpu(struct session *session, const struct cpu *cpu)
{
	const size_t count = session->unwinder ? session->set->count : 1;
	gg_wire_add(&session->stub.wire, "Hg%" PRIx32, cpu->index + 1);
	for (size_t i = 0; i < count; i++)
		gg_wire_add(&session->stub.wire, "p%x", session->set->registers[i].number);
	gg_wire_add(&session->stub.wire, "m%" PRIx64 ",%x", cpu->current,
		    session->kernel->host.address_size);
	if (cpu->task < session->task_count)
		ask_task(session, &session->tasks[cpu->task]);
}

static struct gg_error *receive_registers(struct session *session, struct cpu *cpu)
{
	const size_t count = session->unwinder ? session->set->count : 1;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++)
		err = gg_stub_receive_register(&session->stub, &cpu->values[i]);
	return err;
}

static struct gg_error *find_task(struct session *session, gg_gva_t address, size_t *ret)
{
	for (size_t i = 0; i < session->task_count; i++)
		if (session->tasks[i].address == address) {
			*ret = i;
			return NULL;
		}
	struct task task = { .address = address };
	struct gg_error *err = map(session, address + session->layout.pid.offset, &task.pid);
	if (!err)
		err = map(session, address + session->layout.comm.offset, &task.comm);
	if (!err)
		err = map(session, address + session->layout.stack.offset, &task.stack);
	if (!err)
		err = gg_vector_grow(&session->tasks, session->task_count, sizeof(*session->tasks));
	if (err)
		return err;
	*ret = session->task_count;
	session->tasks[session->task_count++] = task;
	return NULL;
}

// Receives a CPU's registers and current task. *IS_NEW says that the task is not the task of the CPU's last sample.
static struct gg_error *receive_cpu(struct session *session, struct cpu *cpu, gg_gva_t *current,
				    bool *is_new)
{
	const bool has_task = cpu->task < session->task_count;
	struct gg_error *err = gg_stub_receive_ok(&session->stub);
	if (!err)
		err = receive_registers(session, cpu);
	if (!err)
		err = gg_stub_receive_word(&session->stub, session->kernel->host.address_size,
					   current);
	if (!err && has_task)
		err = receive_task(session, cpu);
	*is_new = !err && (!has_task || session->tasks[cpu->task].address != *current);
	return err;
}

// Asks for the tasks that the first round trip has found, after all of its replies came.
static struct gg_error *complete_tasks(struct session *session, const gg_gva_t *currents,
				       const bool *are_new)
{
	const size_t count = session->request->cpu_count;
	struct gg_error *err = NULL;
	bool any = false;
	for (size_t i = 0; !err && i < count; i++) {
		if (!are_new[i])
			continue;
		err = find_task(session, currents[i], &session->cpus[i].task);
		any = true;
	}
	for (size_t i = 0; !err && i < count; i++)
		if (are_new[i])
			ask_task(session, &session->tasks[session->cpus[i].task]);
	if (!err && any)
		err = gg_wire_send(&session->stub.wire);
	for (size_t i = 0; !err && i < count; i++)
		if (are_new[i])
			err = receive_task(session, &session->cpus[i]);
	return err;
}

// Stops the guest, and receives the CPUs' registers and tasks.
static struct gg_error *stop_and_ask(struct session *session, uint64_t asked)
{
	const size_t count = session->request->cpu_count;
	_cleanup_free_ gg_gva_t *currents = calloc(count + 1, sizeof(*currents));
	_cleanup_free_ bool *are_new = calloc(count + 1, sizeof(*are_new));
	if (!currents || !are_new)
		return gg_enomem;
	gg_wire_add_stop(&session->stub.wire);
	for (size_t i = 0; i < count; i++) {
		session->cpus[i].sample = (struct gg_sample){ .cpu = session->cpus[i].index };
		ask_cpu(session, &session->cpus[i]);
	}
	struct gg_error *err = gg_wire_send(&session->stub.wire);
	if (!err)
		err = gg_wire_receive(&session->stub.wire);
	if (err)
		return err;
	gg_stub_run_stopped(&session->stub, session->profile->ended);
	session->profile->delays[session->profile->rounds] = gg_wire_now() - asked;
	for (size_t i = 0; !err && i < count; i++)
		err = receive_cpu(session, &session->cpus[i], &currents[i], &are_new[i]);
	return err ? err : complete_tasks(session, currents, are_new);
}

// ---- The second round trip: stacks ----

static bool is_kernel(const struct session *session, gg_gva_t pc)
{
	return pc >= session->kernel->arch->kernel->kernel_area;
}

// Lists the pieces of a stack to read: none has bytes of two pages.
static void list_pieces(const struct session *session, struct cpu *cpu)
{
	const uint64_t word = session->kernel->host.address_size;
	const gg_gva_t sp = cpu->values[1] / word * word;
	const uint64_t size = gg_unwinder_stack_size(session->unwinder);
	uint64_t left = sp - cpu->stack < size ? cpu->stack + size - sp : PIECE;
	gg_gva_t at = sp;
	cpu->piece_count = 0;
	left = left < STACK_BYTES ? left : STACK_BYTES;
	while (left && cpu->piece_count < STACK_PIECES) {
		uint64_t now = PAGE - at % PAGE;
		now = now < left ? now : left;
		now = now < PIECE ? now : PIECE;
		cpu->pieces[cpu->piece_count++] = (struct piece){ at, (size_t)now };
		at += now;
		left -= now;
	}
}

// Receives the pieces. The bytes behind the first piece that is not mapped are dropped.
static struct gg_error *receive_pieces(struct session *session, struct cpu *cpu)
{
	bool is_whole = true;
	struct gg_error *err = NULL;
	cpu->byte_count = 0;
	for (size_t i = 0; !err && i < cpu->piece_count; i++) {
		err = gg_wire_receive(&session->stub.wire);
		if (!err && is_whole)
			err = gg_wire_bytes(&session->stub.wire, cpu->bytes + cpu->byte_count,
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

static struct gg_error *keep_frames(struct cpu *cpu, const struct gg_stack *stack)
{
	struct gg_sample *sample = &cpu->sample;
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

static struct gg_error *walk(struct session *session, struct cpu *cpu)
{
	const uint64_t word = session->kernel->host.address_size;
	const struct gg_task task = { .address = session->tasks[cpu->task].address,
				      .stack = cpu->stack };
	struct gg_stack stack = { 0 };
	gg_registers_init(session->registers, session->kernel->arch->registers,
			  session->kernel->arch->word);
	for (size_t i = 0; i < session->set->count; i++)
		gg_register_set(session->registers, session->set->registers[i].id, cpu->values[i]);
	gg_unwinder_give(session->unwinder, cpu->values[1] / word * word, cpu->bytes,
			 cpu->byte_count);
	struct gg_error *err =
		gg_stack_of_registers(session->unwinder, session->registers, &task, &stack);
	if (!err)
		err = keep_frames(cpu, &stack);
	gg_stack_deinit(&stack);
	return err;
}

static bool needs_stack(const struct session *session, const struct cpu *cpu)
{
	return session->unwinder && is_kernel(session, cpu->values[0]) && !cpu->sample.is_idle;
}

static struct gg_error *read_stacks(struct session *session)
{
	const size_t count = session->request->cpu_count;
	struct gg_error *err = NULL;
	for (size_t i = 0; i < count; i++) {
		struct cpu *cpu = &session->cpus[i];
		cpu->piece_count = 0;
		if (!needs_stack(session, cpu))
			continue;
		list_pieces(session, cpu);
		gg_wire_add(&session->stub.wire, "Hg%" PRIx32, cpu->index + 1);
		gg_wire_add(&session->stub.wire, "Qqemu.PhyMemMode:0");
		for (size_t piece = 0; piece < cpu->piece_count; piece++)
			gg_wire_add(&session->stub.wire, "m%" PRIx64 ",%zx",
				    cpu->pieces[piece].address, cpu->pieces[piece].size);
		gg_wire_add(&session->stub.wire, "Qqemu.PhyMemMode:1");
	}
	err = gg_wire_send(&session->stub.wire);
	for (size_t i = 0; !err && i < count; i++) {
		struct cpu *cpu = &session->cpus[i];
		if (!cpu->piece_count)
			continue;
		err = gg_stub_receive_ok(&session->stub);
		if (!err)
			err = gg_stub_receive_ok(&session->stub);
		if (!err)
			err = receive_pieces(session, cpu);
		if (!err)
			err = gg_stub_receive_ok(&session->stub);
	}
	for (size_t i = 0; !err && i < count; i++)
		if (session->cpus[i].piece_count)
			err = walk(session, &session->cpus[i]);
	return err;
}

// ---- Rounds ----

static void classify(const struct session *session, struct cpu *cpu)
{
	struct gg_sample *sample = &cpu->sample;
	sample->pc = cpu->values[0];
	sample->is_user = !is_kernel(session, sample->pc);
	sample->is_idle =
		!sample->pid && sample->pc >= session->idle_start && sample->pc < session->idle_end;
}

static struct gg_error *keep_samples(struct session *session, uint64_t asked)
{
	struct gg_profile *profile = session->profile;
	for (size_t i = 0; i < session->request->cpu_count; i++) {
		struct gg_sample *sample = &session->cpus[i].sample;
		struct gg_error *err = gg_vector_grow(&profile->samples, profile->count,
						      sizeof(*profile->samples));
		if (err)
			return err;
		sample->time = asked - session->start;
		profile->idle += sample->is_idle;
		profile->samples[profile->count++] = *sample;
		*sample = (struct gg_sample){ 0 };
	}
	profile->rounds++;
	return NULL;
}

static struct gg_error *let_run(struct session *session)
{
	struct gg_error *err = gg_stub_run_continue(&session->stub);
	// The backing's bytes are stale from now on.
	gg_backing_ran(gg_guest_backing(session->guest));
	return err;
}

static struct gg_error *look(struct session *session, uint64_t *next)
{
	const struct gg_profile_request *request = session->request;
	const uint64_t now = gg_wire_now();
	session->profile->elapsed = now - session->start;
	if (!request->look || now < *next)
		return NULL;
	*next = now + SECOND;
	return request->look(request->data, session->profile);
}

// Takes a sample of each CPU. The guest runs afterwards, unless it has stopped by itself.
static struct gg_error *take_round(struct session *session, uint64_t *next_look)
{
	const uint64_t asked = gg_wire_now();
	struct gg_profile *profile = session->profile;
	struct gg_error *err =
		gg_vector_grow(&profile->delays, profile->rounds, sizeof(*profile->delays));
	if (!err)
		err = stop_and_ask(session, asked);
	for (size_t i = 0; !err && i < session->request->cpu_count; i++)
		classify(session, &session->cpus[i]);
	if (!err && session->unwinder)
		err = read_stacks(session);
	if (!err)
		err = keep_samples(session, asked);
	if (!err)
		err = look(session, next_look);
	if (!err && !profile->ended[0])
		err = let_run(session);
	profile->stopped += gg_wire_now() - asked;
	profile->is_full = profile->count + session->request->cpu_count > GG_PROFILE_SAMPLES;
	return err;
}

// Returns the time of the next sample: as it was asked for, but so late that the guest runs for four fifths of
// the time.
static uint64_t next_time(struct session *session, uint64_t before)
{
	const uint64_t period = SECOND / session->request->options->hz;
	const uint64_t allowed = session->start + session->profile->stopped * STOPPED_PART;
	const uint64_t now = gg_wire_now();
	uint64_t next = before + period;
	if (allowed > next) {
		session->profile->is_limited = true;
		next = allowed;
	}
	return next > now ? next : now;
}

static struct gg_error *take_samples(struct session *session)
{
	struct gg_profile *profile = session->profile;
	const uint64_t seconds = session->request->options->seconds;
	struct gg_error *err = let_run(session);
	session->start = gg_wire_now();
	const uint64_t end = session->start + seconds * SECOND;
	uint64_t next_look = session->start + SECOND;
	uint64_t next = session->start + SECOND / session->request->options->hz;
	while (!err && !profile->ended[0] && !profile->is_full && next < end) {
		bool stopped = false;
		err = gg_interrupt_check();
		if (!err)
			err = gg_wire_wait(&session->stub.wire, next, &stopped);
		if (err)
			break;
		if (stopped) {
			gg_stub_run_stopped(&session->stub, session->profile->ended);
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
	gg_unwinder_destroy(session->unwinder);
	free(session->registers);
	for (size_t i = 0; session->cpus && i < session->request->cpu_count; i++)
		free(session->cpus[i].sample.frames);
	free(session->cpus);
	free(session->tasks);
}

struct gg_error *gg_guest_profile(struct gg_guest *guest, const struct gg_profile_request *request,
				  const struct gg_notices *notices, struct gg_profile *ret)
{
	struct session *session = calloc(1, sizeof(*session));
	*ret = (struct gg_profile){ 0 };
	if (!session)
		return gg_enomem;
	session->guest = guest;
	session->request = request;
	session->profile = ret;
	struct gg_error *err = prepare(session, notices);
	if (!err)
		err = gg_stub_run_open(&session->stub, request->options->address,
				       request->options->thread, session->kernel->host.big_endian);
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
	free(session);
	return err;
}
