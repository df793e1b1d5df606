// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>

// The state that the threads share, under the lock.
struct run {
	struct gg_workers *workers;
	pthread_mutex_t lock;
	unsigned int numbered; // threads that have a number
	size_t job;            // the next byte is this job's
	uint64_t position;     // at this offset in it
	uint64_t extent_end;   // all from there to here is of this kind:
	enum gg_extent_kind kind;
	uint64_t wanted; // bytes so far that are not excluded
	uint64_t done;
	uint64_t absent;      // bytes that turned out to be
	struct gg_error *err; // the first one; all stop
};

// ---- Pages that are excluded ----

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_excluded(const struct gg_workers *workers, gg_gpa_t gpa)
{
	return workers->excluded && gg_page_set_has(workers->excluded, gpa / workers->page_size);
}

// Returns the number of bytes from GPA on, at most SIZE, that are all excluded or all not.
static uint64_t alike(const struct gg_workers *workers, gg_gpa_t gpa, uint64_t size, bool *excluded)
{
	const struct gg_page_set *set = workers->excluded;
	const uint64_t page_size = workers->page_size, pfn = set ? gpa / page_size : 0;
	*excluded = is_excluded(workers, gpa);
	if (!set)
		return size;
	// No further than SIZE: a run of excluded pages may be as long as RAM.
	const uint64_t end = gg_page_set_find(set, pfn, pfn + size / page_size + 2, !*excluded);
	return !*excluded && end == set->end ? size : min(size, end * page_size - gpa);
}

bool gg_piece_next_run(const struct gg_workers *workers, const struct gg_piece *piece,
		       uint64_t *position, struct gg_piece *run)
{
	while (*position < piece->size) {
		bool excluded;
		*run = *piece;
		run->gpa += *position;
		run->hva += *position;
		run->offset += *position;
		run->size = run->wanted =
			alike(workers, run->gpa, piece->size - *position, &excluded);
		*position += run->size;
		if (!excluded)
			return true;
	}
	return false;
}

// ---- Taking pieces; with the lock held ----

// Makes a piece at the position, up to END, with at most MOST bytes that are not excluded.
static struct gg_piece next_piece(const struct run *run, uint64_t end, uint64_t most)
{
	const struct gg_job *job = &run->workers->jobs[run->job];
	struct gg_piece piece = {
		.kind = run->kind,
		.gpa = job->gpa + run->position,
		.hva = job->hva + run->position,
		.offset = job->offset + run->position,
		.before = run->wanted,
	};
	while (run->position + piece.size < end && piece.wanted < most) {
		bool excluded;
		uint64_t size = alike(run->workers, piece.gpa + piece.size,
				      end - run->position - piece.size, &excluded);
		if (!excluded)
			piece.wanted += size = min(size, most - piece.wanted);
		piece.size += size;
	}
	return piece;
}

static void pass(struct run *run, const struct gg_piece *piece)
{
	run->position += piece->size;
	run->wanted += piece->wanted;
}

// Cuts EXTENT, from the position on, to whole pages. A page of two extents is data: a file's holes need
// not start where a page does.
static void cut_to_pages(const struct run *run, struct gg_extent *extent)
{
	const struct gg_workers *workers = run->workers;
	const struct gg_job *job = &workers->jobs[run->job];
	const uint64_t left = job->size - run->position;
	if (!workers->page_size || extent->size >= left)
		return;
	const uint64_t page_size = workers->page_size;
	const uint64_t before = (job->gpa + run->position) % page_size;
	const uint64_t rest = (before + extent->size) % page_size;
	if (rest < extent->size)
		extent->size -= rest;
	else
		*extent = (struct gg_extent){ .size = min(page_size - before, left),
					      .kind = GG_EXTENT_DATA };
}

// Asks the backing for the extent that is next, and passes over it where it needs no work.
static struct gg_error *ask_extent(struct run *run)
{
	struct gg_workers *workers = run->workers;
	const struct gg_job *job = &workers->jobs[run->job];
	const gg_hva_t hva = job->hva + run->position;
	const gg_gpa_t gpa = job->gpa + run->position;
	const uint64_t left = job->size - run->position;
	bool excluded = is_excluded(workers, gpa);
	struct gg_extent extent = { .kind = GG_EXTENT_HOLE };
	struct gg_error *err = gg_interrupt_check();
	// Nobody reads what is excluded: a hole will do.
	if (excluded)
		extent.size = alike(workers, gpa, left, &excluded);
	else if (!err)
		err = workers->backing->ops->extent(workers->backing, hva, left, true, &extent);
	if (!err && extent.kind == GG_EXTENT_ABSENT)
		err = gg_error_create(GG_ABSENT, "the memory at 0x%" PRIx64 " went away", hva);
	if (err)
		return err;
	if (!excluded)
		cut_to_pages(run, &extent);
	run->extent_end = run->position + extent.size;
	run->kind = extent.kind;
	if (!workers->pass)
		return NULL;
	const struct gg_piece piece = next_piece(run, run->extent_end, UINT64_MAX);
	if (workers->pass(workers->data, &piece)) {
		pass(run, &piece);
		run->done += piece.size;
	}
	return NULL;
}

// Takes the next piece that needs work; size 0 at the end.
static struct gg_error *take_piece(struct run *run, struct gg_piece *ret)
{
	const uint64_t size = run->workers->piece_size ? run->workers->piece_size : GG_PIECE_SIZE;
	*ret = (struct gg_piece){ 0 };
	while (run->job < run->workers->count) {
		if (run->position < run->extent_end) {
			*ret = next_piece(run, run->extent_end,
					  run->kind == GG_EXTENT_HOLE ? GG_HOLE_PIECE_SIZE : size);
			pass(run, ret);
			return NULL;
		}
		if (run->position < run->workers->jobs[run->job].size) {
			struct gg_error *err = ask_extent(run);
			if (err)
				return err;
		} else {
			run->job++;
			run->position = run->extent_end = 0;
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

static struct gg_error *work_on(struct gg_workers *workers, unsigned int worker,
				const struct gg_piece *piece, uint64_t *absent)
{
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = workers->work(workers->data, worker, piece, absent);
	if (err)
		return gg_error_context(err, "guest-physical 0x%" PRIx64, piece->gpa);
	return *absent && !workers->find_absent
		       ? gg_error_create(GG_ABSENT, "memory at 0x%" PRIx64 " cannot be read",
					 piece->hva)
		       : NULL;
}

// Takes a piece and works on it. Returns false when nothing is left.
static bool step(struct run *run, unsigned int worker)
{
	struct gg_piece piece;
	pthread_mutex_lock(&run->lock);
	struct gg_error *err = run->err ? NULL : take_piece(run, &piece);
	if (err)
		fail(run, err);
	bool goes_on = !run->err && piece.size;
	pthread_mutex_unlock(&run->lock);
	if (!goes_on)
		return false;

	uint64_t absent = 0;
	err = work_on(run->workers, worker, &piece, &absent);
	pthread_mutex_lock(&run->lock);
	run->absent += absent;
	if (err) {
		fail(run, err);
	} else {
		if (run->workers->finish)
			run->workers->finish(run->workers->data, worker, &piece);
		run->done += piece.size;
	}
	pthread_mutex_unlock(&run->lock);
	return true;
}

static unsigned int take_number(struct run *run)
{
	pthread_mutex_lock(&run->lock);
	const unsigned int number = run->numbered++;
	pthread_mutex_unlock(&run->lock);
	return number;
}

static void *work(void *data)
{
	struct run *run = data;
	const unsigned int worker = take_number(run);
	while (step(run, worker))
		;
	return NULL;
}

static void do_meanwhile(struct run *run)
{
	struct gg_error *err = run->workers->meanwhile(run->workers->data);
	if (!err)
		return;
	pthread_mutex_lock(&run->lock);
	fail(run, err);
	pthread_mutex_unlock(&run->lock);
}

// The caller's thread works too, and only it tells how far the work is.
static void work_and_tell(struct run *run)
{
	const unsigned int worker = take_number(run);
	for (bool goes_on = true; goes_on;) {
		goes_on = step(run, worker);
		if (!run->workers->progress)
			continue;
		pthread_mutex_lock(&run->lock);
		const size_t job = run->job;
		const uint64_t done = run->done;
		pthread_mutex_unlock(&run->lock);
		struct gg_error *err = run->workers->progress(run->workers->data, job, done);
		if (!err)
			continue;
		pthread_mutex_lock(&run->lock);
		fail(run, err);
		pthread_mutex_unlock(&run->lock);
		goes_on = false;
	}
}

unsigned int gg_workers_count(const struct gg_backing *backing, unsigned int wanted,
			      unsigned int most)
{
	cpu_set_t cpus;
	unsigned int count = wanted;
	if (!backing->ops->thread_safe)
		return 1;
	if (!wanted) {
		const bool failed = sched_getaffinity(0, sizeof(cpus), &cpus);
		count = failed ? 1 : (unsigned int)CPU_COUNT(&cpus);
		count = count < most ? count : most;
	}
	return count < GG_MAX_WORKERS ? count : GG_MAX_WORKERS;
}

// Fewer threads than wanted are no error.
static unsigned int start_threads(struct run *run, pthread_t *threads)
{
	unsigned int started = 0;
	while (started + 1 < run->workers->threads && gg_thread_start(&threads[started], work, run))
		started++;
	return started;
}

struct gg_error *gg_workers_run(struct gg_workers *workers)
{
	struct run run = { .workers = workers, .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[GG_MAX_WORKERS];
	unsigned int started = start_threads(&run, threads);
	if (started && workers->meanwhile)
		do_meanwhile(&run);
	work_and_tell(&run);
	while (started)
		pthread_join(threads[--started], NULL);
	workers->absent = run.absent;
	return run.err;
}
