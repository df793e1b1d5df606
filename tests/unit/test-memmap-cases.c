// SPDX-License-Identifier: GPL-3.0-or-later
//
// Memmaps made of texts. A case is a file in tests/memmap, one thing a line:
//
//     # the sentence that the case proves
//     ...             the guest, as memmap-image.h has it
//     expect TEXT     a line that a look at all pages gives
#include "case-file.h"
#include "memmap-image.h"

#include <string.h>

struct test_case {
	struct memmap_image *image;
	struct gg_buffer expected;
};

static void do_line(void *data, const char *line)
{
	struct test_case *test = data;
	if (*line == '#' || *line == '\n')
		return;
	if (!strncmp(line, "expect ", 7))
		add_expected(&test->expected, line + 6);
	else if (!memmap_image_line(test->image, line))
		fail_msg("no such line: %s", line);
}

static void test_case(void **state)
{
	struct test_case test = { .image = memmap_image_create() };
	struct gg_buffer got = { 0 };
	uint64_t count = 0;
	for_lines(*state, do_line, &test);
	memmap_image_scan(test.image, &got, &count);
	memmap_image_destroy(test.image);
	assert_true(test.expected.size);
	assert_same_text(&got, &test.expected);
}

int main(void)
{
	return run_cases("memmap", test_case);
}
