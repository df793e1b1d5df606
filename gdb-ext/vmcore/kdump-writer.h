// SPDX-License-Identifier: GPL-3.0-or-later
//
// Memory from its backing to a compressed kdump: threads compress pages, each into memory of its own, and
// write them as they come; headers and bitmaps come last.
#ifndef GG_KDUMP_WRITER_H
#define GG_KDUMP_WRITER_H

#include "memory/workers.h"
#include "compress.h"
#include "format-kdump.h"
#include "kdump-file.h"

// Pages that are neighbours: whole pages, ascending.
struct gg_kdump_range {
	gg_gpa_t start;
	uint64_t size;
};

struct gg_kdump_writer {
	struct gg_kdump *kdump; // without a layout yet
	const struct gg_codec *codec;
	bool small; // for size
	bool flattened;
	unsigned int threads; // 0: the CPUs there are
	struct gg_output *output;
	struct gg_backing *backing;

	const struct gg_job *jobs; // whole pages, ascending
	size_t count;
	const struct gg_page_set *excluded;  // pages that the file does not get, or NULL
	const struct gg_kdump_range *memory; // all memory there is, whether or not the file gets it
	size_t memory_count;

	// Called as struct gg_workers has it, with the bytes that the file has so far.
	struct gg_error *(*progress)(void *data, size_t job, uint64_t done, uint64_t written);
	struct gg_error *(*meanwhile)(void *data); // as struct gg_workers has it
	void *data;

	// Members of struct gg_workers.
	bool find_absent;
	uint64_t absent;

	uint64_t file_size; // set at the end
};

// Writes the file, but for its name. GG_ABSENT where memory is not there.
struct gg_error *gg_kdump_write(struct gg_kdump_writer *writer);

#endif
