// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged page tables. The input is a case of tests/paging. A byte that no text has stands for a hex
// digit, so that damage changes numbers and not only lines; a zero is a line's end.
#include "fuzz.h"

#include "../unit/page-image.h"
#include "memory/mapped-runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 128, MOST_WALKS = 64, SPAN = 64, MOST_LOOKS = 256 };

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

static void do_line(struct page_image *image, const char *line, unsigned int *walks)
{
	if (strncmp(line, "walk ", 5) && strncmp(line, "read ", 5))
		page_image_line(image, line);
	else if (++*walks <= MOST_WALKS)
		use(image, strtoull(line + 5, NULL, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[MAX_LINE];
	size_t used = 0;
	unsigned int walks = 0;
	struct page_image *image = page_image_create();
	for (size_t i = 0; i < size; i++) {
		const uint8_t byte = data[i];
		const bool is_end = !byte || byte == '\n' || used == MAX_LINE - 1;
		if (!is_end)
			line[used++] =
				(char)(byte >= ' ' && byte <= '~' ? byte
								  : "0123456789abcdef"[byte & 15]);
		if (!is_end)
			continue;
		line[used] = 0;
		do_line(image, line, &walks);
		used = 0;
	}
	page_image_destroy(image);
	return 0;
}
