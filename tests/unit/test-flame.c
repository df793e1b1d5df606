// SPDX-License-Identifier: GPL-3.0-or-later
//
// Flame graphs of folded stacks.
#include "unit.h"
#include "print/flame.h"

#include <stdio.h>
#include <string.h>

static struct gg_buffer out;

static int end(void **state)
{
	(void)state;
	gg_buffer_deinit(&out);
	return 0;
}

static const char *draw(const char *folded)
{
	assert_success(gg_flame_append(folded, strlen(folded), "a <title>", &out));
	gg_buffer_zeros(&out, 1);
	assert_success(gg_buffer_check(&out));
	return (const char *)out.bytes;
}

// Expects a frame of NAME with COUNT samples, PERCENT of all, in the class CLASS, X from the left.
static void expect_frame(const char *picture, const char *name, const char *count,
			 const char *percent, const char *class, const char *x)
{
	char text[256];
	snprintf(text, sizeof(text), "<g><title>%s\n%s, %s %%</title><rect class=\"%s\" x=\"%s\" ",
		 name, count, percent, class, x);
	if (!strstr(picture, text))
		fail_msg("no %s in %s", text, picture);
}

static void test_frames(void **state)
{
	(void)state;
	const char *picture = draw("b;g 1\na;f [m];h 3\na;f;y 2\na;f 2\na;(user) 2\n");
	expect_frame(picture, "all", "10 samples", "100.00", "task", "10.00");
	expect_frame(picture, "a", "9 samples", "90.00", "task", "10.00");
	expect_frame(picture, "(user)", "2 samples", "20.00", "user", "10.00");
	// f alone, and f with a callee, are a frame.
	expect_frame(picture, "f", "4 samples", "40.00", "kernel", "246.00");
	expect_frame(picture, "y", "2 samples", "20.00", "kernel", "482.00");
	expect_frame(picture, "f [m]", "3 samples", "30.00", "module", "718.00");
	expect_frame(picture, "b", "1 sample", "10.00", "task", "1072.00");
	assert_non_null(strstr(picture, "a &lt;title&gt;"));
	assert_null(strstr(picture, "<script"));
}

static void test_hostile(void **state)
{
	(void)state;
	const char *picture = draw("</g><script>alert(1)</script>;\"'&\x1b[2J 7\n");
	expect_frame(picture, "&lt;/g&gt;&lt;script&gt;alert(1)&lt;/script&gt;", "7 samples",
		     "100.00", "task", "10.00");
	assert_null(strstr(picture, "<script"));
	assert_null(strchr(picture, 0x1b));
}

static void test_deep(void **state)
{
	enum { DEEP = 2000 };
	char folded[2 * DEEP + 8] = { 0 };
	(void)state;
	for (size_t i = 0; i < DEEP; i++)
		memcpy(folded + 2 * i, "f;", 2);
	memcpy(folded + sizeof(folded) - 8, "f 12", 5);
	size_t frames = 0;
	for (const char *at = draw(folded); (at = strstr(at, "<g>")); at++)
		frames++;
	assert_int_equal(frames, 320);
}

static void test_none(void **state)
{
	static const char *const wrong[] = { "a",    "a b\n", " 1",
					     "a -1", "a 1x",  "a 99999999999999999999999999\n" };
	(void)state;
	assert_null(strstr(draw(""), "<g>"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_error(gg_flame_append(wrong[i], strlen(wrong[i]), "", &out), GG_BAD_DATA,
			     "is no folded stack");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST_WITH(NULL, end,
			       "equal outer frames are one frame, in any order of the stacks",
			       test_frames),
		UNIT_TEST_WITH(NULL, end, "no name is markup", test_hostile),
		UNIT_TEST_WITH(NULL, end, "a stack that is too deep is cut off", test_deep),
		UNIT_TEST_WITH(NULL, end, "no stacks are no frames, and other text is an error",
			       test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
