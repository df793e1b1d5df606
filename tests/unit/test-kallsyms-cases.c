// SPDX-License-Identifier: GPL-3.0-or-later
//
// kallsyms made of texts. A case is a file in tests/kallsyms, one thing a line:
//
//     # the sentence that the case proves
//     version, search, move, poke, fill, copy     the image, as kallsyms-image.h has them
//     count                                       the number of symbols
//     symbol N                                    the symbol N, by address
//     find NAME, at ADDRESS                       a symbol by its name, by an address in it
//     expect TEXT                                 a line of a question's answer, or the first error
//
// The questions are asked in their order, after all damage.
#include "case-file.h"
#include "kallsyms-image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	struct kallsyms_image image;
	struct gg_kallsyms *kallsyms;
	struct gg_buffer expected, got;
};

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

static const struct {
	const char *word;
	void (*ask)(struct test_case *test, const char *line);
} questions[] = {
	{ "count", ask_count },
	{ "symbol", ask_symbol },
	{ "find", ask_name },
	{ "at", ask_address },
};

// Returns the number of the question at the start of LINE, or of questions; REST is behind its word.
static size_t question_of(const char *line, const char **rest)
{
	const size_t word = strcspn(line, " \n"), count = sizeof(questions) / sizeof(*questions);
	*rest = line + word + (line[word] == ' ');
	for (size_t i = 0; i < count; i++)
		if (strlen(questions[i].word) == word && !strncmp(line, questions[i].word, word))
			return i;
	return count;
}

static void make(void *data, const char *line)
{
	struct test_case *test = data;
	const char *rest;
	if (*line == '#' || *line == '\n')
		return;
	if (!strncmp(line, "expect ", 7))
		add_expected(&test->expected, line + 6);
	else if (question_of(line, &rest) == sizeof(questions) / sizeof(*questions) &&
		 !kallsyms_image_line(&test->image, line))
		fail_msg("no such line, table or version: %s", line);
}

static void ask(void *data, const char *line)
{
	const char *rest;
	const size_t question = question_of(line, &rest);
	if (question == sizeof(questions) / sizeof(*questions))
		return;
	char *text = strdup(rest);
	text[strcspn(text, "\n")] = 0;
	questions[question].ask(data, text);
	free(text);
}

// ---- A case ----

static void test_case(void **state)
{
	struct test_case *test = calloc(1, sizeof(*test));
	assert_non_null(test);
	for_lines(*state, make, test);
	const struct gg_host host = fake_image_host(test->image.bytes);
	struct gg_error *err = gg_kallsyms_create(&host, &test->image.hints, &test->kallsyms);
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
