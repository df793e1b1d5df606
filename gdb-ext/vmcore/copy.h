// SPDX-License-Identifier: GPL-3.0-or-later
//
// Memory from its backing to the file, the cheapest way there is: holes are stepped over, what the
// file systems can share is not read, the rest is read and written by as many threads as help.
#ifndef GG_COPY_H
#define GG_COPY_H

#include "base/output.h"
#include "memory/workers.h"

struct gg_copy {
	struct gg_backing *backing;
	struct gg_output *output;
	const struct gg_job *jobs;
	size_t count;
	const struct gg_page_set *excluded; // pages that are neither read nor written, or NULL
	uint64_t page_size;                 // of these
	unsigned int threads;               // 0: as many as help

	// Called with bytes that were copied, by one thread at a time, which may be any: no
	// debugger may be asked.
	void (*seen)(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size);

	// Called as struct gg_workers has them.
	struct gg_error *(*meanwhile)(void *data);
	struct gg_error *(*progress)(void *data, size_t job, uint64_t done);
	void *data; // of all

	// Members of struct gg_workers.
	bool find_absent;
	uint64_t absent;

	bool cloned; // set if the kernel shared bytes, which nobody has seen then
};

// Copies all jobs, in order where the output is a stream. GG_ABSENT where memory is not there.
// Pages of zeros are not written: in a file they become holes.
struct gg_error *gg_copy_run(struct gg_copy *copy);

// Writes SIZE bytes at OFFSET, but no pages of zeros.
struct gg_error *gg_copy_write(struct gg_output *output, uint64_t offset, const uint8_t *bytes,
			       size_t size);

#endif
