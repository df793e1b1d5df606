// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a log, again and again, and how far it had been read.
// Out: what is new.
// Never: a record of which the kernel could still add to the text.
#include "new.h"

enum {
	// A record that is not finished in so many looks never will be: whoever wrote it is gone.
	// It must not hide what comes behind it.
	PATIENCE = 16,
};

// RECORD's number, where it has one, is as good as the ring's own.
static bool is_new_by_seq(struct gg_log_new *log, struct gg_log_record *record)
{
	log->newest_seq = record->seq;
	if (record->seq < log->next_seq)
		return false;
	if (!record->lost && log->has_looked)
		record->lost = record->seq - log->next_seq;
	log->next_seq = record->seq + 1;
	return true;
}

// Several may have one time: the clock of old kernels ticks.
static bool is_new_by_time(struct gg_log_new *log, const struct gg_log_record *record)
{
	log->newest_time = record->time;
	if (record->time < log->last_time)
		return false;
	if (record->time > log->last_time) {
		log->last_time = record->time;
		log->same_time = log->at_last_time = 0;
	}
	if (++log->at_last_time <= log->same_time)
		return false;
	log->same_time = log->at_last_time;
	return true;
}

static struct gg_error *pass_record(void *data, const struct gg_log_record *given)
{
	struct gg_log_new *log = data;
	struct gg_log_record record = *given;
	bool is_new;
	if (record.flags & GG_LOG_SEQ)
		is_new = is_new_by_seq(log, &record);
	else if (record.flags & GG_LOG_TIME)
		is_new = is_new_by_time(log, &record);
	else
		// The rest of a line at the start of a log of bytes.
		return NULL;
	log->known++;
	return is_new ? log->record(log->data, &record) : NULL;
}

void gg_log_new_forget(struct gg_log_new *log)
{
	log->position = (struct gg_log_position){ 0 };
	log->next_seq = log->last_time = log->same_time = 0;
	log->waited = 0;
}

// Tests whether the log, which was read from its start, ends before the place up to which it had
// been read.
static bool is_older(const struct gg_log_new *log)
{
	if (log->position.is_known || !log->has_looked || !log->known)
		return false;
	return log->next_seq ? log->newest_seq + 1 < log->next_seq
			     : log->newest_time < log->last_time;
}

static struct gg_error *read_once(struct gg_log_new *log,
				  struct gg_error *(*read)(void *source, struct gg_log_sink *sink),
				  void *source)
{
	log->sink = (struct gg_log_sink){ .record = pass_record,
					  .data = log,
					  .notices = log->notices,
					  .position = &log->position };
	log->at_last_time = log->newest_seq = log->newest_time = log->known = 0;
	struct gg_error *err = read(source, &log->sink);
	gg_log_sink_deinit(&log->sink);
	if (!err && log->sink.records && !log->known)
		err = gg_error_create(GG_UNSUPPORTED,
				      "the records of this kernel's log have neither numbers nor "
				      "times: it cannot be followed");
	return err;
}

struct gg_error *gg_log_new_read(struct gg_log_new *log,
				 struct gg_error *(*read)(void *source, struct gg_log_sink *sink),
				 void *source)
{
	const uint64_t waited_for = log->position.id;
	struct gg_error *err = read_once(log, read, source);
	if (!err && (log->position.is_new_log || is_older(log))) {
		gg_log_new_forget(log);
		err = gg_tell(log->notices,
			      "the log starts anew: the guest was started again, or a "
			      "snapshot was loaded");
		if (!err)
			err = read_once(log, read, source);
	}
	const bool waits = log->sink.pending && log->position.id == waited_for;
	log->waited = waits ? log->waited + 1 : 0;
	log->position.skips_pending = log->waited >= PATIENCE;
	log->has_looked = log->has_looked || !err;
	return err;
}
