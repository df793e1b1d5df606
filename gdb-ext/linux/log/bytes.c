// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's log of bytes: Linux kernel/printk.c before v3.5.
//
// One ring of text. Its indices count all bytes that were ever written, so where it has wrapped
// they are masked; log_end is an unsigned long up to v2.6.24. Each line starts with "<N>", N being
// 8 times the facility and the level, and with the time where the kernel has printk.time set.
//
// In:  guest memory by virtual address, and who knows the kernel's symbols.
// Out: records: a line each, with those behind it that do not start with "<N>".
// Trusts nothing it reads: the ring is read once around; a line that is too long is cut.
#include "log.h"
#include "base/buffer.h"
#include "memory/window.h"

#include <gdb-guest/interrupt.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_RING = 1u << 31,
	MAX_TEXT = 65536, // of a record; the rest of it is one of its own
	PIECE = 4096,     // so much is looked at at a time
	MAX_FAULTS = 1 << 14,
};

struct ring {
	const struct gg_host *kernel;
	struct gg_log_sink *sink;
	struct gg_window bytes;
	uint64_t size, end;    // END counts all bytes ever
	struct gg_buffer text; // of the record so far
	bool in_record;
	struct gg_log_record record;
	uint64_t left;        // bytes behind the start of the record so far
	uint64_t since_clear; // how many bytes, at the end
};

static struct gg_error *read_ring(const struct gg_host *kernel, struct gg_log_sink *sink,
				  struct ring *ret)
{
	uint64_t address = 0;
	*ret = (struct ring){ .kernel = kernel, .sink = sink };
	struct gg_error *err = gg_log_read_variable(kernel, "log_end", 4, &ret->end);
	if (!err)
		err = gg_log_read_variable(kernel, "log_buf", kernel->address_size, &address);
	if (!err)
		err = gg_log_read_variable(kernel, "log_buf_len", 4, &ret->size);
	if (err)
		return err;
	if (!ret->size || ret->size > MAX_RING || (ret->size & (ret->size - 1)))
		return gg_error_create(GG_BAD_DATA,
				       "log_buf_len is %" PRIu64
				       ", not a power of two up to 2147483648",
				       ret->size);
	err = gg_log_read_variable(kernel, "logged_chars", 4, &ret->since_clear);
	sink->clear_known = !err;
	gg_error_destroy(err);
	gg_window_init(&ret->bytes, kernel, address, ret->size);
	return NULL;
}

// ---- One record ----

// "<6>": how many bytes it has; 0 for none.
static size_t parse_level(const char *text, size_t size, struct gg_log_record *ret)
{
	enum { MAX_DIGITS = 4 };
	unsigned int value = 0;
	size_t at = 1;
	if (size < 3 || text[0] != '<' || !isdigit((unsigned char)text[1]))
		return 0;
	for (; at < size && at <= MAX_DIGITS && isdigit((unsigned char)text[at]); at++)
		value = 10 * value + (unsigned int)(text[at] - '0');
	if (at == size || text[at] != '>')
		return 0;
	ret->level = value & 7;
	ret->facility = value >> 3;
	ret->flags |= GG_LOG_LEVEL;
	return at + 1;
}

// "[   12.345678] ": how many bytes it has; 0 for none.
static size_t parse_time(const char *text, size_t size, struct gg_log_record *ret)
{
	enum { MAX_DIGITS = 10, FRACTION = 6, SECOND = 1000000000, MICROSECOND = 1000 };
	uint64_t seconds = 0, fraction = 0;
	size_t at = 1, digits = 0;
	if (size < 2 || text[0] != '[')
		return 0;
	while (at < size && text[at] == ' ' && at < MAX_DIGITS)
		at++;
	for (; at < size && isdigit((unsigned char)text[at]) && digits < MAX_DIGITS; at++, digits++)
		seconds = 10 * seconds + (uint64_t)(text[at] - '0');
	// "." six digits, "] "
	if (!digits || size - at < FRACTION + 3 || text[at] != '.' ||
	    text[at + FRACTION + 1] != ']' || text[at + FRACTION + 2] != ' ')
		return 0;
	for (size_t i = at + 1; i <= at + FRACTION; i++) {
		if (!isdigit((unsigned char)text[i]))
			return 0;
		fraction = 10 * fraction + (uint64_t)(text[i] - '0');
	}
	ret->time = seconds * SECOND + fraction * MICROSECOND;
	ret->flags |= GG_LOG_TIME;
	return at + FRACTION + 3;
}

size_t gg_log_line_prefix(const char *text, size_t size, struct gg_log_record *ret)
{
	const size_t level = parse_level(text, size, ret);
	return level + parse_time(text + level, size - level, ret);
}

// Never NULL.
static const char *text_of(const struct gg_buffer *buffer)
{
	return buffer->size ? (const char *)buffer->bytes : "";
}

static struct gg_error *put_record(struct ring *ring)
{
	if (!ring->in_record)
		return NULL;
	struct gg_error *err = gg_buffer_check(&ring->text);
	ring->record.text = text_of(&ring->text);
	ring->record.text_size = ring->text.size;
	if (!err)
		err = gg_log_emit(ring->sink, &ring->record);
	ring->in_record = false;
	ring->text.size = 0;
	return err;
}

static void begin_record(struct ring *ring, const char *line, size_t size)
{
	struct gg_log_record record = { 0 };
	const size_t skip = gg_log_line_prefix(line, size, &record);
	if (ring->sink->clear_known && ring->left > ring->since_clear)
		record.flags |= GG_LOG_CLEARED;
	gg_buffer_append(&ring->text, line + skip, size - skip);
	ring->record = record;
	ring->in_record = true;
}

// LINE is without its newline. IS_WHOLE: it had one.
static struct gg_error *put_line(struct ring *ring, const char *line, size_t size, bool is_whole)
{
	struct gg_log_record level = { 0 };
	const bool starts = parse_level(line, size, &level);
	struct gg_error *err = NULL;
	if (starts || ring->text.size + size > MAX_TEXT)
		err = put_record(ring);
	if (err)
		return err;
	if (ring->in_record) {
		gg_buffer_append(&ring->text, "\n", 1);
		gg_buffer_append(&ring->text, line, size);
	} else {
		begin_record(ring, line, size);
	}
	if (is_whole)
		ring->record.flags |= GG_LOG_NEWLINE;
	else
		ring->record.flags &= ~(unsigned int)GG_LOG_NEWLINE;
	return NULL;
}

// ---- All of it ----

struct lines {
	struct gg_buffer line; // the one that is not at its end yet
	uint64_t left;         // bytes of the log from its start on
};

static struct gg_error *put_bytes(struct ring *ring, struct lines *lines, const char *bytes,
				  size_t size)
{
	struct gg_error *err = NULL;
	while (size && !err && !ring->sink->full) {
		const char *end = memchr(bytes, '\n', size);
		const size_t piece = end ? (size_t)(end - bytes) : size;
		gg_buffer_append(&lines->line, bytes, piece);
		err = gg_buffer_check(&lines->line);
		if (!err && (end || lines->line.size >= MAX_TEXT)) {
			ring->left = lines->left;
			lines->left -= lines->line.size + (end ? 1 : 0);
			err = put_line(ring, text_of(&lines->line), lines->line.size, end);
			lines->line.size = 0;
		}
		bytes += piece + (end ? 1 : 0);
		size -= piece + (end ? 1 : 0);
	}
	return err;
}

static struct gg_error *end_lines(struct ring *ring, struct lines *lines)
{
	struct gg_error *err = NULL;
	ring->left = lines->left;
	lines->left -= lines->line.size;
	// The rest of the last line may come yet.
	if (lines->line.size && !(ring->sink->position && !lines->left))
		err = put_line(ring, text_of(&lines->line), lines->line.size, false);
	lines->line.size = 0;
	return err ? err : put_record(ring);
}

// A page that cannot be read ends the line that reaches into it.
static struct gg_error *skip_page(struct ring *ring, struct lines *lines, struct gg_error *err,
				  uint64_t offset, size_t size)
{
	err = gg_log_distrust(ring->sink, gg_error_context(err, "at offset %" PRIu64, offset));
	if (!err)
		err = end_lines(ring, lines);
	lines->left -= size;
	return err;
}

// COUNT bytes from START on, around the ring's end.
static struct gg_error *walk(struct ring *ring, uint64_t start, uint64_t count)
{
	struct lines lines = { .left = count };
	struct gg_error *err = NULL;
	for (uint64_t done = 0; !err && done < count;) {
		const uint64_t offset = (start + done) & (ring->size - 1);
		// Up to the end of the page, of the ring, or of the bytes to read.
		uint64_t piece = PIECE - (ring->bytes.address + offset) % PIECE;
		if (piece > ring->size - offset)
			piece = ring->size - offset;
		if (piece > count - done)
			piece = count - done;
		const uint8_t *bytes;
		err = gg_interrupt_check();
		ring->sink->gave_up = ring->bytes.faults >= MAX_FAULTS;
		if (err || ring->sink->gave_up || ring->sink->full)
			break;
		err = gg_window_get(&ring->bytes, offset, piece, count - done, &bytes);
		err = err ? skip_page(ring, &lines, err, offset, piece)
			  : put_bytes(ring, &lines, (const char *)bytes, piece);
		done += piece;
	}
	if (!err)
		err = end_lines(ring, &lines);
	gg_buffer_deinit(&lines.line);
	return err;
}

struct gg_error *gg_log_bytes_read(const struct gg_host *kernel, struct gg_log_sink *sink)
{
	struct ring ring;
	struct gg_error *err = read_ring(kernel, sink, &ring);
	if (!err && ring.end < ring.size)
		err = walk(&ring, 0, ring.end);
	else if (!err)
		err = walk(&ring, ring.end & (ring.size - 1), ring.size);
	gg_buffer_deinit(&ring.text);
	gg_window_deinit(&ring.bytes);
	return err;
}
