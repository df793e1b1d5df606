// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged memmaps. The input is a case of tests/memmap. A byte that no text has stands for a hex digit, so
// that damage changes numbers and not only lines; a zero is a line's end.
#include "fuzz.h"

#include "../unit/memmap-image.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 256 };

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[MAX_LINE];
	size_t used = 0;
	struct gg_buffer out = { 0 };
	uint64_t count = 0;
	struct memmap_image *image = memmap_image_create();
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
		if (!is_slow(line))
			memmap_image_line(image, line);
		used = 0;
	}
	memmap_image_scan(image, &out, &count);
	gg_buffer_deinit(&out);
	memmap_image_destroy(image);
	return 0;
}
