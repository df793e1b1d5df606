// SPDX-License-Identifier: GPL-3.0-or-later
#include "debug.h"
#include "cleanup.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

void gg_debug(const struct gg_debug *debug, const char *format, ...)
{
	if (!debug)
		return;
	va_list arguments;
	va_start(arguments, format);
	_cleanup_free_ char *text = gg_text_format(format, arguments);
	va_end(arguments);
	// Without memory the line is dropped: the log must not change a command's result.
	_cleanup_free_ char *escaped = text ? gg_text_escape(text) : NULL;
	_cleanup_free_ char *line = NULL;
	if (escaped && asprintf(&line, "debug: %s", escaped) >= 0)
		debug->write(debug->data, line);
}

const char *gg_debug_outcome(const struct gg_error *err)
{
	return err ? gg_error_message(err) : "found";
}
