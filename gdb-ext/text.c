// SPDX-License-Identifier: GPL-3.0-or-later
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *gg_text_escape(const char *text)
{
	enum { ESCAPED_LENGTH = 4 };
	char *escaped = malloc(strlen(text) * ESCAPED_LENGTH + 1);
	if (!escaped)
		return NULL;
	char *end = escaped;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c >= ' ' && *c <= '~' && *c != '\\')
			*end++ = (char)*c;
		else
			end += sprintf(end, "\\x%02x", *c);
	}
	*end = 0;
	return escaped;
}
