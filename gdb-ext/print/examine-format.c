// SPDX-License-Identifier: GPL-3.0-or-later
#include "examine-format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] = "xduotacsi", sizes[] = "bhwg";

// Parses TEXT, a letter and a size, each at most once; 0 for what it lacks.
static struct gg_error *parse_letters(const char *text, struct gg_examine_format *ret)
{
	for (const char *at = text; *at; at++) {
		const char *size = strchr(sizes, *at);
		if (size && !ret->size)
			ret->size = 1U << (size - sizes);
		else if (strchr(letters, *at) && !ret->letter)
			ret->letter = *at;
		else
			return gg_error_create(GG_INVALID,
					       "\"%s\" is not [COUNT][FORMAT]: a number, a letter "
					       "of %s and a size of b, h, w, g",
					       text, letters);
	}
	return NULL;
}

static unsigned int default_size(char letter)
{
	return letter == 'a' ? 8 : strchr("csi", letter) ? 1 : 4;
}

// Parses the SIZE digits of TEXT, which may have a sign.
static struct gg_error *parse_count(const char *text, size_t size, struct gg_examine_format *ret)
{
	enum { MAX_BYTES = 1 << 20, MAX_INSTRUCTIONS = 1 << 16 };
	const uint64_t max = ret->letter == 'i' ? MAX_INSTRUCTIONS : MAX_BYTES / ret->size;
	const bool is_negative = *text == '-';
	const char *digits = text + is_negative, *end = text + size;
	while (digits + 1 < end && *digits == '0')
		digits++;
	// A count beyond the maximum stays beyond it.
	for (const char *digit = digits; digit < end && ret->count <= max; digit++)
		ret->count = ret->count * 10 + (uint64_t)(*digit - '0');
	if (ret->count && !is_negative && ret->count <= max)
		return NULL;
	return gg_error_create(GG_INVALID, "COUNT of \"%s\" is %s%.*s, not 1 to %" PRIu64, text,
			       is_negative && ret->count ? "-" : "", (int)(end - digits), digits,
			       max);
}

struct gg_error *gg_examine_format_parse(const char *text, struct gg_examine_format *ret)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
	*ret = (struct gg_examine_format){ 0 };
	text = text ? text : "";
	const size_t sign = *text == '-', digits = strspn(text + sign, "0123456789");
	const char *rest = text + sign + digits;
	if (rest[strspn(rest, lower)] || (sign && !digits))
		return gg_error_create(GG_INVALID, "\"%s\" is not [COUNT][FORMAT]", text);
	struct gg_error *err = parse_letters(rest, ret);
	if (err)
		return err;
	ret->letter = ret->letter ? ret->letter : 'x';
	ret->size = ret->size ? ret->size : default_size(ret->letter);
	if (digits)
		err = parse_count(text, sign + digits, ret);
	else
		ret->count = 1;
	if (!err && ret->letter == 's' && ret->size != 1)
		err = gg_error_create(GG_INVALID, "\"%s\": a string has characters of size b",
				      text);
	return err;
}
