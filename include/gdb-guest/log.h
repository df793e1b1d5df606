// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's log.
#ifndef GDB_GUEST_LOG_H
#define GDB_GUEST_LOG_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// The facts that are known of a record, and its kind.
enum gg_log_flags {
	GG_LOG_SEQ = 1 << 0,     // its number
	GG_LOG_TIME = 1 << 1,    // its time
	GG_LOG_LEVEL = 1 << 2,   // its level and facility
	GG_LOG_CALLER = 1 << 3,  // who wrote it
	GG_LOG_NEWLINE = 1 << 4, // the text ended with a newline, which is not part of it
	GG_LOG_CONT = 1 << 5,    // it is a piece of a line that was written in several
	GG_LOG_JOINS = 1 << 6,   // it goes on where the record before it left off
	GG_LOG_CLEARED = 1 << 7, // it is older than the last "dmesg --clear"
	GG_LOG_APART = 1 << 8,   // with lines of context: others between it and the one before
};

// In the caller of a record: it was not a task, but a CPU.
enum { GG_LOG_CALLER_CPU = 31 }; // the bit's number

struct gg_log_record {
	unsigned int flags; // of enum gg_log_flags
	uint64_t seq;       // 0 is the first one since boot
	uint64_t time;      // nanoseconds of the kernel's clock, which starts early in its boot
	unsigned int level; // 0 (emergency) to 7 (debug)
	unsigned int facility;
	uint32_t caller; // a task's id, or a CPU's number and bit GG_LOG_CALLER_CPU
	// Records between the one before and this one that are no longer there, or cannot be
	// trusted.
	uint64_t lost;
	const char *text; // any bytes at all, not terminated
	size_t text_size;
	const char *dict; // of a device: "KEY=VALUE", NULs in between; any bytes at all
	size_t dict_size;
};

typedef struct gg_error *gg_visit_record_fn(void *data, const struct gg_log_record *record);

// A time that records are chosen by; one without a time is not chosen then.
struct gg_log_bound {
	bool is_set;
	bool is_wall; // nanoseconds since 1970, in UTC; else of the log's own clock
	int64_t time;
};

// The choice of a log and of its records.
struct gg_log_query {
	// The log is not the guest's, but in this transcript of what x or xp of QEMU's monitor
	// printed. Or NULL.
	const char *transcript;
	unsigned int levels;     // bit N for level N; 0 for all
	unsigned int facilities; // bit N for facility N, 0 to 31; 0 for all
	const char *pattern;     // a POSIX extended regular expression that the text has, or NULL
	uint64_t before, after;  // how many records of context come with what has the pattern
	struct gg_log_bound since, until;
	bool since_clear; // only those that are not GG_LOG_CLEARED
	uint64_t tail;    // only the last so many of them; 0 for all
};

// The style of a log's text. All but JSON is as dmesg has it: each line of a text gets the prefix;
// control characters and what is not UTF-8 are \xHH; where records were lost stands a line that
// starts "note:".
struct gg_log_style {
	bool raw;    // "<N>" before each line, N being 8 times the facility and the level
	bool decode; // the names of facility and level before each line
	bool caller; // who wrote it, behind the time
	bool json;   // a JSON object for each record, on one line, in ASCII
	bool colour; // with terminal escapes, by level
	bool ascii;  // everything but ASCII is \xHH
	// Times are in UTC, as the kernel has its clock now: a notice says so. GG_NOT_FOUND where
	// the kernel's clock is not found.
	bool wall;
	int64_t wall_offset; // filled in: nanoseconds from 1970 to the start of the log's clock
};

// The words of dmesg: "emerg" to "debug", "kern" to "local7". NULL where it has none.
const char *gg_log_level_name(unsigned int level);
const char *gg_log_facility_name(unsigned int facility);

// Writes the caller of RECORD as the kernel prints it: "T1", "C0".
enum { GG_LOG_CALLER_SIZE = 16 };
void gg_log_caller(const struct gg_log_record *record, char text[GG_LOG_CALLER_SIZE]);

// Makes the lines of RECORD in STYLE, but for JSON, with a newline behind each. The caller frees the text;
// NULL without memory.
char *gg_log_record_text(const struct gg_log_record *record, const struct gg_log_style *style);

// Calls VISIT for each record of GUEST's log that QUERY asks for, oldest first; a record is valid
// during the call. GUEST may be NULL if QUERY has a transcript. NOTICES get a
// line for each thing that was assumed, or that could not be read or trusted: what can be, is
// visited. GG_NOT_FOUND where there is no log, GG_INVALID for a wrong QUERY. An error of VISIT's or
// NOTICES' ends it.
struct gg_error *gg_guest_log(struct gg_guest *guest, const struct gg_log_query *query,
			      gg_visit_record_fn *visit, void *data,
			      const struct gg_notices *notices);

// Writes the same records as text, in STYLE.
struct gg_error *gg_guest_log_print(struct gg_guest *guest, const struct gg_log_query *query,
				    const struct gg_log_style *style,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices);

// The log of a guest that lives in between two looks at it.
struct gg_log_follow;

// QUERY, which has no transcript, and STYLE are copied. GG_INVALID for a wrong QUERY.
struct gg_error *gg_log_follow_create(const struct gg_log_query *query,
				      const struct gg_log_style *style, struct gg_log_follow **ret);

// NULL is allowed.
void gg_log_follow_destroy(struct gg_log_follow *follow);

// Writes what QUERY asks for at the first look, and at each later one those of the records since
// that QUERY asks for: all of them once and in order; lines that start "note:" tell how many were
// overwritten in between. Of a kernel since Linux 5.10 only new records are read. A guest that was
// started anew is told of, and followed from its kernel's start; until that has a log RET is
// false. GUEST may be another object for the same guest at each look; one that is used again has
// not run since gg_guest_ran(). GG_UNSUPPORTED for a log whose records have neither numbers nor
// times.
struct gg_error *gg_log_follow_look(struct gg_log_follow *follow, struct gg_guest *guest,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices, bool *ret);

// Prints as gg_guest_log_print() into the file PATH, which appears when it is whole. FORCE
// replaces an existing file. RET is how many records were written.
struct gg_error *gg_guest_log_save(struct gg_guest *guest, const struct gg_log_query *query,
				   const struct gg_log_style *style, const char *path, bool force,
				   const struct gg_notices *notices, uint64_t *ret);

#pragma GCC visibility pop

#endif
