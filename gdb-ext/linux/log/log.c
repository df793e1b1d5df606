// SPDX-License-Identifier: GPL-3.0-or-later
//
// The code that the readers of the log's formats share, and the choice between them.
#include "log.h"

#include <inttypes.h>

void gg_log_sink_deinit(struct gg_log_sink *sink)
{
	gg_error_destroy(sink->reason);
	sink->reason = NULL;
}

struct gg_error *gg_log_emit(struct gg_log_sink *sink, const struct gg_log_record *record)
{
	// A ring of 64 MiB, with the descriptors that one has. Less memory than that, mapped over
	// and over, may look like a larger one.
	enum { MAX_RECORDS = 1 << 21, MAX_TEXT = 1 << 26 };
	sink->records++;
	sink->text_size += record->text_size;
	sink->full = sink->records >= MAX_RECORDS || sink->text_size >= MAX_TEXT;
	return sink->record(sink->data, record);
}

struct gg_error *gg_log_distrust(struct gg_log_sink *sink, struct gg_error *err)
{
	if (gg_error_is_final(err))
		return err;
	sink->untrusted++;
	if (sink->reason)
		gg_error_destroy(err);
	else
		sink->reason = err;
	return NULL;
}

struct gg_error *gg_log_read_variable(const struct gg_host *kernel, const char *name,
				      unsigned int size, uint64_t *ret)
{
	uint64_t address;
	struct gg_error *err = gg_host_symbol(kernel, name, &address);
	if (!err)
		err = gg_host_read_uint(kernel, address, size, ret);
	return err && gg_error_kind(err) != GG_NOT_FOUND ? gg_error_context(err, "%s", name) : err;
}

static struct gg_error *tell_what_is_left_out(const struct gg_log_sink *sink)
{
	struct gg_error *err = NULL;
	if (sink->untrusted)
		err = gg_tell(sink->notices,
			      "%" PRIu64 " record%s left out, which cannot be trusted: %s%s",
			      sink->untrusted, sink->untrusted == 1 ? "" : "s",
			      sink->untrusted == 1 ? "" : "first ", gg_error_message(sink->reason));
	if (!err && sink->pending && !sink->position)
		err = gg_tell(sink->notices, "%" PRIu64 " record%s still being written",
			      sink->pending, sink->pending == 1 ? " was" : "s were");
	if (!err && sink->gave_up)
		err = gg_tell(sink->notices,
			      "so much of the log is damaged that it was not read to its end");
	if (!err && sink->full)
		err = gg_tell(sink->notices,
			      "the log goes on, but is larger than any that is read: %" PRIu64
			      " records are shown",
			      sink->records);
	return err;
}

struct gg_error *gg_log_read(const struct gg_host *kernel, struct gg_log_sink *sink)
{
	static const struct {
		const char *name;
		struct gg_error *(*read)(const struct gg_host *, struct gg_log_sink *);
	} readers[] = {
		{ "a ring buffer", gg_log_ring_read },
		{ "records", gg_log_records_read },
		{ "lines", gg_log_bytes_read },
	};
	struct gg_error *err = NULL, *first = NULL;
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		err = readers[i].read(kernel, sink);
		gg_debug(sink->debug, "log of %s: %s, %" PRIu64 " records", readers[i].name,
			 gg_debug_outcome(err), sink->records);
		if (!err || gg_error_kind(err) != GG_NOT_FOUND || sink->records)
			break;
		// The newest format's error is the one that helps.
		if (first)
			gg_error_destroy(err);
		else
			first = err;
		err = NULL;
		if (i + 1 == sizeof(readers) / sizeof(*readers))
			return gg_error_context(first, "the kernel has no log of a known format");
	}
	gg_error_destroy(first);
	return err ? gg_error_context(err, "the kernel's log") : tell_what_is_left_out(sink);
}
