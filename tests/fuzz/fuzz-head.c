// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged code of functions that walk the list of modules, and a damaged list. The input is a list of changes: (offset u16,
// width u8, value u64), little-endian.
#include "fuzz.h"

#include "../unit/fake-head.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE = 11, WORD = 8 };

static uint64_t word_at(const struct fake_head *fake, gg_gva_t address)
{
	uint64_t value;
	if (address - FAKE_HEAD_START > FAKE_HEAD_SIZE - WORD)
		abort();
	memcpy(&value, fake->bytes + (address - FAKE_HEAD_START), WORD);
	return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_head fake;
	gg_gva_t head;
	fake_head_write(&fake);
	for (size_t at = 0; at + CHANGE <= size; at += CHANGE) {
		const size_t offset = (size_t)(data[at] | data[at + 1] << 8) % FAKE_HEAD_SIZE;
		const size_t width = (size_t)1 << data[at + 2] % 4;
		if (offset + width <= FAKE_HEAD_SIZE)
			memcpy(fake.bytes + offset, data + at + 3, width);
	}
	fake_head_init(&fake);
	struct gg_error *err = gg_symbols_address(fake.kernel.symbols, "modules", &head);
	if (!err && (word_at(&fake, word_at(&fake, head) + WORD) != head ||
		     word_at(&fake, word_at(&fake, head + WORD)) != head))
		abort();
	gg_error_destroy(err);
	fake_head_deinit(&fake);
	return 0;
}
