// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged memmaps. The input is a case of tests/memmap.
#include "fuzz.h"

#include "../unit/memmap-image.h"

#include <stdlib.h>
#include <string.h>

// Large RAM takes a look at each of its pages.
static const char *const slow[] = { "ram ", "pages " };

static bool is_slow(const char *line)
{
	enum { MOST = 1 << 28 };
	for (size_t i = 0; i < sizeof(slow) / sizeof(*slow); i++) {
		const size_t size = strlen(slow[i]);
		char *end;
		if (strncmp(line, slow[i], size))
			continue;
		strtoull(line + size, &end, 0);
		return strtoull(end, NULL, 0) > MOST;
	}
	return false;
}

static void do_line(void *data, const char *line)
{
	if (!is_slow(line))
		memmap_image_line(data, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gg_buffer out = { 0 };
	uint64_t count = 0;
	struct memmap_image *image = memmap_image_create();
	fuzz_lines(data, size, do_line, image);
	memmap_image_scan(image, &out, &count);
	gg_buffer_deinit(&out);
	memmap_image_destroy(image);
	return 0;
}
