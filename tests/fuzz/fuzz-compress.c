// SPDX-License-Identifier: GPL-3.0-or-later
//
// Pages as guests may have them, compressed for a kdump and read by zlib. The input is a structure of 64 bytes, which the page
// repeats, and a list of changes: (offset u16, width u8, value u64), little-endian. The code is made of the page
// before.
#include "fuzz.h"

#include "vmcore/compress.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { STRUCTURE = 64, CHANGE = 11, MOST = 1 << 16 };

static void fill(const uint8_t *data, size_t size, uint8_t *page, size_t page_size)
{
	for (size_t i = 0; i < page_size; i++)
		page[i] = i % STRUCTURE < size ? data[i % STRUCTURE] : 0;
	for (size_t at = STRUCTURE; at + CHANGE <= size; at += CHANGE) {
		const size_t offset = (size_t)(data[at] | data[at + 1] << 8) % page_size;
		const size_t width = data[at + 2] % 9;
		if (offset + width <= page_size)
			memcpy(page + offset, data + at + 3, width);
	}
}

static void check(void *state, const uint8_t *page, size_t page_size)
{
	static uint8_t packed[2 * MOST], bytes[MOST];
	uLongf count = page_size;
	const size_t size = gg_zlib_compress(state, page, page_size, packed);
	if (!size)
		return;
	if (size >= page_size || uncompress(bytes, &count, packed, size) != Z_OK ||
	    count != page_size || memcmp(bytes, page, page_size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void *fast, *small;
	static uint8_t page[MOST];
	const uint8_t *const pages[] = { page };
	if ((!fast && gg_zlib_create(false, &fast)) || (!small && gg_zlib_create(true, &small)))
		abort();
	const size_t page_size = size % 2 ? 4096 : 1 << (12 + size / 2 % 5);
	if (!page[0])
		gg_zlib_tune(fast, pages, 1, page_size);
	fill(data, size, page, page_size);
	check(fast, page, page_size);
	check(small, page, page_size);
	gg_zlib_tune(fast, pages, 1, page_size);
	return 0;
}
