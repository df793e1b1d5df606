// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged memmaps, and the pages of theirs that a dump leaves out. The input is a case of tests/memmap.
#include "fuzz.h"

#include "../unit/memmap-image.h"

#include <stdlib.h>
#include <string.h>

// Large RAM takes a look at each of its pages, and a set of pages takes memory up to the highest.
static const char *const slow[] = { "ram ", "pages " };

static bool is_slow(const char *line)
{
	const uint64_t most = 1 << 28, highest = UINT64_C(1) << 44;
	for (size_t i = 0; i < sizeof(slow) / sizeof(*slow); i++) {
		const size_t size = strlen(slow[i]);
		char *end;
		if (strncmp(line, slow[i], size))
			continue;
		const uint64_t start = strtoull(line + size, &end, 0);
		return start > highest || strtoull(end, NULL, 0) > most;
	}
	return false;
}

static void do_line(void *data, const char *line)
{
	if (!is_slow(line))
		memmap_image_line(data, line);
}

// Runs are apart, and have all pages of the set.
static void exclude(struct memmap_image *image)
{
	struct gg_page_set set = { 0 };
	uint64_t start, count, counted = 0;
	struct gg_error *err = memmap_image_exclude(image, &set);
	for (uint64_t pfn = 0; !err && gg_page_set_next_run(&set, pfn, &start, &count);
	     pfn = start + count) {
		if (start < pfn || !count || start + count > set.end)
			abort();
		counted += count;
	}
	if (!err && counted != set.count)
		abort();
	gg_error_destroy(err);
	gg_page_set_deinit(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gg_buffer out = { 0 };
	uint64_t count = 0;
	struct memmap_image *image = memmap_image_create();
	fuzz_lines(data, size, do_line, image);
	memmap_image_scan(image, &out, &count);
	gg_buffer_deinit(&out);
	exclude(image);
	memmap_image_destroy(image);
	return 0;
}
