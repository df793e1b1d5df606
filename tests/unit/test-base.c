// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "base/debug.h"
#include "base/find.h"
#include "base/vector.h"

#include <stdlib.h>
#include <string.h>

// ---- Vectors ----

static void test_vector_keeps_elements(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	struct {
		uint32_t *items;
		size_t count;
	} list = { NULL, 0 };
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_success(gg_vector_grow(&list.items, list.count, sizeof(*list.items)));
		list.items[list.count++] = i;
	}
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(list.items[i], i);
	// Fewer elements than before, and more again.
	list.count = 5;
	while (list.count < 40) {
		assert_success(gg_vector_grow(&list.items, list.count, sizeof(*list.items)));
		list.items[list.count++] = 7;
	}
	assert_int_equal(list.items[4], 4);
	free(list.items);
}

// ---- Bytes ----

// Runs of two letters have all there is to a search: first bytes that are no match, overlaps, ends.
static void test_find_bytes(void **state)
{
	(void)state;
	enum { SIZE = 12, MOST = 4 };
	for (unsigned int text = 0; text < 1 << SIZE; text++)
		for (unsigned int name = 0; name < 1 << MOST; name++)
			for (size_t length = 0; length <= MOST; length++) {
				uint8_t bytes[SIZE], wanted[MOST];
				for (unsigned int i = 0; i < SIZE; i++)
					bytes[i] = text >> i & 1;
				for (unsigned int i = 0; i < MOST; i++)
					wanted[i] = name >> i & 1;
				const size_t size = SIZE - text % 3;
				assert_ptr_equal(gg_find_bytes(bytes, size, wanted, length),
						 memmem(bytes, size, wanted, length));
			}
	assert_null(gg_find_bytes((const uint8_t *)"ab", 2, "abc", 3));
	assert_null(gg_find_bytes(NULL, 0, "a", 1));
}

// ---- Errors ----

static void test_unless_final(void **state)
{
	(void)state;
	assert_null(gg_error_unless_final(NULL));
	assert_null(gg_error_unless_final(gg_error_create(GG_NOT_FOUND, "x")));
	assert_null(gg_error_unless_final(gg_error_create(GG_BAD_DATA, "x")));
	assert_ptr_equal(gg_error_unless_final(gg_enomem), gg_enomem);
	assert_error(gg_error_unless_final(gg_error_create(GG_INTERRUPTED, "x")), GG_INTERRUPTED,
		     "x");
	assert_error(gg_error_unless_final(gg_error_create(GG_LOST, "x")), GG_LOST, "x");
}

// ---- The debug log ----

struct log {
	char text[512];
};

static void append(void *data, const char *line)
{
	struct log *log = data;
	strcat(log->text, line);
	strcat(log->text, "\n");
}

static void test_debug_lines(void **state)
{
	(void)state;
	struct log log = { "" };
	const struct gg_debug debug = { append, &log };
	gg_debug(NULL, "%s", "nobody reads");
	gg_debug(&debug, "%s at 0x%x", "a \x1b[2J name\n", 16);
	struct gg_error *err = gg_error_create(GG_NOT_FOUND, "none");
	gg_debug(&debug, "x: %s, y: %s", gg_debug_outcome(err), gg_debug_outcome(NULL));
	gg_error_destroy(err);
	assert_string_equal(log.text, "debug: a \\x1b[2J name\\x0a at 0x10\n"
				      "debug: x: none, y: found\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("bytes are found where memmem() finds them", test_find_bytes),
		UNIT_TEST("a vector keeps its elements while it grows, shrinks and grows again",
			  test_vector_keeps_elements),
		UNIT_TEST("only a final error is left of one that may be the guest's affair",
			  test_unless_final),
		UNIT_TEST("the debug log gets whole, escaped lines", test_debug_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
