// SPDX-License-Identifier: GPL-3.0-or-later
#include "end.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void gg_log_end_deinit(struct gg_log_end *end)
{
	free(end->last);
	free(end->panic);
	*end = (struct gg_log_end){ .last = NULL };
}

// The first line of TEXT, escaped.
static struct gg_error *set_text(char **where, const char *text, size_t size)
{
	const char *line_end = memchr(text, '\n', size);
	_cleanup_free_ char *line = strndup(text, line_end ? (size_t)(line_end - text) : size);
	char *escaped = line ? gg_text_escape(line) : NULL;
	if (!escaped)
		return gg_enomem;
	free(*where);
	*where = escaped;
	return NULL;
}

static struct gg_error *look_at_record(void *data, const struct gg_log_record *record)
{
	static const char panic[] = "Kernel panic - not syncing";
	struct gg_log_end *end = data;
	// A program cannot log as the kernel.
	const bool is_panic = !record->facility && record->text_size >= strlen(panic) &&
			      !memcmp(record->text, panic, strlen(panic));
	struct gg_error *err = set_text(&end->last, record->text, record->text_size);
	if (!err && is_panic)
		err = set_text(&end->panic, record->text, record->text_size);
	end->has_time = record->flags & GG_LOG_TIME;
	end->time = record->time;
	return err;
}

struct gg_error *gg_log_end_read(const struct gg_host *kernel, struct gg_log_end *ret)
{
	struct gg_log_sink sink = { .record = look_at_record, .data = ret };
	*ret = (struct gg_log_end){ .last = NULL };
	struct gg_error *err = gg_log_read(kernel, &sink);
	gg_log_sink_deinit(&sink);
	if (err)
		gg_log_end_deinit(ret);
	return err;
}
