// SPDX-License-Identifier: GPL-3.0-or-later
//
// kallsyms made of texts. A case is a file in tests/kallsyms, one thing a line:
//
//     # the sentence that the case proves
//     version NAME                      of fake-kallsyms.c: 600 symbols, encoded as in that version
//     search                            VMCOREINFO has no places: the tables are found by structure
//     move TABLE N                      VMCOREINFO's place of the table is wrong by N bytes
//     poke TABLE OFFSET SIZE VALUE      VALUE of 1 to 8 bytes, little-endian
//     fill TABLE OFFSET SIZE BYTE
//     copy TABLE OFFSET SIZE TO         bytes of the table, to an offset in the image
//     count                             the number of symbols
//     symbol N                          the symbol N, by address
//     find NAME, at ADDRESS             a symbol by its name, by an address in it
//     expect TEXT                       a line that a question, or else the first error, gives
//
// TABLE is a table of scripts/kallsyms.c without "kallsyms_", "text" for _stext, or "image" for the
// whole. The questions are asked in their order, after all damage.
#include "case-file.h"
#include "fake-kallsyms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	uint8_t image[FAKE_IMAGE_SIZE];
	struct gg_kallsyms_hints places, hints; // the real places, VMCOREINFO's
	struct gg_kallsyms *kallsyms;
	struct gg_buffer expected, got;
};

// ---- Tables ----

static gg_gva_t *place_of(struct gg_kallsyms_hints *hints, const char *name)
{
	const struct {
		const char *name;
		gg_gva_t *place;
	} places[] = {
		{ "num_syms", &hints->num_syms },
		{ "names", &hints->names },
		{ "token_table", &hints->token_table },
		{ "token_index", &hints->token_index },
		{ "offsets", &hints->offsets },
		{ "relative_base", &hints->relative_base },
		{ "addresses", &hints->addresses },
		{ "text", &hints->text },
		{ "image", &hints->image },
	};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!strcmp(places[i].name, name) && *places[i].place)
			return places[i].place;
	fail_msg("the version has no table %s", name);
	return NULL;
}

// Returns the SIZE bytes at the start of LINE, "TABLE OFFSET SIZE VALUE".
static uint8_t *parse_place(struct test_case *test, const char *line, size_t *size, uint64_t *value)
{
	char table[32], *end;
	int used = 0;
	assert_int_equal(sscanf(line, "%31s %n", table, &used), 1);
	size_t offset = strtoull(line + used, &end, 0);
	*size = strtoull(end, &end, 0);
	*value = strtoull(end, NULL, 0);
	offset += *place_of(&test->places, table) - test->places.image;
	assert_true(offset + *size <= FAKE_IMAGE_SIZE);
	return test->image + offset;
}

// ---- Lines ----

static void do_version(struct test_case *test, const char *name)
{
	for (size_t i = 0; i < fake_kallsyms_count; i++)
		if (!strcmp(fake_kallsyms[i].version, name)) {
			fake_kallsyms_write(&fake_kallsyms[i], test->image, &test->places);
			test->hints = test->places;
			return;
		}
	fail_msg("no version %s", name);
}

static void do_search(struct test_case *test, const char *line)
{
	(void)line;
	test->hints = (struct gg_kallsyms_hints){ .image = test->places.image,
						  .image_size = test->places.image_size,
						  .text = test->places.text,
						  .word = test->places.word };
}

static void do_move(struct test_case *test, const char *line)
{
	char table[32];
	int64_t distance;
	assert_int_equal(sscanf(line, "%31s %" SCNi64, table, &distance), 2);
	*place_of(&test->hints, table) += (uint64_t)distance;
}

static void do_poke(struct test_case *test, const char *line)
{
	size_t size;
	uint64_t value;
	uint8_t *bytes = parse_place(test, line, &size, &value);
	put_uint(bytes, (unsigned int)size, value);
}

static void do_fill(struct test_case *test, const char *line)
{
	size_t size;
	uint64_t value;
	uint8_t *bytes = parse_place(test, line, &size, &value);
	memset(bytes, (int)value, size);
}

static void do_copy(struct test_case *test, const char *line)
{
	size_t size;
	uint64_t to;
	const uint8_t *bytes = parse_place(test, line, &size, &to);
	assert_true(to + size <= FAKE_IMAGE_SIZE);
	memmove(test->image + to, bytes, size);
}

static void add_symbol(struct test_case *test, bool found, const struct gg_symbol *symbol)
{
	if (found)
		gg_buffer_format(&test->got, "%s %c 0x%" PRIx64 ", 0x%" PRIx64 " bytes\n",
				 symbol->name, symbol->type, symbol->address, symbol->size);
	else
		gg_buffer_format(&test->got, "none\n");
}

static void ask_count(struct test_case *test, const char *line)
{
	(void)line;
	gg_buffer_format(&test->got, "%zu symbols\n", gg_kallsyms_count(test->kallsyms));
}

static void ask_symbol(struct test_case *test, const char *line)
{
	struct gg_symbol symbol;
	const size_t index = strtoull(line, NULL, 0);
	assert_true(index < gg_kallsyms_count(test->kallsyms));
	gg_kallsyms_get(test->kallsyms, index, &symbol);
	add_symbol(test, true, &symbol);
}

static void ask_name(struct test_case *test, const char *name)
{
	struct gg_symbol symbol;
	add_symbol(test, gg_kallsyms_find(test->kallsyms, name, &symbol), &symbol);
}

static void ask_address(struct test_case *test, const char *line)
{
	struct gg_symbol symbol;
	const gg_gva_t address = strtoull(line, NULL, 0);
	add_symbol(test, gg_kallsyms_at(test->kallsyms, address, &symbol), &symbol);
}

static void do_expect(struct test_case *test, const char *text)
{
	add_expected(&test->expected, text);
}

static const struct {
	const char *word;
	void (*function)(struct test_case *test, const char *line);
	bool is_question;
} functions[] = {
	{ "version", do_version, false }, { "search", do_search, false },
	{ "move", do_move, false },       { "poke", do_poke, false },
	{ "fill", do_fill, false },       { "copy", do_copy, false },
	{ "expect", do_expect, false },   { "count", ask_count, true },
	{ "symbol", ask_symbol, true },   { "find", ask_name, true },
	{ "at", ask_address, true },
};

static void do_line(struct test_case *test, const char *line, bool questions)
{
	char text[512];
	const size_t word = strcspn(line, " \n");
	if (!word || *line == '#')
		return;
	snprintf(text, sizeof(text), "%s", line + word + (line[word] == ' '));
	text[strcspn(text, "\n")] = 0;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strlen(functions[i].word) == word && !strncmp(line, functions[i].word, word)) {
			if (functions[i].is_question == questions)
				functions[i].function(test, text);
			return;
		}
	fail_msg("no such line: %s", line);
}

static void make(void *data, const char *line)
{
	do_line(data, line, false);
}

static void ask(void *data, const char *line)
{
	do_line(data, line, true);
}

// ---- A case ----

static void test_case(void **state)
{
	struct test_case *test = calloc(1, sizeof(*test));
	assert_non_null(test);
	for_lines(*state, make, test);
	const struct gg_host host = fake_image_host(test->image);
	struct gg_error *err = gg_kallsyms_create(&host, &test->hints, &test->kallsyms);
	if (err)
		gg_buffer_format(&test->got, "error %s: %s\n",
				 gg_error_kind_word(gg_error_kind(err)), gg_error_message(err));
	else
		for_lines(*state, ask, test);
	gg_error_destroy(err);
	gg_kallsyms_destroy(test->kallsyms);
	assert_true(test->expected.size);
	assert_same_text(&test->got, &test->expected);
	free(test);
}

int main(void)
{
	return run_cases("kallsyms", test_case);
}
