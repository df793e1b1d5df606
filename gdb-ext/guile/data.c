// SPDX-License-Identifier: GPL-3.0-or-later
//
// Scheme's data of what a command prints as JSON (base/json.h): an object becomes an association list
// with symbols for keys, in the object's order; an array a list; null #f; an address an integer.
//
// In:  the JSON of this library's own commands, a value on each line.
// Out: a list of the values.
// Trusts nothing it reads: depth and numbers are bounded, and a text that looks like an address is
// none, as base/json.c escapes its first character.
#include "guile.h"

#include <string.h>

enum { MAX_DEPTH = 64, MAX_NUMBER = 64, ADDRESS_SIZE = 18 };

struct reader {
	const char *next, *end;
	unsigned int depth;
};

static SCM read_value(struct reader *reader);

static void fail(void)
{
	gg_guile_throw(
		gg_error_create(GG_BAD_DATA, "a command's JSON is not as base/json.h has it"));
}

static char peek(const struct reader *reader)
{
	return reader->next < reader->end ? *reader->next : 0;
}

// Skips the byte EXPECTED, which is next.
static void skip(struct reader *reader, char expected)
{
	if (peek(reader) != expected)
		fail();
	reader->next++;
}

// Skips the byte WANTED if it is next.
static bool skip_if(struct reader *reader, char wanted)
{
	const bool is_next = peek(reader) == wanted;
	reader->next += is_next;
	return is_next;
}

// ---- Strings ----

static uint32_t read_hex(struct reader *reader)
{
	uint32_t value = 0;
	for (unsigned int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = strchr(digits, peek(reader));
		if (!digit || !*digit)
			fail();
		value = value << 4 | (uint32_t)(digit - digits);
		reader->next++;
	}
	return value;
}

// Reads the character behind a backslash. A lone surrogate, which stands for a byte that is not
// UTF-8, becomes U+FFFD, since no character of Scheme's can be it.
static uint32_t read_escape(struct reader *reader)
{
	enum { HIGH = 0xd800, LOW = 0xdc00, BEHIND = 0xe000, BEYOND = 0x10000, UNKNOWN = 0xfffd };
	if (!skip_if(reader, 'u'))
		return (uint8_t)*reader->next++;
	const uint32_t first = read_hex(reader);
	if (first < HIGH || first >= BEHIND)
		return first;
	if (first >= LOW)
		return UNKNOWN;
	skip(reader, '\\');
	skip(reader, 'u');
	return BEYOND + ((first - HIGH) << 10) + (read_hex(reader) & 0x3ff);
}

// Returns the string whose quote was skipped. Behind its last byte there is room for the quote.
static SCM read_string(struct reader *reader)
{
	const char *quote = reader->next;
	while (quote < reader->end && *quote != '"')
		quote += *quote == '\\' && quote + 1 < reader->end ? 2 : 1;
	if (quote >= reader->end)
		fail();
	const size_t size = (size_t)(quote - reader->next);
	if (size == ADDRESS_SIZE && !strncmp(reader->next, "0x", 2)) {
		const SCM address = scm_from_uint64(strtoull(reader->next, NULL, 16));
		reader->next = quote + 1;
		return address;
	}
	// An escape is never shorter than its character.
	uint32_t *characters = scm_gc_malloc_pointerless((size + 1) * sizeof(*characters), "json");
	size_t length = 0;
	while (reader->next < quote)
		characters[length++] =
			skip_if(reader, '\\') ? read_escape(reader) : (uint8_t)*reader->next++;
	reader->next = quote + 1;
	return scm_from_utf32_stringn((const scm_t_wchar *)characters, length);
}

static SCM read_key(struct reader *reader)
{
	skip(reader, '"');
	const char *start = reader->next;
	SCM key = read_string(reader);
	// A key that looks like an address.
	if (!scm_is_string(key))
		key = scm_from_utf8_stringn(start, ADDRESS_SIZE);
	return scm_string_to_symbol(key);
}

// ---- Values ----

static SCM read_object(struct reader *reader)
{
	SCM list = SCM_EOL;
	while (!skip_if(reader, '}')) {
		if (!scm_is_null(list))
			skip(reader, ',');
		const SCM key = read_key(reader);
		skip(reader, ':');
		list = scm_acons(key, read_value(reader), list);
	}
	return scm_reverse_x(list, SCM_UNDEFINED);
}

static SCM read_array(struct reader *reader)
{
	SCM list = SCM_EOL;
	while (!skip_if(reader, ']')) {
		if (!scm_is_null(list))
			skip(reader, ',');
		list = scm_cons(read_value(reader), list);
	}
	return scm_reverse_x(list, SCM_UNDEFINED);
}

// Reads a number, true, false or null.
static SCM read_word(struct reader *reader)
{
	char word[MAX_NUMBER];
	size_t size = 0;
	while (reader->next < reader->end && !strchr(",]}\n", *reader->next) &&
	       size + 1 < sizeof(word))
		word[size++] = *reader->next++;
	word[size] = 0;
	if (!strcmp(word, "true"))
		return SCM_BOOL_T;
	if (!strcmp(word, "false") || !strcmp(word, "null"))
		return SCM_BOOL_F;
	const SCM number = scm_c_locale_stringn_to_number(word, size, 10);
	if (scm_is_false(number))
		fail();
	return number;
}

static SCM read_value(struct reader *reader)
{
	if (reader->depth == MAX_DEPTH)
		fail();
	reader->depth++;
	const SCM value = skip_if(reader, '{')   ? read_object(reader)
			  : skip_if(reader, '[') ? read_array(reader)
			  : skip_if(reader, '"') ? read_string(reader)
						 : read_word(reader);
	reader->depth--;
	return value;
}

// (%json->data BYTEVECTOR) => a list of the values, each on a line.
static SCM json_to_data(SCM bytes)
{
	const char *start = (const char *)SCM_BYTEVECTOR_CONTENTS(bytes);
	struct reader reader = { .next = start, .end = start + SCM_BYTEVECTOR_LENGTH(bytes) };
	SCM list = SCM_EOL;
	while (reader.next < reader.end) {
		list = scm_cons(read_value(&reader), list);
		skip(&reader, '\n');
	}
	scm_remember_upto_here_1(bytes);
	return scm_reverse_x(list, SCM_UNDEFINED);
}

void gg_guile_init_data(void)
{
	gg_guile_define("%json->data", 1, (scm_t_subr)json_to_data);
}
