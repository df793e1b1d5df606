// SPDX-License-Identifier: GPL-3.0-or-later
//
// Numbers, for a front end that has no debugger to evaluate them.
//
// In:  a text that the user typed: "4096", "0x1000 + 16", "-3".
// Out: its value in decimal.
#include "base/error.h"

#include <ctype.h>
#include <gdb-guest/command.h>
#include <string.h>

typedef __int128 integer;

enum { MOST_DIGITS = 32 }; // far from the integer's limits, which sums so do not reach

static const char *skip_space(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static unsigned int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return at ? (unsigned int)(at - digits) : 16;
}

// Adds SIGN times the literal at *TEXT to SUM. Returns false where there is no literal.
static bool add_literal(const char **text, int sign, integer *sum)
{
	const char *at = *text;
	unsigned int base = 10, count = 0;
	integer value = 0;
	if (*at == '0' && isalnum((unsigned char)at[1])) {
		base = tolower((unsigned char)at[1]) == 'x' ? 16 : 8;
		at += base == 16 ? 2 : 1;
	}
	const unsigned int most = base == 16 ? MOST_DIGITS - 8 : MOST_DIGITS;
	for (; digit_of(*at) < base && count <= most; at++, count++)
		value = value * base + digit_of(*at);
	*text = at;
	*sum += sign * value;
	return count && count <= most && !isalnum((unsigned char)*at);
}

static bool evaluate(const char *text, integer *ret)
{
	enum { MOST_TERMS = 16 };
	*ret = 0;
	for (unsigned int term = 0; term < MOST_TERMS; term++) {
		text = skip_space(text);
		int sign = 1;
		if (*text == '-' || *text == '+')
			sign = *text++ == '-' ? -1 : 1;
		else if (term)
			return false;
		text = skip_space(text);
		if (!add_literal(&text, sign, ret))
			return false;
		text = skip_space(text);
		if (!*text)
			return true;
	}
	return false;
}

static char *to_decimal(integer value)
{
	char digits[48];
	char *at = digits + sizeof(digits) - 1;
	const bool is_negative = value < 0;
	*at = 0;
	do {
		*--at = (char)('0' + (is_negative ? -(value % 10) : value % 10));
		value /= 10;
	} while (value);
	if (is_negative)
		*--at = '-';
	return strdup(at);
}

struct gg_error *gg_number_evaluate(void *data, const char *text, const char *expected, char **ret)
{
	(void)data;
	integer value;
	if (!evaluate(text, &value))
		return gg_error_create(GG_INVALID,
				       "\"%s\" is not %s: without GDB that is a number, or numbers "
				       "with + and - between them",
				       text, expected);
	*ret = to_decimal(value);
	return *ret ? NULL : gg_enomem;
}
