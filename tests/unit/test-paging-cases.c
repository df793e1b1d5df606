// SPDX-License-Identifier: GPL-3.0-or-later
//
// Page tables made of texts. A case is a file in tests/paging, one thing a line:
//
//     # the sentence that the case proves
//     format, ram, word       the tables, as page-image.h has them
//     walk GVA                every entry on the way, and the mapping
//     read GVA SIZE           bytes of virtual memory
//     runs START LAST LOOKS   the runs of mapped memory, with so many looks, and the looks left
//     near START LAST         the pieces from START up to LAST, each mapped as a neighbour of the piece before
//     expect TEXT             a line that a walk, a read, runs or near give
//
// A walk gives a line for each entry, then the mapping; "error KIND: MESSAGE" in place of what an
// error left out.
#include "case-file.h"
#include "memory/mapped-runs.h"
#include "page-image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	struct page_image *image;
	struct gg_page_table *table;
	struct gg_buffer expected, got;
};

static void add_error(struct test_case *test, struct gg_error *err)
{
	gg_buffer_format(&test->got, "error %s: %s\n", gg_error_kind_word(gg_error_kind(err)),
			 gg_error_message(err));
	gg_error_destroy(err);
}

static struct gg_error *add_entry(void *data, const struct gg_page_entry *entry)
{
	struct test_case *test = data;
	char flags[GG_PAGE_FLAGS_SIZE];
	gg_page_table_flags(test->table, entry, flags);
	gg_buffer_format(&test->got, "%s at 0x%" PRIx64 " is 0x%" PRIx64 ": %s\n",
			 gg_page_table_level_name(test->table, entry->level), entry->gpa,
			 entry->value, flags);
	return NULL;
}

// Walks twice: the mapping without a visitor is the same.
static void do_walk(struct test_case *test, const char *line)
{
	const gg_gva_t gva = strtoull(line, NULL, 0);
	struct gg_mapping mapping, quiet;
	assert_success(page_image_table(test->image, &test->table));
	struct gg_error *err = gg_page_table_walk(test->table, gva, add_entry, test, &mapping);
	struct gg_error *other = gg_page_table_map(test->table, gva, &quiet);
	assert_int_equal(!err, !other);
	gg_error_destroy(other);
	if (err) {
		add_error(test, err);
		return;
	}
	assert_int_equal(mapping.gpa, quiet.gpa);
	assert_int_equal(mapping.size, quiet.size);
	if (mapping.present)
		gg_buffer_format(&test->got, "at 0x%" PRIx64 ", ", mapping.gpa);
	else
		gg_buffer_format(&test->got, "not mapped, its %s is 0x%" PRIx64 ", ",
				 gg_page_table_level_name(test->table, mapping.last.level),
				 mapping.last.value);
	gg_buffer_format(&test->got, "0x%" PRIx64 " of 0x%" PRIx64 " bytes\n", mapping.size,
			 mapping.page_size);
}

static void do_read(struct test_case *test, const char *line)
{
	char *end;
	uint8_t bytes[64];
	const gg_gva_t gva = strtoull(line, &end, 0);
	const size_t size = strtoull(end, NULL, 0);
	assert_true(size <= sizeof(bytes));
	assert_success(page_image_table(test->image, &test->table));
	struct gg_error *err = gg_page_table_read(test->table, gva, bytes, size);
	if (err) {
		add_error(test, err);
		return;
	}
	gg_buffer_format(&test->got, "bytes");
	for (size_t i = 0; i < size; i++)
		gg_buffer_format(&test->got, " %02x", bytes[i]);
	gg_buffer_format(&test->got, "\n");
}

static struct gg_error *add_run(void *data, const struct gg_mapped_run *run)
{
	struct test_case *test = data;
	gg_buffer_format(&test->got, "0x%" PRIx64 " at 0x%" PRIx64 ", 0x%" PRIx64 " bytes\n",
			 run->gva, run->gpa, run->size);
	return NULL;
}

static void do_runs(struct test_case *test, const char *line)
{
	char *end;
	const gg_gva_t start = strtoull(line, &end, 0);
	const gg_gva_t last = strtoull(end, &end, 0);
	uint64_t looks = strtoull(end, NULL, 0);
	assert_success(page_image_table(test->image, &test->table));
	assert_success(gg_mapped_runs(test->table, start, last, &looks, add_run, test));
	gg_buffer_format(&test->got, "%" PRIu64 " left\n", looks);
}

// Maps the addresses from the first up to the last, piece by piece, each as a neighbour of the piece before.
static void do_near(struct test_case *test, const char *line)
{
	char *end;
	struct gg_page_leaf leaf = { 0 };
	struct gg_mapping near, alone;
	const gg_gva_t last = (strtoull(line, &end, 0), strtoull(end, NULL, 0));
	assert_success(page_image_table(test->image, &test->table));
	for (gg_gva_t gva = strtoull(line, NULL, 0); gva <= last; gva += near.size) {
		assert_success(gg_page_table_map_near(test->table, &leaf, gva, &near));
		assert_success(gg_page_table_map(test->table, gva, &alone));
		assert_int_equal(near.present, alone.present);
		assert_int_equal(near.gpa, alone.gpa);
		assert_int_equal(near.page_size, alone.page_size);
		assert_int_equal(near.last.gpa, alone.last.gpa);
		assert_int_equal(near.last.value, alone.last.value);
		gg_buffer_format(&test->got, "0x%" PRIx64 " ", gva);
		if (near.present)
			gg_buffer_format(&test->got, "at 0x%" PRIx64, near.gpa);
		else
			gg_buffer_format(&test->got, "entry 0x%" PRIx64, near.last.value);
		gg_buffer_format(&test->got, ", 0x%" PRIx64 " bytes\n", near.size);
	}
}

static void do_line(void *data, const char *line)
{
	struct test_case *test = data;
	if (*line == '#' || *line == '\n')
		return;
	if (!strncmp(line, "walk ", 5))
		do_walk(test, line + 5);
	else if (!strncmp(line, "read ", 5))
		do_read(test, line + 5);
	else if (!strncmp(line, "runs ", 5))
		do_runs(test, line + 5);
	else if (!strncmp(line, "near ", 5))
		do_near(test, line + 5);
	else if (!strncmp(line, "expect ", 7))
		add_expected(&test->expected, line + 6);
	else if (!page_image_line(test->image, line))
		fail_msg("no such line: %s", line);
}

static void test_case(void **state)
{
	struct test_case test = { .image = page_image_create() };
	for_lines(*state, do_line, &test);
	page_image_destroy(test.image);
	assert_true(test.expected.size);
	assert_same_text(&test.got, &test.expected);
}

int main(void)
{
	return run_cases("paging", test_case);
}
