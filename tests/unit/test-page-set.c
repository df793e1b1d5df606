// SPDX-License-Identifier: GPL-3.0-or-later
//
// Sets of page frame numbers against an array of flags.
#include "unit.h"

#include "base/page-set.h"

#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 1 << 15,
	END = 3 * CHUNK + 77, // beyond it the set has nothing
};

static bool flags[END];

static void assert_same(const struct gg_page_set *set)
{
	uint64_t count = 0, run_end = 0, start, length;
	for (uint64_t pfn = 0; pfn < END; pfn++) {
		count += flags[pfn];
		if (gg_page_set_has(set, pfn) != flags[pfn])
			fail_msg("page 0x%llx", (unsigned long long)pfn);
	}
	assert_int_equal(set->count, count);
	for (uint64_t pfn = 0; gg_page_set_next_run(set, pfn, &start, &length);
	     pfn = run_end = start + length) {
		assert_true(start + length <= END);
		assert_null(memchr(flags + run_end, true, start - run_end));
		assert_null(memchr(flags + start, false, length));
	}
	assert_null(memchr(flags + run_end, true, END - run_end));
}

static void test_random(void **state)
{
	(void)state;
	struct gg_page_set set;
	assert_success(gg_page_set_init(&set, END));
	memset(flags, 0, sizeof(flags));
	srandom(1);
	for (unsigned int i = 0; i < 300; i++) {
		const uint64_t pfn = (uint64_t)random() % END;
		const uint64_t most = (uint64_t)1 << random() % 17;
		const uint64_t count = (uint64_t)random() % most;
		const bool adds = random() % 3;
		if (adds)
			assert_success(gg_page_set_add(&set, pfn, count));
		else
			gg_page_set_remove(&set, pfn, count);
		memset(flags + pfn, adds, count < END - pfn ? count : END - pfn);
		if (i % 10 == 0)
			assert_same(&set);
	}
	assert_same(&set);
	gg_page_set_deinit(&set);
}

static void test_union(void **state)
{
	(void)state;
	struct gg_page_set sets[2] = { 0 };
	memset(flags, 0, sizeof(flags));
	for (unsigned int i = 0; i < 2; i++)
		assert_success(gg_page_set_init(&sets[i], END));
	srandom(2);
	// The last chunk of the first set, and the first chunk of the second, have no page.
	for (unsigned int i = 0; i < 200; i++) {
		const uint64_t pfn = (uint64_t)random() % (2 * CHUNK - 1000) + i % 2 * CHUNK;
		const uint64_t count = (uint64_t)random() % 1000;
		assert_success(gg_page_set_add(&sets[i % 2], pfn, count));
		memset(flags + pfn, true, count);
	}
	assert_success(gg_page_set_unite(&sets[0], &sets[1]));
	assert_same(&sets[0]);
	assert_success(gg_page_set_unite(&sets[0], &sets[1]));
	assert_same(&sets[0]);
	for (unsigned int i = 0; i < 2; i++)
		gg_page_set_deinit(&sets[i]);
}

static void test_bounds(void **state)
{
	(void)state;
	struct gg_page_set set;
	uint64_t start, count;
	assert_success(gg_page_set_init(&set, END));
	assert_false(gg_page_set_next_run(&set, 0, &start, &count));
	assert_success(gg_page_set_add(&set, END, 1));
	assert_success(gg_page_set_add(&set, UINT64_MAX, UINT64_MAX));
	assert_int_equal(set.count, 0);
	assert_success(gg_page_set_add(&set, 5, UINT64_MAX));
	assert_int_equal(set.count, END - 5);
	assert_true(gg_page_set_next_run(&set, 0, &start, &count));
	assert_int_equal(start, 5);
	assert_int_equal(count, END - 5);
	assert_true(gg_page_set_next_run(&set, 100, &start, &count));
	assert_int_equal(start, 100);
	assert_false(gg_page_set_has(&set, END));
	assert_false(gg_page_set_next_run(&set, END, &start, &count));
	assert_int_equal(gg_page_set_find(&set, 0, END, true), 5);
	assert_int_equal(gg_page_set_find(&set, 0, 4, true), 4);
	assert_int_equal(gg_page_set_find(&set, 5, 2 * CHUNK, false), 2 * CHUNK);
	assert_int_equal(gg_page_set_find(&set, 5, UINT64_MAX, false), END);
	gg_page_set_remove(&set, 0, UINT64_MAX);
	assert_int_equal(set.count, 0);
	assert_int_equal(gg_page_set_find(&set, 0, CHUNK + 3, true), CHUNK + 3);
	gg_page_set_deinit(&set);

	set = (struct gg_page_set){ 0 };
	assert_false(gg_page_set_has(&set, 0));
	assert_false(gg_page_set_next_run(&set, 0, &start, &count));
	gg_page_set_deinit(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("what was added and not removed is in the set, page by page and run by "
			  "run, across words and chunks",
			  test_random),
		UNIT_TEST("the union of two sets has the pages of both, each counted once",
			  test_union),
		UNIT_TEST("pages at or above the set's end are ignored", test_bounds),
	};
	return cmocka_run_group_tests_name("page set", tests, NULL, NULL);
}
