// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's log, as the command's options choose it.
#include "run.h"
#include "words.h"
#include "base/buffer.h"
#include "base/notices.h"

#include <gdb-guest/log.h>
#include <inttypes.h>
#include <string.h>

// ---- Options ----

static uint64_t bits_of(const struct gg_options *options, const char *name)
{
	const struct gg_value *value = gg_options_value(options, name);
	return value ? value->bits : 0;
}

static struct gg_log_bound bound_of(const struct gg_options *options, const char *name)
{
	const struct gg_value *value = gg_options_value(options, name);
	return value ? value->time : (struct gg_log_bound){ 0 };
}

static struct gg_log_query to_query(const struct gg_options *options)
{
	const uint64_t context = gg_options_number(options, "context", 0);
	return (struct gg_log_query){
		.transcript = gg_options_text(options, "hexdump"),
		.levels = (unsigned int)bits_of(options, "level"),
		.facilities = (unsigned int)bits_of(options, "facility"),
		.pattern = gg_options_text(options, "grep"),
		.before = gg_options_number(options, "before", context),
		.after = gg_options_number(options, "after", context),
		.since = bound_of(options, "since"),
		.until = bound_of(options, "until"),
		.since_clear = gg_options_has(options, "since-clear"),
		.tail = gg_options_number(options, "tail", 0),
	};
}

// Reads the style; a file gets neither colours nor the terminal's character set.
static struct gg_log_style to_style(const struct gg_options *options,
				    const struct gg_front_end *front)
{
	const bool is_file = gg_options_has(options, "output");
	return (struct gg_log_style){
		.wall = gg_options_has(options, "T"),
		.raw = gg_options_has(options, "raw"),
		.decode = gg_options_has(options, "decode"),
		.caller = gg_options_has(options, "caller"),
		.json = gg_options_has(options, "json"),
		.colour = front->colour && !is_file,
		.ascii = !is_file && !gg_shows_utf8(),
	};
}

// ---- Output ----

// The text and the notices behind it, NUL behind each, until both are complete.
struct collected {
	struct gg_buffer text, notices;
};

static struct gg_error *collect_text(void *data, const char *text, size_t size)
{
	struct collected *collected = data;
	gg_buffer_append(&collected->text, text, size);
	return gg_buffer_check(&collected->text);
}

static struct gg_error *collect_notice(void *data, const char *text)
{
	struct collected *collected = data;
	gg_buffer_append(&collected->notices, text, strlen(text) + 1);
	return gg_buffer_check(&collected->notices);
}

static struct gg_error *write_collected(const struct collected *collected,
					const struct gg_writer *writer,
					const struct gg_notices *notices)
{
	struct gg_error *err = NULL;
	if (collected->text.size)
		err = writer->write(writer->data, (const char *)collected->text.bytes,
				    collected->text.size);
	for (size_t at = 0; !err && at < collected->notices.size;) {
		const char *notice = (const char *)collected->notices.bytes + at;
		err = gg_tell(notices, "%s", notice);
		at += strlen(notice) + 1;
	}
	return err;
}

static struct gg_error *save(struct gg_guest *guest, const struct gg_log_query *query,
			     const struct gg_log_style *style, const struct gg_options *options,
			     struct collected *collected)
{
	const char *path = gg_options_text(options, "output");
	const struct gg_notices notices = { collect_notice, collected };
	uint64_t count;
	struct gg_error *err = gg_guest_log_save(
		guest, query, style, path, gg_options_has(options, "force"), &notices, &count);
	if (err)
		return err;
	gg_buffer_append(&collected->text, path, strlen(path));
	gg_buffer_format(&collected->text, ": %" PRIu64 " record%s\n", count, gg_plural(count));
	return gg_buffer_check(&collected->text);
}

struct gg_error *gg_run_klog(struct gg_guest *guest, const struct gg_options *options,
			     const struct gg_front_end *front, const struct gg_writer *writer,
			     const struct gg_notices *notices)
{
	struct collected collected = { 0 };
	const struct gg_writer collector = { collect_text, &collected };
	const struct gg_notices later = { collect_notice, &collected };
	const struct gg_log_style style = to_style(options, front);
	const struct gg_log_query query = to_query(options);
	struct gg_error *err;
	if (gg_options_has(options, "output"))
		err = save(guest, &query, &style, options, &collected);
	else
		err = gg_guest_log_print(guest, &query, &style, &collector, &later);
	if (!err)
		err = write_collected(&collected, writer, notices);
	gg_buffer_deinit(&collected.text);
	gg_buffer_deinit(&collected.notices);
	return err;
}
