// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged CPU with SVE. The input is a list of changes: (offset u16, width u8, value u64), little-endian, of which the offset
// is in the CPU's head for an odd width, else in the properties.
#include "fuzz.h"

#include "../unit/fake-sve.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE = 11, UNIT = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_sve fake;
	static struct gg_registers registers;
	fake_sve_write(&fake);
	for (size_t at = 0; at + CHANGE <= size; at += CHANGE) {
		const size_t place = (size_t)(data[at] | data[at + 1] << 8);
		const size_t offset =
			data[at + 2] & 1 ? FAKE_MAP + place % 16 : FAKE_TABLE + place % 0x700;
		const size_t width = (size_t)1 << (data[at + 2] >> 1) % 4;
		if (offset + width <= FAKE_SVE_SIZE)
			memcpy(fake.bytes + offset, data + at + 3, width);
	}
	struct gg_error *err = fake_sve_read(&fake, &registers);
	const uint64_t length = gg_register(&registers, ARM64_SVE_LENGTH);
	const uint64_t most = gg_register(&registers, ARM64_SVE_MAX);
	if (err || length % UNIT || length > most || most > ARM64_LONG_VECTOR ||
	    (length && !gg_register_known(&registers, ARM64_FFR)))
		abort();
	return 0;
}
