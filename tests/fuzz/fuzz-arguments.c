// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged stacks of a program, with its command line. The input is a list of changes to a sound stack: (word
// u8, value u64).
#include "fuzz.h"

#include "files/arguments.h"

#include <stdlib.h>
#include <string.h>

enum { START = 0x10000, WORDS = 48, FIRST = 8, STRINGS = 32, CHANGE = 9 };

// Lays out three arguments and a variable.
static void make_sound(uint64_t words[WORDS])
{
	static const char strings[] = "qemu\0-m\0256\0HOME=/";
	static const uint64_t head[] = {
		3,
		START + 8 * STRINGS,
		START + 8 * STRINGS + 5,
		START + 8 * STRINGS + 8,
		0,
		START + 8 * STRINGS + 12,
		0,
		31,
		START,
		0,
		0,
	};
	memset(words, 0, 8 * WORDS);
	memcpy(words + FIRST, head, sizeof(head));
	memcpy(words + STRINGS, strings, sizeof(strings));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t words[WORDS];
	static const uint64_t auxv[] = { 31, START, 0, 0 };
	struct gg_buffer found = { 0 };
	const struct gg_stack_bytes stack = {
		.bytes = (const uint8_t *)words, .start = START, .size = sizeof(words), .word = 8
	};
	make_sound(words);
	for (; size >= CHANGE; data += CHANGE, size -= CHANGE)
		memcpy(&words[*data % WORDS], data + 1, 8);
	struct gg_error *err =
		gg_arguments_find(&stack, (const uint8_t *)auxv, sizeof(auxv), &found);
	// No byte is an argument twice.
	if (!err && found.size > sizeof(words))
		abort();
	gg_error_destroy(err);
	gg_buffer_deinit(&found);
	return 0;
}
