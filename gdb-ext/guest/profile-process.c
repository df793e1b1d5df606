// SPDX-License-Identifier: GPL-3.0-or-later
//
// Samples of a guest in a QEMU process that executes it itself (TCG): the memory of the process is read while the
// process runs, and nothing stops. A thread of its own takes the samples, for the front end is busy with letting the
// process run. If asked for, the process is stopped for each sample instead.
//
// In:  the memory of QEMU, by /proc/PID/mem, and of the guest; the state of the process, by /proc/PID/stat.
// Out: samples. The program counter of a CPU is the last that QEMU has noted, where a block of translated code
// ends (QEMU accel/tcg/translator.c, target/*/translate.c).
// Trusts nothing it reads: samples and retries are bounded. A sample counts only where the CPU had the same
// task before and after the read.
#include "base/cleanup.h"
#include "guest.h"
#include "sampler.h"
#include "stub-wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gdb-guest/info.h>
#include <gdb-guest/interrupt.h>

enum {
	SECOND = 1000000000,
	MILLISECONDS = 1000, // in a second
	MILLISECOND = SECOND / MILLISECONDS,
	STOPPED_PART =
		5,    // a process that is stopped stands still for one fifth of the time at most
	RETRIES = 16, // where a task changes while it is read
};

struct process {
	struct gg_sampler sampler;
	const struct gg_ram_map *map;
	uint64_t *cpus; // the places of the CPUs in QEMU's memory, by the sampler's order
	// The program counter in a CPU, and the number that says that the CPU waits for an interrupt; size 0: not
	// known.
	struct gg_member counter, halted;
	int memory, state; // /proc/PID/mem, /proc/PID/stat
	uint64_t start;    // of the first run
	uint64_t last;     // the time of the last look at the process
	// The thread's, but for IS_ENDED, which the lock guards.
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool is_ended;
	struct gg_error *err;
};

// ---- Preparation, while the process stands still ----

static struct gg_error *check_accelerator(const struct gg_qemu_cpus *cpus)
{
	if (cpus->accelerator == GG_ACCELERATOR_TCG)
		return NULL;
	return gg_error_create(GG_UNSUPPORTED, "QEMU does not execute the guest itself (TCG), so "
					       "that its memory does not show what "
					       "the CPUs execute: take samples at its gdbstub "
					       "(target remote ADDRESS; the monitor's "
					       "\"gdbserver ADDRESS\" opens it), or with KVM by "
					       "perf kvm on the host, with the files of "
					       "guest-vmlinux -kallsyms FILE -modules FILE");
}

static struct gg_error *check_runs(struct gg_guest *guest)
{
	_cleanup_free_ char *state = NULL;
	struct gg_error *err = gg_guest_run_state(guest, &state);
	if (!err && state && strcmp(state, "running") != 0)
		err = gg_error_create(GG_UNSUPPORTED,
				      "QEMU has the guest %s: QEMU's monitor lets it run (cont)",
				      state);
	return err;
}

static struct gg_error *find_members(struct process *process, const struct gg_qemu_cpus *cpus)
{
	const struct gg_profile_request *request = process->sampler.request;
	const struct gg_arch *arch = process->sampler.kernel->arch;
	if (!arch->counter)
		return gg_arch_not_yet(arch, "profiles of a process");
	const struct gg_host *host = gg_guest_host(process->sampler.guest);
	struct gg_error *err =
		host->ops->member(host->data, arch->cpu_type, arch->counter, &process->counter);
	if (err)
		return err;
	err = host->ops->member(host->data, arch->cpu_type, "parent_obj.halted", &process->halted);
	err = gg_error_unless_final(err);
	process->cpus = calloc(request->cpu_count + 1, sizeof(*process->cpus));
	if (!err && !process->cpus)
		return gg_enomem;
	for (size_t i = 0; !err && i < request->cpu_count; i++)
		for (size_t cpu = 0; cpu < cpus->count; cpu++)
			if (cpus->cpus[cpu].index == request->cpus[i])
				process->cpus[i] = cpus->cpus[cpu].address;
	return err;
}

static struct gg_error *open_file(const struct process *process, const char *name, int *ret)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)process->sampler.request->options->pid,
		 name);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? gg_error_system(errno, "%s", path) : NULL;
}

static struct gg_error *prepare(struct process *process)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_guest *guest = process->sampler.guest;
	struct gg_error *err = NULL;
	if (process->sampler.request->options->stacks)
		return gg_error_create(GG_UNSUPPORTED, "-stacks needs a guest that stops, whose "
						       "registers fit each other: take stacks "
						       "at QEMU's gdbstub (target remote ADDRESS; "
						       "the monitor's \"gdbserver ADDRESS\" "
						       "opens it)");
	err = gg_guest_qemu_cpus(guest, &cpus);
	if (!err)
		err = check_accelerator(cpus);
	if (!err)
		err = check_runs(guest);
	if (!err)
		err = find_members(process, cpus);
	if (!err)
		err = gg_guest_ram_map(guest, &process->map);
	if (!err)
		err = open_file(process, "mem", &process->memory);
	return err ? err : open_file(process, "stat", &process->state);
}

// ---- A sample, in the thread ----

static struct gg_error *to_number(const void *bytes, size_t size, bool big_endian, uint64_t *ret)
{
	struct gg_cursor cursor = gg_cursor(bytes, size, big_endian, "the process");
	return gg_cursor_uint(&cursor, (unsigned int)size, ret);
}

static struct gg_error *read_number(const struct process *process, gg_gpa_t gpa, size_t size,
				    uint64_t *ret)
{
	uint8_t bytes[sizeof(*ret)];
	struct gg_error *err = gg_ram_map_read(process->map, gpa, bytes, size);
	return err ? err : to_number(bytes, size, process->sampler.kernel->host.big_endian, ret);
}

static struct gg_error *read_member(const struct process *process, size_t index,
				    const struct gg_member *member, uint64_t *ret)
{
	uint8_t bytes[sizeof(*ret)] = { 0 };
	const size_t size = member->size;
	const off_t place = (off_t)(process->cpus[index] + member->offset);
	if (size > sizeof(bytes) || pread(process->memory, bytes, size, place) != (ssize_t)size)
		return gg_error_create(GG_LOST, "process %d does not show its memory any more",
				       (int)process->sampler.request->options->pid);
	return to_number(bytes, size, gg_guest_host(process->sampler.guest)->big_endian, ret);
}

static struct gg_error *read_task(const struct process *process, const struct gg_sampled_task *task,
				  struct gg_sample *sample)
{
	uint64_t pid = 0;
	struct gg_error *err = read_number(process, task->pid, 4, &pid);
	sample->pid = (int32_t)pid;
	return err ? err : gg_ram_map_read(process->map, task->comm, sample->comm, GG_TASK_COMM);
}

// Reads a sample of the sampler's CPU INDEX. *IS_TORN is set if the CPU's task changed meanwhile.
static struct gg_error *try_cpu(struct process *process, size_t index, bool *is_torn)
{
	struct gg_sampler *sampler = &process->sampler;
	struct gg_sampled_cpu *cpu = &sampler->cpus[index];
	const size_t word = sampler->kernel->host.address_size;
	uint64_t before = 0, after = 0, pc = 0, halted = 0;
	cpu->sample = (struct gg_sample){ .cpu = cpu->index };
	struct gg_error *err = read_number(process, cpu->current, word, &before);
	if (!err)
		err = read_member(process, index, &process->counter, &pc);
	if (!err && process->halted.size)
		err = read_member(process, index, &process->halted, &halted);
	if (!err)
		err = gg_sampler_find_task(sampler, before, &cpu->task);
	if (!err)
		err = read_task(process, &sampler->tasks[cpu->task], &cpu->sample);
	if (!err)
		err = read_number(process, cpu->current, word, &after);
	*is_torn = before != after;
	gg_sampler_classify(sampler, &cpu->sample, pc);
	cpu->sample.is_idle |= halted && !cpu->sample.pid;
	return err;
}

static struct gg_error *read_cpu(struct process *process, size_t index, bool *is_torn)
{
	struct gg_error *err = NULL;
	*is_torn = true;
	for (unsigned int i = 0; *is_torn && i < RETRIES; i++) {
		gg_error_destroy(err);
		err = try_cpu(process, index, is_torn);
	}
	return err;
}

// Tests whether the process stands still: a tracer or a signal has stopped it.
static bool stands(const struct process *process)
{
	char text[256] = { 0 };
	const ssize_t size = pread(process->state, text, sizeof(text) - 1, 0);
	const char *name_end = size > 0 ? strrchr(text, ')') : NULL;
	return !name_end || strlen(name_end) < 3 || strchr("tTXZ", name_end[2]);
}

static struct gg_error *take_round(struct process *process)
{
	const size_t count = process->sampler.request->cpu_count;
	const uint64_t asked = gg_wire_now();
	struct gg_error *err = NULL;
	bool is_torn = false;
	for (size_t i = 0; !err && !is_torn && i < count; i++)
		err = read_cpu(process, i, &is_torn);
	const bool is_standing = stands(process);
	if (!is_standing)
		process->sampler.profile->elapsed += asked - process->last;
	process->last = asked;
	return err || is_torn || is_standing
		       ? err
		       : gg_sampler_keep(&process->sampler, asked - process->start);
}

// Takes a sample of each CPU of a process that stands still.
static struct gg_error *take_stopped_round(struct process *process)
{
	const size_t count = process->sampler.request->cpu_count;
	struct gg_error *err = NULL;
	bool is_torn = false;
	for (size_t i = 0; !err && i < count; i++)
		err = read_cpu(process, i, &is_torn);
	return err ? err : gg_sampler_keep(&process->sampler, gg_wire_now() - process->start);
}

// Waits until the time DEADLINE. Returns false if the thread must end.
static bool wait_until(struct process *process, uint64_t deadline)
{
	const struct timespec time = { .tv_sec = (time_t)(deadline / SECOND),
				       .tv_nsec = (long)(deadline % SECOND) };
	int status = 0;
	pthread_mutex_lock(&process->lock);
	while (!process->is_ended && status != ETIMEDOUT)
		status = pthread_cond_timedwait(&process->ended, &process->lock, &time);
	const bool goes_on = !process->is_ended;
	pthread_mutex_unlock(&process->lock);
	return goes_on;
}

static void *sample(void *data)
{
	struct process *process = data;
	const uint64_t period = SECOND / process->sampler.request->options->hz;
	uint64_t next = gg_wire_now();
	process->last = next;
	while (!process->err && !process->sampler.profile->is_full && wait_until(process, next)) {
		process->err = take_round(process);
		const uint64_t now = gg_wire_now();
		next += period;
		next = next > now ? next : now;
	}
	return NULL;
}

// ---- Runs ----

// Starts the thread, which gets no signals: they are the front end's.
static struct gg_error *begin(struct process *process)
{
	sigset_t all, before;
	process->is_ended = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int status = pthread_create(&process->thread, NULL, sample, process);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status ? gg_error_system(status, "a thread for samples") : NULL;
}

static struct gg_error *end(struct process *process)
{
	pthread_mutex_lock(&process->lock);
	process->is_ended = true;
	pthread_cond_signal(&process->ended);
	pthread_mutex_unlock(&process->lock);
	pthread_join(process->thread, NULL);
	struct gg_error *err = process->err;
	process->err = NULL;
	return err;
}

// Lets the process run for MILLISECONDS, at least 1.
static struct gg_error *run(struct process *process, uint64_t milliseconds)
{
	const struct gg_profile_options *options = process->sampler.request->options;
	_cleanup_free_ char *why = NULL;
	struct gg_error *err = begin(process);
	if (err)
		return err;
	err = options->run(options->run_data, (unsigned int)milliseconds, &why);
	struct gg_error *failed = end(process);
	if (why)
		snprintf(process->sampler.profile->ended, GG_STUB_ENDED, "%s", why);
	if (!failed)
		return err;
	gg_error_destroy(err);
	return failed;
}

static struct gg_error *take_samples(struct process *process)
{
	const struct gg_profile_request *request = process->sampler.request;
	struct gg_profile *profile = process->sampler.profile;
	uint64_t left = (uint64_t)request->options->seconds * MILLISECONDS;
	struct gg_error *err = NULL;
	process->start = gg_wire_now();
	while (!err && left && !profile->ended[0] && !profile->is_full) {
		const uint64_t now = request->look && left > MILLISECONDS ? MILLISECONDS : left;
		err = run(process, now);
		left -= now;
		if (!err && request->look && left)
			err = request->look(request->data, profile);
	}
	return err;
}

// Returns the milliseconds that the process runs before its next sample: a period less what the last stop took, and more
// where it stood still for more than its part of the time.
static uint64_t next_run(const struct process *process, uint64_t ran, uint64_t stop)
{
	const uint64_t period = SECOND / process->sampler.request->options->hz;
	struct gg_profile *profile = process->sampler.profile;
	const uint64_t least = profile->stopped * (STOPPED_PART - 1);
	uint64_t next = period > stop ? period - stop : 0;
	if (least > ran + next) {
		profile->is_limited = true;
		next = least - ran;
	}
	return next < MILLISECOND ? 1 : next / MILLISECOND;
}

// Takes the samples of a process that stands still. The time for which it did not run for the samples counts as stopped:
// the front end's work to stop it too.
static struct gg_error *take_stopped_samples(struct process *process)
{
	const struct gg_profile_request *request = process->sampler.request;
	const struct gg_profile_options *options = request->options;
	struct gg_profile *profile = process->sampler.profile;
	const uint64_t whole = options->seconds * (uint64_t)SECOND;
	struct gg_error *err = NULL;
	uint64_t ran = 0, stop = 0, next_look = SECOND;
	process->start = gg_wire_now();
	while (!err && profile->elapsed < whole && !profile->ended[0] && !profile->is_full) {
		_cleanup_free_ char *why = NULL;
		const uint64_t milliseconds = next_run(process, ran, stop);
		const uint64_t before = profile->elapsed;
		err = options->run(options->run_data, (unsigned int)milliseconds, &why);
		if (!err)
			err = take_stopped_round(process);
		if (why)
			snprintf(profile->ended, sizeof(profile->ended), "%s", why);
		profile->elapsed = gg_wire_now() - process->start;
		ran += milliseconds * MILLISECOND;
		profile->stopped = profile->elapsed > ran ? profile->elapsed - ran : 0;
		const uint64_t took = profile->elapsed - before;
		stop = took > milliseconds * MILLISECOND ? took - milliseconds * MILLISECOND : 0;
		if (!err && request->look && profile->elapsed >= next_look) {
			err = request->look(request->data, profile);
			next_look += SECOND;
		}
	}
	return err;
}

static struct gg_error *create(struct process **ret)
{
	pthread_condattr_t attributes;
	struct process *process = calloc(1, sizeof(*process));
	if (!process)
		return gg_enomem;
	process->memory = process->state = -1;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&process->ended, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&process->lock, NULL);
	*ret = process;
	return NULL;
}

static void destroy(struct process *process)
{
	if (process->memory >= 0)
		close(process->memory);
	if (process->state >= 0)
		close(process->state);
	pthread_cond_destroy(&process->ended);
	pthread_mutex_destroy(&process->lock);
	gg_sampler_deinit(&process->sampler);
	free(process->cpus);
	free(process);
}

struct gg_error *gg_profile_process(struct gg_guest *guest,
				    const struct gg_profile_request *request,
				    const struct gg_notices *notices, struct gg_profile *ret)
{
	struct process *process = NULL;
	struct gg_error *err = create(&process);
	if (err)
		return err;
	ret->is_unstopped = !request->options->stop;
	err = gg_sampler_init(&process->sampler, guest, request, notices, ret);
	if (!err)
		err = prepare(process);
	if (!err)
		err = ret->is_unstopped ? take_samples(process) : take_stopped_samples(process);
	if (err && gg_error_kind(err) == GG_INTERRUPTED && ret->rounds) {
		gg_interrupt_forget();
		ret->is_interrupted = true;
		gg_error_destroy(err);
		err = NULL;
	}
	destroy(process);
	return err;
}
