// SPDX-License-Identifier: GPL-3.0-or-later
#include "notices.h"
#include "cleanup.h"
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

struct gg_error *gg_tell(const struct gg_notices *notices, const char *format, ...)
{
	if (!notices)
		return NULL;
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	const int size = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (size < 0) {
		text = NULL;
		return gg_enomem;
	}
	return notices->tell(notices->data, text);
}
