// SPDX-License-Identifier: GPL-3.0-or-later
//
// Code of x86. The first byte of the input chooses bits and syntax, the rest is the code.
#include "fuzz.h"

#include "arch/x86/x86.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int bits[] = { 16, 32, 64, 64 };
	enum { INTEL = 4, MANY = 64 };
	if (size < 2)
		return 0;
	struct gg_code code = { .bytes = data + 1,
				.size = size - 1,
				.address = UINT64_C(0xffffffff81000000),
				.bits = bits[data[0] % 4],
				.intel = data[0] & INTEL };
	for (unsigned int i = 0; i < MANY && code.size; i++) {
		struct gg_instruction instruction;
		struct gg_error *err = x86_disassemble(&code, &instruction);
		if (err || !instruction.size || instruction.size > code.size ||
		    instruction.address != code.address || !*instruction.text ||
		    strlen(instruction.text) >= sizeof(instruction.text) - 1)
			abort();
		code.bytes += instruction.size;
		code.size -= instruction.size;
		code.address += instruction.size;
	}
	return 0;
}
