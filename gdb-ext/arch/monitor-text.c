// SPDX-License-Identifier: GPL-3.0-or-later
//
// Trusts nothing it reads: a value has all of its digits and no more.
#include "monitor-text.h"

#include <ctype.h>
#include <string.h>

static bool is_digit(char character)
{
	return character && strchr("0123456789abcdef", character);
}

// Parses COUNT values at TEXT.
static bool parse_values(const char *text, size_t count, size_t digits, char *ret)
{
	for (size_t i = 0; i < count; i++) {
		text += strspn(text, i ? " :" : " =");
		for (size_t j = 0; j < digits; j++) {
			if (!is_digit(text[j]))
				return false;
			ret[i * digits + j] = text[j];
		}
		text += digits;
		if (isalnum((unsigned char)*text))
			return false;
	}
	return true;
}

bool gg_monitor_find(const char *text, const char *name, size_t count, size_t digits, char *ret)
{
	const size_t length = strlen(name);
	for (const char *at = text; (at = strstr(at, name)); at++) {
		const bool is_start = at == text || strchr(" \n", at[-1]);
		if (is_start && strchr(" =", at[length]) && at[length] &&
		    parse_values(at + length, count, digits, ret))
			return true;
	}
	return false;
}

bool gg_monitor_value(const char *text, const char *name, size_t digits, uint64_t *ret)
{
	char found[GG_MONITOR_DIGITS];
	if (digits > 16 || !gg_monitor_find(text, name, 1, digits, found))
		return false;
	*ret = 0;
	for (size_t i = 0; i < digits; i++)
		*ret = *ret << 4 |
		       (uint64_t)(found[i] <= '9' ? found[i] - '0' : found[i] - 'a' + 10);
	return true;
}
