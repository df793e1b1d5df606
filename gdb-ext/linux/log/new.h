// SPDX-License-Identifier: GPL-3.0-or-later
//
// The new records of a log that is looked at again and again.
#ifndef GG_LOG_NEW_H
#define GG_LOG_NEW_H

#include "log.h"

struct gg_log_new {
	// Takes a new record.
	gg_visit_record_fn *record;
	void *data;
	const struct gg_notices *notices; // or NULL

	bool has_looked;
	struct gg_log_position position;
	// For a log without the ring's ids: the number of the next record; without numbers too, the
	// time of the last record, and the number of records with that time.
	uint64_t next_seq, last_time, same_time;
	unsigned int waited; // looks at a record that is not finished

	// During a look: what the reader fills, and how far it has come.
	struct gg_log_sink sink;
	uint64_t at_last_time, newest_seq, newest_time;
	uint64_t known; // records with a number or a time
};

// The records since the last look, each once and in order, with how many were lost before each; all
// of them at the first. READ puts the log into a sink. A log that starts anew is told of, and read
// from its start. GG_UNSUPPORTED for one whose records have neither numbers nor times.
struct gg_error *gg_log_new_read(struct gg_log_new *log,
				 struct gg_error *(*read)(void *source, struct gg_log_sink *sink),
				 void *source);

// The next look is at another kernel's log.
void gg_log_new_forget(struct gg_log_new *log);

#endif
