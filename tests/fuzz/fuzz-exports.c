// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged image with exported symbols and a BTF. The first two bytes of the input choose the layout and the place of kallsyms;
// the rest is a list of changes: (offset u16 in words from the array on, width u8, value u64).
#include "fuzz.h"

#include "../unit/fake-exports.h"
#include "linux/symbols/exports.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 2, CHANGE = 11, WORD = 4, PLACE = 0x1000 };

static uint8_t image[FAKE_EXPORTS_SIZE];

static uint64_t get(const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	const struct fake_exports_shape *shape =
		&fake_exports_shapes[data[0] % fake_exports_shape_count];
	fake_exports_write(shape, image);
	for (size_t at = HEAD; size - at >= CHANGE; at += CHANGE) {
		const size_t offset = FAKE_ARRAY + get(data + at, 2) * WORD;
		const unsigned int width = 1 + data[at + 2] % 8;
		if (offset + width <= sizeof(image))
			fake_exports_put(shape, image, offset, width, get(data + at + 3, 8));
	}
	const struct gg_host host = fake_exports_host(shape, image);
	const struct gg_kallsyms_hints hints = { .image = FAKE_EXPORTS_START,
						 .image_size = sizeof(image),
						 .token_index = FAKE_EXPORTS_START +
								(size_t)data[1] * PLACE };
	struct gg_exports *exports = NULL;
	struct gg_error *err = gg_exports_create(&host, &hints, &exports);
	gg_error_destroy(err);
	if (err)
		return 0;
	uint64_t start, stop;
	if (gg_exports_find(exports, "__start_BTF", &start) &&
	    (!gg_exports_find(exports, "__stop_BTF", &stop) || stop <= start ||
	     stop > FAKE_EXPORTS_START + sizeof(image)))
		abort();
	gg_exports_find(exports, "init_task", &start);
	gg_exports_destroy(exports);
	return 0;
}
