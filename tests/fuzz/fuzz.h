// SPDX-License-Identifier: GPL-3.0-or-later
//
// A fuzz target is a file that defines LLVMFuzzerTestOneInput(). With clang's libFuzzer it fuzzes
// (make fuzz); with standalone.c it replays its seeds and a fixed number of variants (make check).
#ifndef FUZZ_H
#define FUZZ_H

#include <gdb-guest.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Calls VISIT with each line of an input that is a case. A byte that no text has stands for a hex digit, so that damage
// changes numbers and not only lines; a zero is a line's end.
static inline void fuzz_lines(const uint8_t *data, size_t size,
			      void (*visit)(void *visit_data, const char *line), void *visit_data)
{
	enum { MAX_LINE = 512 };
	char line[MAX_LINE];
	size_t used = 0;
	for (size_t i = 0; i < size; i++) {
		const bool is_text = data[i] >= ' ' && data[i] <= '~';
		if (data[i] && data[i] != '\n' && used < MAX_LINE - 1) {
			line[used++] = is_text ? (char)data[i] : "0123456789abcdef"[data[i] & 15];
			continue;
		}
		line[used] = 0;
		used = 0;
		visit(visit_data, line);
	}
}

#endif
