// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's log of records: Linux kernel/printk.c, later kernel/printk/printk.c, v3.5 (commit
// 7ff9554bb578 "printk: convert byte-buffer to variable-length record buffer") to v5.9.
//
// Records, each a header, a text and a device's "KEY=VALUE"s, follow each other in one buffer.
// A header with the length 0, in place of a record that would not fit, leads to the buffer's start,
// at which a record always begins.
//
// In:  guest memory by virtual address, and who knows the kernel's symbols and members.
// Out: records, oldest first.
// Trusts nothing it reads: a record's lengths must agree with each other and the buffer; the walk
// goes once around the buffer; where a record makes no sense the next that does is looked for.
#include "log.h"
#include "memory/window.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_BUFFER = 1u << 31, // log_buf_len's limit in the kernel
	MAX_HEADER = 64,       // bytes; kernels have 16 to 24
	ALIGNMENT = 4,         // of records, at least
	MAX_PADDING = 8,       // behind them, less than
	// More pages that cannot be read, or bytes among which a record was looked for, are too
	// many to go through.
	MAX_FAULTS = 1 << 14,
	MAX_SEARCHED = 1 << 24,
};

struct layout {
	struct gg_member header, ts_nsec, len, text_len, dict_len, caller_id;
};

// "printk_log" was "log" before v3.11 (commit 62e32ac3505a), and is in some kernels that are older
// by their number than by what is in them.
static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, header, NULL, ""),
	GG_LAYOUT_ROW(struct layout, ts_nsec, NULL, "ts_nsec"),
	GG_LAYOUT_ROW(struct layout, len, NULL, "len"),
	GG_LAYOUT_ROW(struct layout, text_len, NULL, "text_len"),
	GG_LAYOUT_ROW(struct layout, dict_len, NULL, "dict_len"),
	// Since v5.1, with CONFIG_PRINTK_CALLER (commit 15ff2069cb7f).
	GG_LAYOUT_ROW_OPTIONAL(struct layout, caller_id, NULL, "caller_id"),
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

static struct gg_error *resolve(const struct gg_host *kernel, const char *type, struct layout *ret)
{
	struct gg_layout_row of_type[ROWS];
	for (size_t i = 0; i < ROWS; i++) {
		of_type[i] = rows[i];
		of_type[i].type = type;
	}
	return gg_layout_resolve(kernel, of_type, ROWS, ret);
}

static struct gg_error *read_layout(const struct gg_host *kernel, struct layout *ret)
{
	struct gg_error *err = resolve(kernel, "printk_log", ret);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		err = resolve(kernel, "log", ret);
	}
	if (err)
		return err;
	if (!ret->header.size || ret->header.size > MAX_HEADER)
		return gg_error_create(GG_BAD_DATA,
				       "a printk_log has %" PRIu64 " bytes, not 1 to %d",
				       ret->header.size, MAX_HEADER);
	ret->ts_nsec.size = 8;
	ret->len.size = ret->text_len.size = ret->dict_len.size = 2;
	ret->caller_id.size = 4;
	return NULL;
}

// ---- The buffer ----

struct buffer {
	const struct gg_host *kernel;
	struct gg_log_sink *sink;
	struct layout layout;
	struct gg_window bytes;
	uint64_t size, first, next; // indices of the first record, and behind the last
	bool has_seq;
	uint64_t seq;
	bool has_clear;
	uint64_t clear;          // the index of the first record since the log was cleared
	bool is_cleared;         // the records so far are older than that
	unsigned int last_flags; // of the record before
	uint64_t searched;       // bytes, for the next record behind damage
};

static bool read_optional(const struct gg_host *kernel, const char *name, unsigned int size,
			  uint64_t *ret)
{
	struct gg_error *err = gg_log_read_variable(kernel, name, size, ret);
	const bool found = !err;
	gg_error_destroy(err);
	return found;
}

static struct gg_error *read_buffer(const struct gg_host *kernel, struct gg_log_sink *sink,
				    struct buffer *ret)
{
	uint64_t address = 0;
	*ret = (struct buffer){ .kernel = kernel, .sink = sink };
	struct gg_error *err = read_layout(kernel, &ret->layout);
	if (!err)
		err = gg_log_read_variable(kernel, "log_first_idx", 4, &ret->first);
	if (!err)
		err = gg_log_read_variable(kernel, "log_next_idx", 4, &ret->next);
	if (!err)
		err = gg_log_read_variable(kernel, "log_buf", kernel->address_size, &address);
	if (!err)
		err = gg_log_read_variable(kernel, "log_buf_len", 4, &ret->size);
	if (err)
		return err;
	if (!ret->size || ret->size > MAX_BUFFER)
		return gg_error_create(GG_BAD_DATA, "log_buf_len is %" PRIu64 ", not 1 to %u",
				       ret->size, MAX_BUFFER);
	// VMCOREINFO never has the first of these, and not always the other.
	ret->has_seq = read_optional(kernel, "log_first_seq", 8, &ret->seq);
	ret->has_clear = read_optional(kernel, "clear_idx", 4, &ret->clear);
	sink->clear_known = ret->has_clear;
	gg_window_init(&ret->bytes, kernel, address, ret->size);
	return NULL;
}

// ---- One record ----

struct header {
	uint64_t time, len, text_len, dict_len, facility, flags, caller;
};

static struct gg_error *decode_header(const struct layout *layout, struct gg_cursor *cursor,
				      struct header *ret)
{
	struct gg_error *err = gg_cursor_member(cursor, &layout->ts_nsec, &ret->time);
	if (!err)
		err = gg_cursor_member(cursor, &layout->len, &ret->len);
	if (!err)
		err = gg_cursor_member(cursor, &layout->text_len, &ret->text_len);
	// Facility and flags are behind it.
	if (!err)
		err = gg_cursor_member(cursor, &layout->dict_len, &ret->dict_len);
	if (!err)
		err = gg_cursor_uint(cursor, 1, &ret->facility);
	if (!err)
		err = gg_cursor_uint(cursor, 1, &ret->flags);
	ret->caller = 0;
	if (!err && layout->caller_id.offset)
		err = gg_cursor_member(cursor, &layout->caller_id, &ret->caller);
	return err;
}

static uint64_t used(const struct buffer *buffer, uint64_t index)
{
	return buffer->next > index ? buffer->next - index : buffer->size - index;
}

static struct gg_error *read_header(struct buffer *buffer, uint64_t index, struct header *ret)
{
	const uint64_t size = buffer->layout.header.size;
	const uint8_t *bytes;
	struct gg_error *err =
		gg_window_get(&buffer->bytes, index, size, used(buffer, index), &bytes);
	if (err)
		return err;
	struct gg_cursor cursor =
		gg_cursor(bytes, size, buffer->kernel->big_endian, "a record's header");
	return decode_header(&buffer->layout, &cursor, ret);
}

// The kernel makes a record as long as it has to be, and no longer.
static bool is_sound(const struct buffer *buffer, uint64_t index, const struct header *header)
{
	const uint64_t needed = buffer->layout.header.size + header->text_len + header->dict_len;
	return header->len % ALIGNMENT == 0 && header->len >= needed &&
	       header->len - needed < MAX_PADDING && header->len <= buffer->size - index;
}

static void decode_flags(struct buffer *buffer, const struct header *header,
			 struct gg_log_record *record)
{
	enum { NEWLINE = 2, PREFIX = 4, CONT = 8 }; // enum log_flags
	const bool big_endian = buffer->kernel->big_endian;
	const unsigned int flags =
		(unsigned int)(big_endian ? header->flags >> 3 : header->flags & 0x1f);
	record->level = (unsigned int)(big_endian ? header->flags & 7 : header->flags >> 5);
	record->facility = (unsigned int)header->facility;
	record->flags = GG_LOG_TIME | GG_LOG_LEVEL;
	if (flags & NEWLINE)
		record->flags |= GG_LOG_NEWLINE;
	if (flags & CONT)
		record->flags |= GG_LOG_CONT;
	// v3.5 to v4.8 store a line that is printed in pieces as several records
	// (msg_print_text); later ones put it together first.
	const unsigned int last = buffer->last_flags;
	if ((flags & CONT) && !(flags & PREFIX) && (last & GG_LOG_CONT) && !(last & GG_LOG_NEWLINE))
		record->flags |= GG_LOG_JOINS;
	buffer->last_flags = record->flags;
}

static struct gg_error *put_record(struct buffer *buffer, uint64_t index,
				   const struct header *header)
{
	const uint8_t *bytes;
	struct gg_log_record record = { .time = header->time, .caller = (uint32_t)header->caller };
	struct gg_error *err =
		gg_window_get(&buffer->bytes, index, header->len, used(buffer, index), &bytes);
	if (err)
		return gg_log_distrust(buffer->sink,
				       gg_error_context(err, "at index %" PRIu64, index));
	decode_flags(buffer, header, &record);
	if (buffer->layout.caller_id.offset)
		record.flags |= GG_LOG_CALLER;
	if (buffer->has_seq)
		record.flags |= GG_LOG_SEQ;
	if (buffer->is_cleared)
		record.flags |= GG_LOG_CLEARED;
	record.seq = buffer->seq;
	record.text = (const char *)bytes + buffer->layout.header.size;
	record.text_size = header->text_len;
	record.dict = record.text + header->text_len;
	record.dict_size = header->dict_len;
	return gg_log_emit(buffer->sink, &record);
}

// ---- All records ----

static bool is_enough(const struct buffer *buffer)
{
	return buffer->bytes.faults >= MAX_FAULTS || buffer->searched >= MAX_SEARCHED;
}

// Behind the page that INDEX is in.
static uint64_t next_page(const struct buffer *buffer, uint64_t index)
{
	enum { PAGE = 4096 };
	const uint64_t next = index + PAGE - (buffer->bytes.address + index) % PAGE;
	return (next + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

// Tests whether the record at INDEX makes sense, and the record behind it, if that can be read.
static bool is_likely(struct buffer *buffer, uint64_t index, const struct header *header)
{
	const uint64_t end = index + header->len;
	struct header next;
	if (!header->text_len || !is_sound(buffer, index, header))
		return false;
	if (end == buffer->next || end + buffer->layout.header.size > buffer->size)
		return true;
	struct gg_error *err = read_header(buffer, end, &next);
	const bool likely = err || !next.len || is_sound(buffer, end, &next);
	gg_error_destroy(err);
	return likely;
}

// The index of the next record from INDEX on that makes sense, or of the place behind the last one;
// the buffer's size without either.
static struct gg_error *find_likely(struct buffer *buffer, uint64_t index, uint64_t *ret)
{
	const uint64_t size = buffer->layout.header.size;
	for (; index + size <= buffer->size && !is_enough(buffer); buffer->searched += ALIGNMENT) {
		struct header header;
		struct gg_error *err = gg_interrupt_check();
		if (err)
			return err;
		*ret = index;
		if (index == buffer->next)
			return NULL;
		err = read_header(buffer, index, &header);
		if (!err && is_likely(buffer, index, &header))
			return NULL;
		index = err ? next_page(buffer, index) : index + ALIGNMENT;
		gg_error_destroy(err);
	}
	*ret = buffer->size;
	return NULL;
}

// Leaves out the bytes from *INDEX to FROM at least because of ERR.
static struct gg_error *skip(struct buffer *buffer, struct gg_error *err, uint64_t from,
			     uint64_t *index)
{
	err = gg_log_distrust(buffer->sink, gg_error_context(err, "at index %" PRIu64, *index));
	buffer->has_seq = false;
	return err ? err : find_likely(buffer, from, index);
}

static struct gg_error *skip_damage(struct buffer *buffer, uint64_t *index)
{
	return skip(buffer, gg_error_create(GG_BAD_DATA, "its lengths contradict each other"),
		    *index + ALIGNMENT, index);
}

// From INDEX to the buffer's end, or to the place behind the last record: then it has ENDED.
static struct gg_error *walk_part(struct buffer *buffer, uint64_t index, bool *ended)
{
	struct gg_error *err = NULL;
	while (!err && index + buffer->layout.header.size <= buffer->size) {
		struct header header;
		*ended = index == buffer->next;
		buffer->sink->gave_up = is_enough(buffer);
		if (*ended || buffer->sink->gave_up || buffer->sink->full)
			return NULL;
		if (buffer->has_clear && index == buffer->clear)
			buffer->is_cleared = false;
		err = gg_interrupt_check();
		if (err)
			return err;
		err = read_header(buffer, index, &header);
		if (err) {
			err = skip(buffer, err, next_page(buffer, index), &index);
			continue;
		}
		// At the buffer's start there always is a record.
		if (!header.len && index)
			return NULL;
		if (!is_sound(buffer, index, &header)) {
			err = skip_damage(buffer, &index);
			continue;
		}
		err = put_record(buffer, index, &header);
		index += header.len;
		buffer->seq++;
	}
	return err;
}

static struct gg_error *walk(struct buffer *buffer)
{
	bool ended = false;
	if (buffer->first >= buffer->size || buffer->next > buffer->size) {
		struct gg_error *err =
			gg_tell(buffer->sink->notices,
				"the log's ends (%" PRIu64 " and %" PRIu64
				") are outside its %" PRIu64 " bytes: it was read from its start",
				buffer->first, buffer->next, buffer->size);
		if (err)
			return err;
		buffer->has_seq = false;
		buffer->first = 0;
	}
	// A log that was never cleared has its start here too.
	buffer->is_cleared = buffer->has_clear && buffer->clear;
	const bool wraps = buffer->next <= buffer->first;
	struct gg_error *err = walk_part(buffer, buffer->first, &ended);
	if (!err && !ended && wraps)
		err = walk_part(buffer, 0, &ended);
	buffer->sink->gave_up = is_enough(buffer);
	return err;
}

struct gg_error *gg_log_records_read(const struct gg_host *kernel, struct gg_log_sink *sink)
{
	struct buffer buffer;
	struct gg_error *err = read_buffer(kernel, sink, &buffer);
	if (!err)
		err = walk(&buffer);
	gg_window_deinit(&buffer.bytes);
	return err;
}
