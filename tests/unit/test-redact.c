// SPDX-License-Identifier: GPL-3.0-or-later
//
// Redacted texts. A case is a file in tests/redact:
//
//     # the sentence that the case proves
//     host NAME           the name of a host, for all texts
//     text TEXT           a text, with \n and \xHH as in C
//     expect TEXT         the text without what names a machine, a network or a user
#include "case-file.h"

#include "base/redact.h"

#include <stdlib.h>
#include <string.h>

struct test_case {
	struct gg_redact redact;
	struct gg_buffer expected, got;
};

static void take_line(void *data, const char *line)
{
	struct test_case *test = data;
	size_t size;
	const char *value = strchr(line, ' ');
	if (*line == '#' || !value++)
		return;
	char *text = unescape(&value, '\0', &size);
	struct gg_buffer *into = strncmp(line, "text", 4) ? &test->expected : &test->got;
	if (!strncmp(line, "host ", 5))
		assert_success(gg_redact_add_host(&test->redact, text));
	else if (into == &test->got)
		gg_redact_append(&test->redact, into, text, size);
	else
		gg_buffer_append(into, text, size);
	if (strncmp(line, "host ", 5))
		gg_buffer_append(into, "\n", 1);
	free(text);
}

static void test_redact_case(void **state)
{
	struct test_case test = { 0 };
	for_lines(*state, take_line, &test);
	assert_true(test.got.size);
	assert_same_text(&test.got, &test.expected);
	gg_redact_deinit(&test.redact);
}

int main(void)
{
	return run_cases("redact", test_redact_case);
}
