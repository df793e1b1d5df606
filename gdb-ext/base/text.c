// SPDX-License-Identifier: GPL-3.0-or-later
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *gg_text_format(const char *format, va_list arguments)
{
	char *text;
	return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

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

size_t gg_utf8_decode(const char *bytes, size_t size, uint32_t *ret)
{
	// By length: the bits of the first byte that tell it, and the smallest character of it.
	static const struct {
		uint8_t mask, lead;
		uint32_t smallest;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	const uint8_t *at = (const uint8_t *)bytes;
	size_t form = 0;
	while (form < 4 && (at[0] & forms[form].mask) != forms[form].lead)
		form++;
	if (form == 4 || form >= size)
		return 0;
	uint32_t character = at[0] & (uint8_t)~forms[form].mask;
	for (size_t i = 1; i <= form; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (at[i] & 0x3f);
	}
	if (character < forms[form].smallest || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret = character;
	return form + 1;
}

bool gg_is_printable(uint32_t character)
{
	static const struct {
		uint32_t first, last;
	} refused[] = {
		{ 0, 0x1f },           { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },
		{ 0x200b, 0x200f },    { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xe000, 0xf8ff },
		{ 0xfdd0, 0xfdef },    { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
		{ 0xe0000, 0x10ffff },
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (character >= refused[i].first && character <= refused[i].last)
			return false;
	return true;
}
