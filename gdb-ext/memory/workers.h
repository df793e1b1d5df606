// SPDX-License-Identifier: GPL-3.0-or-later
//
// Threads that take pieces of the guest's memory, in order, and work on them at the same time. What
// needs no read is passed over; the first error, or Ctrl-C, ends all.
#ifndef GG_WORKERS_H
#define GG_WORKERS_H

#include "base/page-set.h"
#include "backing.h"
#include "threads.h"

enum {
	// The bytes of a piece at most, and between two looks at Ctrl-C. As they fit into a core's
	// second level cache, bytes are there still when they are written.
	GG_PIECE_SIZE = 1 << 18,
	// The bytes of a piece of a hole at most.
	GG_HOLE_PIECE_SIZE = 1 << 30,
	GG_MAX_WORKERS = GG_MAX_THREADS,
};

// A range to work on.
struct gg_job {
	gg_gpa_t gpa;
	gg_hva_t hva;
	uint64_t size;
	uint64_t offset; // in the output, where the output has a place for each byte
};

// A part of a job, within one extent: at most the workers' piece_size bytes to read, and excluded pages
// between them.
struct gg_piece {
	enum gg_extent_kind kind; // never absent
	gg_gpa_t gpa;
	gg_hva_t hva;
	uint64_t size;
	uint64_t offset;
	uint64_t wanted; // bytes of SIZE that are not excluded
	uint64_t before; // bytes of all jobs up to the piece that are not excluded
};

struct gg_workers {
	struct gg_backing *backing;
	const struct gg_job *jobs;
	size_t count;
	const struct gg_page_set *excluded; // pages that nobody reads, of PAGE_SIZE bytes; or NULL
	uint64_t page_size;   // each piece has whole pages, as far as its job has; 0: any bytes
	uint64_t piece_size;  // bytes to read of a piece at most; 0: GG_PIECE_SIZE
	unsigned int threads; // at most, the caller's too; gg_workers_count()

	// Tests whether PIECE, a whole extent, needs no work. Called by one thread at a time, which
	// may be any, as finish(): no debugger may be asked. NULL: all needs work.
	bool (*pass)(void *data, const struct gg_piece *piece);

	// Works on PIECE in the thread number WORKER, 0 to THREADS - 1. The bytes that turned out
	// to be absent are added to ABSENT.
	struct gg_error *(*work)(void *data, unsigned int worker, const struct gg_piece *piece,
				 uint64_t *absent);

	// Called after work(), by one thread at a time; or NULL.
	void (*finish)(void *data, unsigned int worker, const struct gg_piece *piece);

	// Called in the caller's thread while others work, and not at all without others. An error
	// ends the work. May be NULL.
	struct gg_error *(*meanwhile)(void *data);

	// Called in the caller's thread after each step of its own, with the job that is at work
	// and the bytes done so far. An error ends the work. May be NULL.
	struct gg_error *(*progress)(void *data, size_t job, uint64_t done);
	void *data; // of all

	// Memory that turns out to be absent does not end the work: it is found in all jobs.
	bool find_absent;
	uint64_t absent; // set to the bytes that were; unless 0, the output is of no use
};

// Returns the number of threads for BACKING: WANTED, or where it is 0, the CPUs there are, at most MOST; a
// single thread where BACKING bears no more.
unsigned int gg_workers_count(const struct gg_backing *backing, unsigned int wanted,
			      unsigned int most);

// Finds the next run of PIECE's bytes that are not excluded, at POSITION or behind it, which starts as
// 0 and moves behind the run. False behind the last run.
bool gg_piece_next_run(const struct gg_workers *workers, const struct gg_piece *piece,
		       uint64_t *position, struct gg_piece *run);

// Works on all jobs, in order where there is a single thread. GG_ABSENT where memory is not there.
struct gg_error *gg_workers_run(struct gg_workers *workers);

#endif
