// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged kallsyms. The first byte of the input chooses the version, and whether it is known
// where the tables are; the rest is a list of changes to a sound one: (offset u16, width u8, value
// u64), little-endian, from the tables' start on.
#include "fuzz.h"

#include "../unit/fake-kallsyms.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11, KNOWN = 0x80 };

static void use(const struct gg_kallsyms *kallsyms)
{
	const size_t count = gg_kallsyms_count(kallsyms);
	struct gg_symbol symbol;
	uint64_t last = 0;
	for (size_t i = 0; i < count; i++) {
		struct gg_symbol other;
		gg_kallsyms_get(kallsyms, i, &symbol);
		if (symbol.address < last || !symbol.name[0] || strlen(symbol.name) > 512)
			abort();
		last = symbol.address;
		if (i % 16 == 0 && (!gg_kallsyms_find(kallsyms, symbol.name, &other) ||
				    strcmp(other.name, symbol.name)))
			abort();
		if (!gg_kallsyms_at(kallsyms, symbol.address, &other) ||
		    other.address != symbol.address)
			abort();
	}
	gg_kallsyms_at(kallsyms, UINT64_MAX, &symbol);
	gg_kallsyms_at(kallsyms, 0, &symbol);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t image[FAKE_IMAGE_SIZE];
	struct gg_kallsyms_hints hints;
	const uint8_t choice = size ? data[0] : KNOWN;
	memset(image, 0, sizeof(image));
	fake_kallsyms_write(&fake_kallsyms[(choice & ~KNOWN) % fake_kallsyms_count], image, &hints);
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		const size_t offset = FAKE_TABLES + (size_t)(data[at] | data[at + 1] << 8);
		memcpy(image + offset, data + at + 3, (size_t)1 << data[at + 2] % 4);
	}
	if (!(choice & KNOWN))
		hints.num_syms = 0;

	const struct gg_host host = fake_image_host(image);
	struct gg_kallsyms *kallsyms;
	struct gg_error *err = gg_kallsyms_create(&host, &hints, &kallsyms);
	if (!err) {
		use(kallsyms);
		gg_kallsyms_destroy(kallsyms);
	}
	gg_error_destroy(err);
	return 0;
}
