// SPDX-License-Identifier: GPL-3.0-or-later
//
// Texts of VMCOREINFO. A case is a file in tests/vmcoreinfo:
//
//     # the sentence that the case proves
//     value KEY                              asks for a line
//     symbol NAME, number NAME               for SYMBOL(NAME), NUMBER(NAME)
//     size NAME, offset NAME, length NAME    for SIZE(NAME), ...
//     architecture NAME                      for all that a kernel of the architecture would have
//     bytes N                                the text is cut, or filled up with "x", to N bytes
//     expect TEXT                            a line of the answers; "error KIND: MESSAGE"
//     text                                   the rest of the file is the text, \xHH as in C
//
// The answers are in the order of the questions.
#include "case-file.h"

#include "arch/arch.h"
#include "linux/arch-ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	struct gg_buffer expected, got, text;
	struct gg_vmcoreinfo info;
	bool in_text;
	size_t bytes; // 0: all
};

static bool add_error(struct test_case *test, struct gg_error *err)
{
	if (!err)
		return false;
	gg_buffer_format(&test->got, "error %s: %s\n", gg_error_kind_word(gg_error_kind(err)),
			 gg_error_message(err));
	gg_error_destroy(err);
	return true;
}

// ---- Questions ----

static void ask_value(struct test_case *test, const char *kind, const char *name)
{
	(void)kind;
	char *value = gg_vmcoreinfo_value(&test->info, name);
	if (value)
		gg_buffer_format(&test->got, "%s \"%s\"\n", name, value);
	else
		gg_buffer_format(&test->got, "%s is missing\n", name);
	free(value);
}

static void ask_symbol(struct test_case *test, const char *kind, const char *name)
{
	(void)kind;
	uint64_t address;
	if (!add_error(test, gg_vmcoreinfo_symbol(&test->info, (const char *const[]){ name, NULL },
						  &address)))
		gg_buffer_format(&test->got, "%s 0x%" PRIx64 "\n", name, address);
}

static void ask_number(struct test_case *test, const char *kind, const char *name)
{
	(void)kind;
	int64_t number;
	if (add_error(test, gg_vmcoreinfo_number(&test->info, name, &number)))
		assert_int_equal(gg_vmcoreinfo_number_or(&test->info, name, 7), 7);
	else
		gg_buffer_format(&test->got, "%s %" PRId64 "\n", name, number);
}

static void ask_size(struct test_case *test, const char *kind, const char *name)
{
	uint64_t size;
	if (!add_error(test, gg_vmcoreinfo_size(&test->info, kind, name, &size)))
		gg_buffer_format(&test->got, "%s %" PRIu64 "\n", name, size);
}

static void ask_architecture(struct test_case *test, const char *kind, const char *name)
{
	(void)kind;
	struct gg_kernel_paging kernel = { .text = 0 };
	size_t row = 0;
	while (gg_archs[row] && strcmp(gg_archs[row]->name, name))
		row++;
	if (!gg_archs[row])
		fail_msg("no architecture %s", name);
	if (add_error(test, gg_archs[row]->kernel->read_paging(&test->info, &kernel)))
		return;
	gg_buffer_format(&test->got, "%u levels from %s on, root 0x%" PRIx64, kernel.paging.levels,
			 kernel.paging.format->names[kernel.paging.levels - 1], kernel.paging.root);
	if (kernel.paging.ignored_bits)
		gg_buffer_format(&test->got, ", ignored 0x%" PRIx64, kernel.paging.ignored_bits);
	gg_buffer_format(&test->got, "\n_stext 0x%" PRIx64 " at 0x%" PRIx64 "\n", kernel.text,
			 kernel.text_gpa);
	gg_buffer_format(&test->got, "image in 0x%" PRIx64 " bytes from 0x%" PRIx64 " on%s\n",
			 kernel.image_size, kernel.image_start,
			 kernel.image_is_direct ? ", of the direct map" : "");
	gg_buffer_format(&test->got, "direct map from 0x%" PRIx64 " to 0x%" PRIx64 "\n",
			 kernel.direct_map_start, kernel.direct_map_end);
}

static const struct question {
	const char *word;
	void (*ask)(struct test_case *test, const char *kind, const char *name);
	const char *kind; // of gg_vmcoreinfo_size()
} questions[] = {
	{ "value ", ask_value, NULL },
	{ "symbol ", ask_symbol, NULL },
	{ "number ", ask_number, NULL },
	{ "size ", ask_size, "SIZE" },
	{ "offset ", ask_size, "OFFSET" },
	{ "length ", ask_size, "LENGTH" },
	{ "architecture ", ask_architecture, NULL },
};

static const struct question *question_of(const char *line)
{
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		if (!strncmp(line, questions[i].word, strlen(questions[i].word)))
			return &questions[i];
	return NULL;
}

// ---- A case ----

static void read_text_line(struct test_case *test, const char *line)
{
	size_t size;
	const char *from = line;
	char *text = unescape(&from, '\n', &size);
	gg_buffer_append(&test->text, text, size);
	gg_buffer_append(&test->text, "\n", strchr(line, '\n') ? 1 : 0);
	free(text);
}

static void read_line(void *data, const char *line)
{
	struct test_case *test = data;
	if (test->in_text)
		read_text_line(test, line);
	else if (!strcmp(line, "text\n"))
		test->in_text = true;
	else if (!strncmp(line, "expect ", 7))
		add_expected(&test->expected, line + 6);
	else if (!strncmp(line, "bytes ", 6))
		test->bytes = strtoull(line + 6, NULL, 0);
	else if (*line != '#' && *line != '\n' && !question_of(line))
		fail_msg("no such line: %s", line);
}

static void ask_line(void *data, const char *line)
{
	struct test_case *test = data;
	const struct question *question = test->in_text ? NULL : question_of(line);
	test->in_text |= !strcmp(line, "text\n");
	if (!question)
		return;
	char *name = strdup(line + strlen(question->word));
	name[strcspn(name, "\n")] = 0;
	question->ask(test, question->kind, name);
	free(name);
}

static void test_case(void **state)
{
	struct test_case test = { 0 };
	for_lines(*state, read_line, &test);
	while (test.text.size < test.bytes)
		gg_buffer_append(&test.text, "x", 1);
	if (test.bytes)
		test.text.size = test.bytes;
	test.in_text = false;
	struct gg_error *err =
		gg_vmcoreinfo_init(&test.info, (const char *)test.text.bytes, test.text.size);
	if (!add_error(&test, err))
		for_lines(*state, ask_line, &test);
	gg_vmcoreinfo_deinit(&test.info);
	gg_buffer_deinit(&test.text);
	assert_true(test.expected.size);
	assert_same_text(&test.got, &test.expected);
}

int main(void)
{
	return run_cases("vmcoreinfo", test_case);
}
