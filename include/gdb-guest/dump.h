// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's memory as a vmcore.
#ifndef GDB_GUEST_DUMP_H
#define GDB_GUEST_DUMP_H

#include "notices.h"
#include "ram.h"
#include "writer.h"

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct gg_dump_progress {
	const struct gg_ram_range *range; // that is being written
	uint64_t done;                    // bytes of guest memory, over all ranges
	uint64_t total;
	uint64_t written; // bytes of memory in the file, where its format compresses; else 0
	double seconds;   // since the dump began
};

struct gg_dump_options {
	const char *path; // of the vmcore to write
	bool force;       // replace an existing file
	bool no_notes;    // leave out the CPUs' registers and VMCOREINFO, and do not look for them
	bool skip_absent; // leave out absent memory, with a notice, instead of failing
	bool filter;      // only guest-physical BEGIN to BEGIN + LENGTH - 1, as in QMP's command
	gg_gpa_t begin;
	uint64_t length;

	// NULL or "elf", or the name of a compressed format, as QMP has it: gg_dump_format().
	const char *format;
	bool flattened;       // of a compressed format, which a stream takes then
	bool small;           // of a compressed format: for size rather than for speed
	unsigned int level;   // makedumpfile's dump level: bits of the pages to leave out
	unsigned int threads; // 0: as many as help

	// Called at the start of each range and then at most ten times a second. An error ends the
	// dump. May be NULL.
	struct gg_error *(*progress)(void *data, const struct gg_dump_progress *progress);

	void *data; // for PROGRESS

	// gg_print_dump() tells of -via monitor where a dump through a gdbstub will take long.
	bool suggest_monitor;

	const struct gg_notices *notices; // about the vmcore, or NULL
};

struct gg_dump_result {
	uint64_t memory_size; // bytes of guest memory in the vmcore
	uint64_t file_size;
	uint64_t left_out; // bytes of guest memory that the level leaves out
	bool is_compressed;
	double seconds;
};

// Returns the name of format INDEX, "elf" first; NULL behind the last.
const char *gg_dump_format(unsigned int index);

// Writes the guest's memory as a vmcore, ELF64 or a compressed kdump, with the notes that QEMU's own dump has, and a
// VMCOREINFO note and the kernel's virtual addresses where a Linux kernel is found in it. The file
// appears under its name when it is whole, or not at all. GG_ABSENT, with the ranges in the
// message, where the core lacks some of the guest's memory.
struct gg_error *gg_dump(struct gg_guest *guest, const struct gg_dump_options *options,
			 struct gg_dump_result *ret);

// Dumps as gg_dump(), and writes a line for each range when it is begun, and the size, the time and
// the rate at the end. NOTICES replaces that of OPTIONS.
struct gg_error *gg_print_dump(struct gg_guest *guest, const struct gg_dump_options *options,
			       const struct gg_writer *writer, const struct gg_notices *notices);

// The line of progress after DONE of TOTAL bytes in SECONDS: "1 GiB of 64 GiB, 14.9 MiB/s, 1 h 12
// min left"; with WRITTEN bytes, unless 0, "1 GiB of 64 GiB, 300 MiB written (29 %), ...". The caller frees it;
// NULL without memory.
char *gg_progress_text(uint64_t done, uint64_t total, uint64_t written, double seconds);

#pragma GCC visibility pop

#endif
