// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged page tables. The input is a case of tests/paging.
#include "fuzz.h"

#include "../unit/page-image.h"
#include "memory/mapped-runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WALKS = 64, SPAN = 64, MOST_LOOKS = 256 };

struct walk {
	struct gg_page_table *table;
	unsigned int next_level; // that an entry may have at most
};

static struct gg_error *check_entry(void *data, const struct gg_page_entry *entry)
{
	struct walk *walk = data;
	char flags[GG_PAGE_FLAGS_SIZE];
	gg_page_table_flags(walk->table, entry, flags);
	if (entry->level != walk->next_level || !entry->level ||
	    strlen(flags) >= GG_PAGE_FLAGS_SIZE ||
	    !*gg_page_table_level_name(walk->table, entry->level))
		abort();
	walk->next_level--;
	return NULL;
}

static bool is_mapped(struct gg_page_table *table, gg_gva_t gva)
{
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_map(table, gva, &mapping);
	const bool result = !err && mapping.present;
	if (!err && (!mapping.size || mapping.size > mapping.page_size))
		abort();
	gg_error_destroy(err);
	return result;
}

// Runs ascend, and each begins where it says.
struct runs {
	struct gg_page_table *table;
	gg_gva_t next;
};

static struct gg_error *check_run(void *data, const struct gg_mapped_run *run)
{
	struct runs *runs = data;
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_map(runs->table, run->gva, &mapping);
	if (err || !mapping.present || mapping.gpa != run->gpa || !run->size ||
	    run->gva < runs->next || run->size - 1 > UINT64_MAX - run->gva)
		abort();
	runs->next = run->gva + (run->size - 1);
	return NULL;
}

static void find_runs(struct gg_page_table *table, gg_gva_t gva)
{
	struct runs runs = { .table = table };
	uint64_t looks = MOST_LOOKS;
	gg_error_destroy(gg_mapped_runs(table, gva, UINT64_MAX, &looks, check_run, &runs));
}

// Bytes are read only where all of them are mapped.
static void use(struct page_image *image, gg_gva_t gva)
{
	uint8_t bytes[SPAN];
	struct gg_mapping mapping;
	struct walk walk = { .next_level = page_image_levels(image) };
	struct gg_error *err = page_image_table(image, &walk.table);
	if (!err) {
		gg_error_destroy(gg_page_table_walk(walk.table, gva, check_entry, &walk, &mapping));
		err = gg_page_table_read(walk.table, gva, bytes, SPAN);
		if (!err && (!is_mapped(walk.table, gva) || !is_mapped(walk.table, gva + SPAN - 1)))
			abort();
		find_runs(walk.table, gva);
	}
	gg_error_destroy(err);
}

// The tables, and the walks so far.
struct walks {
	struct page_image *image;
	unsigned int count;
};

static void do_line(void *data, const char *line)
{
	struct walks *walks = data;
	if (strncmp(line, "walk ", 5) && strncmp(line, "read ", 5))
		page_image_line(walks->image, line);
	else if (++walks->count <= MOST_WALKS)
		use(walks->image, strtoull(line + 5, NULL, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct walks walks = { .image = page_image_create() };
	fuzz_lines(data, size, do_line, &walks);
	page_image_destroy(walks.image);
	return 0;
}
