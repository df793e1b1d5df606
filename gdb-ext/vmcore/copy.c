// SPDX-License-Identifier: GPL-3.0-or-later
#include "copy.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

enum {
	PAGE = 4096,
	// The bytes that are read and written at once, and between two looks at Ctrl-C. As they fit
	// into a core's second level cache, bytes are there still when they are written.
	CHUNK = 1 << 18,
	// Reading and writing are bound by memory: more threads than this do not help.
	MAX_THREADS = 4,
};

// The state that the threads share, under the lock.
struct run {
	struct gg_copy *copy;
	pthread_mutex_t lock;
	size_t job;        // the next byte to copy is this job's
	uint64_t position; // at this offset in it
	uint64_t data_end; // all from there to here has to be read
	uint64_t done;
	uint64_t absent;      // bytes that turned out to be
	struct gg_error *err; // the first one; all stop
};

struct piece {
	gg_gpa_t gpa;
	gg_hva_t hva;
	size_t size;
	uint64_t offset;
};

// ---- One piece ----

static bool is_zero(const uint8_t *bytes, size_t size)
{
	// Most pages that are not zero differ early.
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

// Writes the runs of pages that are not zero.
static struct gg_error *write_runs(struct gg_output *output, uint64_t offset, const uint8_t *bytes,
				   size_t size)
{
	for (size_t run = 0, end; run < size; run = end) {
		bool zero = false;
		for (end = run; end < size;) {
			size_t page = size - end < PAGE ? size - end : PAGE;
			bool page_zero = is_zero(bytes + end, page);
			if (end > run && page_zero != zero)
				break;
			zero = page_zero;
			end += page;
		}
		if (zero)
			continue;
		struct gg_error *err =
			gg_output_write(output, offset + run, bytes + run, end - run);
		if (err)
			return err;
	}
	return NULL;
}

// The bytes of it that turned out to be absent are added to ABSENT: what is written is of no use
// then.
static struct gg_error *copy_piece(const struct gg_copy *copy, const struct piece *piece,
				   uint8_t *buffer, uint64_t *absent)
{
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_backing_read_present(copy->backing, piece->hva, buffer, piece->size,
					      absent);
	if (!err)
		err = write_runs(copy->output, piece->offset, buffer, piece->size);
	return err ? gg_error_context(err, "guest-physical 0x%" PRIx64, piece->gpa) : NULL;
}

// ---- Taking pieces; with the lock held ----

static bool try_clone(struct gg_copy *copy, gg_hva_t hva, uint64_t size, uint64_t offset)
{
	const int file = gg_output_file(copy->output);
	if (!copy->backing->ops->clone || file < 0 ||
	    !copy->backing->ops->clone(copy->backing, hva, size, file, offset))
		return false;
	copy->cloned = true;
	return true;
}

// Asks the backing for the extent that is next: steps over what need not be read, or sets data_end.
static struct gg_error *ask_extent(struct run *run, const struct gg_copy_job *job)
{
	struct gg_copy *copy = run->copy;
	const gg_hva_t hva = job->hva + run->position;
	struct gg_extent extent;
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = copy->backing->ops->extent(copy->backing, hva, job->size - run->position,
						 true, &extent);
	if (!err && extent.kind == GG_EXTENT_ABSENT)
		err = gg_error_create(GG_ABSENT, "the memory at 0x%" PRIx64 " went away", hva);
	if (err)
		return err;
	run->data_end = run->position + extent.size;
	if (extent.kind == GG_EXTENT_HOLE ||
	    try_clone(copy, hva, extent.size, job->offset + run->position)) {
		run->position = run->data_end;
		run->done += extent.size;
	}
	return NULL;
}

// The next piece that has to be read, after all that needs not; size 0 at the end.
static struct gg_error *take_piece(struct run *run, struct piece *ret)
{
	*ret = (struct piece){ 0 };
	while (run->job < run->copy->count) {
		const struct gg_copy_job *job = &run->copy->jobs[run->job];
		const uint64_t position = run->position;
		if (position < run->data_end) {
			const uint64_t left = run->data_end - position;
			*ret = (struct piece){
				.gpa = job->gpa + position,
				.hva = job->hva + position,
				.size = left < CHUNK ? (size_t)left : CHUNK,
				.offset = job->offset + position,
			};
			run->position += ret->size;
			return NULL;
		}
		if (position < job->size) {
			struct gg_error *err = ask_extent(run, job);
			if (err)
				return err;
		} else {
			run->job++;
			run->position = run->data_end = 0;
		}
	}
	return NULL;
}

// ---- Threads ----

static void fail(struct run *run, struct gg_error *err)
{
	if (run->err)
		gg_error_destroy(err);
	else
		run->err = err;
}

// Takes a piece and copies it. Returns false when nothing is left.
static bool step(struct run *run, uint8_t *buffer)
{
	struct piece piece;
	pthread_mutex_lock(&run->lock);
	struct gg_error *err = run->err ? NULL : take_piece(run, &piece);
	if (err)
		fail(run, err);
	bool goes_on = !run->err && piece.size;
	pthread_mutex_unlock(&run->lock);
	if (!goes_on)
		return false;

	uint64_t absent = 0;
	err = copy_piece(run->copy, &piece, buffer, &absent);
	if (!err && absent && !run->copy->find_absent)
		err = gg_error_create(GG_ABSENT, "memory at 0x%" PRIx64 " cannot be read",
				      piece.hva);
	pthread_mutex_lock(&run->lock);
	run->absent += absent;
	if (err) {
		fail(run, err);
	} else {
		run->copy->seen(run->copy->data, piece.gpa, buffer, piece.size);
		run->done += piece.size;
	}
	pthread_mutex_unlock(&run->lock);
	return true;
}

static void *work(void *data)
{
	struct run *run = data;
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	while (buffer && step(run, buffer))
		;
	return NULL;
}

// The caller's thread works too, and only it tells how far the work is.
static void work_and_tell(struct run *run, uint8_t *buffer)
{
	for (bool goes_on = true; goes_on;) {
		goes_on = step(run, buffer);
		pthread_mutex_lock(&run->lock);
		const size_t job = run->job;
		const uint64_t done = run->done;
		pthread_mutex_unlock(&run->lock);
		struct gg_error *err = run->copy->progress(run->copy->data, job, done);
		if (!err)
			continue;
		pthread_mutex_lock(&run->lock);
		fail(run, err);
		pthread_mutex_unlock(&run->lock);
		goes_on = false;
	}
}

// A stream wants its bytes in order, and only some backings bear to be asked by several.
static unsigned int count_threads(const struct gg_copy *copy)
{
	cpu_set_t cpus;
	if (!copy->backing->ops->thread_safe || gg_output_is_sequential(copy->output) ||
	    sched_getaffinity(0, sizeof(cpus), &cpus))
		return 1;
	const unsigned int count = (unsigned int)CPU_COUNT(&cpus);
	return count < MAX_THREADS ? count : MAX_THREADS;
}

// GDB's signals are for its own threads. Fewer threads than wanted are no error.
static unsigned int start_threads(struct run *run, pthread_t *threads, unsigned int wanted)
{
	sigset_t all, before;
	unsigned int started = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < wanted && !pthread_create(&threads[started], NULL, work, run))
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct gg_error *gg_copy_run(struct gg_copy *copy)
{
	struct run run = { .copy = copy, .lock = PTHREAD_MUTEX_INITIALIZER };
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	if (!buffer)
		return gg_enomem;
	pthread_t threads[MAX_THREADS];
	unsigned int started = start_threads(&run, threads, count_threads(copy) - 1);
	work_and_tell(&run, buffer);
	while (started)
		pthread_join(threads[--started], NULL);
	copy->absent = run.absent;
	return run.err;
}
