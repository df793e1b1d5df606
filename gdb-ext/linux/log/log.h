// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's log: one reader for each of its formats, one kind of record out of them.
//
// The readers ask the kernel by the host interface: what is at a virtual address, where a symbol
// is, where a member. They need not know who answers.
#ifndef GG_LOG_H
#define GG_LOG_H

#include "base/notices.h"
#include "base/debug.h"
#include "host/host.h"

#include <gdb-guest/log.h>

// The place up to which a log has been read that is looked at again and again.
struct gg_log_position {
	bool is_known; // at the first look nothing is
	uint64_t id;   // the ring's: of the record to go on with, ...
	uint64_t seq;  // ... and its number
	// A record that is being written is waited for, unless this is set: then it is lost.
	bool skips_pending;
	// Out: the log ends before the position, so it is another one. Nothing was read.
	bool is_new_log;
};

// The receiver of the records that a reader finds.
struct gg_log_sink {
	gg_visit_record_fn *record;
	void *data;
	const struct gg_notices *notices; // NULL: none are wanted

	// NULL for a log that is looked at once. Else a record that may still grow is as good as
	// one that is being written; the ring is read from here to the first of these, and only the
	// ring's reader moves it: the others cannot but read all of the log.
	struct gg_log_position *position;

	const struct gg_debug *debug; // NULL: off

	// Filled by the readers.
	bool clear_known;        // it is known when the log was last cleared
	uint64_t records;        // that went out
	uint64_t pending;        // records that were being written
	uint64_t untrusted;      // records left out, for they contradict themselves
	struct gg_error *reason; // the first of them was left out
	uint64_t text_size;      // of all records
	bool full;               // no more records are taken: readers look, and stop
	bool gave_up;            // a reader did, for too much was damaged
};

void gg_log_sink_deinit(struct gg_log_sink *sink);

// More records or text than any kernel has sets SINK's full.
struct gg_error *gg_log_emit(struct gg_log_sink *sink, const struct gg_log_record *record);

// Leaves a record out because of ERR, which is consumed; returns ERR if it is final.
struct gg_error *gg_log_distrust(struct gg_log_sink *sink, struct gg_error *err);

// The lockless ring buffer, since v5.10; the records of v3.5 to v5.9; the bytes of before. Each is
// GG_NOT_FOUND where the kernel has no such log.
struct gg_error *gg_log_ring_read(const struct gg_host *kernel, struct gg_log_sink *sink);
struct gg_error *gg_log_records_read(const struct gg_host *kernel, struct gg_log_sink *sink);
struct gg_error *gg_log_bytes_read(const struct gg_host *kernel, struct gg_log_sink *sink);

// Decodes the level and the time at the start of a line of the bytes into RET; returns the number
// of bytes that they take.
size_t gg_log_line_prefix(const char *text, size_t size, struct gg_log_record *ret);

// Whichever the kernel has.
struct gg_error *gg_log_read(const struct gg_host *kernel, struct gg_log_sink *sink);

// The integer of SIZE bytes in the kernel's variable NAME; GG_NOT_FOUND where it has none.
struct gg_error *gg_log_read_variable(const struct gg_host *kernel, const char *name,
				      unsigned int size, uint64_t *ret);

// Reads the time of the newest record, in nanoseconds of the kernel's clock, in a few small reads.
// GG_NOT_FOUND where the log is not a ring buffer, or empty.
struct gg_error *gg_log_ring_newest(const struct gg_host *kernel, uint64_t *ret);

#endif
