// SPDX-License-Identifier: GPL-3.0-or-later
#include "notices.h"
#include "cleanup.h"
#include "error.h"
#include "text.h"

#include <stdarg.h>

struct gg_error *gg_tell(const struct gg_notices *notices, const char *format, ...)
{
	if (!notices)
		return NULL;
	va_list arguments;
	va_start(arguments, format);
	_cleanup_free_ char *text = gg_text_format(format, arguments);
	va_end(arguments);
	return text ? notices->tell(notices->data, text) : gg_enomem;
}
