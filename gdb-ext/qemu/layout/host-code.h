// SPDX-License-Identifier: GPL-3.0-or-later
//
// The row of an operation on the code of QEMU itself, for each architecture that QEMU may run on,
// which need not be the guest's. The table is that of arch/arch.h.
#ifndef GG_HOST_CODE_H
#define GG_HOST_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The access by which a function shows the place of a member or of a variable.
enum gg_code_access {
	GG_CODE_RETURNS_WORD,      // returns 8 bytes of what its first argument points to
	GG_CODE_LOADS_WORD,        // loads 8 bytes of it
	GG_CODE_LOADS_BYTE,        // loads a byte of it
	GG_CODE_LOADS_HALF,        // loads 4 bytes of whatever
	GG_CODE_LOADS_VARIABLE,    // loads 4 bytes of a variable
	GG_CODE_TESTS_BYTE,        // compares a byte of it with 0
	GG_CODE_SETS_BYTE,         // stores 1 to a byte of it
	GG_CODE_COMPARES_WORD,     // compares 4 bytes of whatever with its first argument
	GG_CODE_COMPARES_VARIABLE, // compares 4 bytes of a variable with its first argument
};

// The start of a function's code.
struct gg_function_code {
	const uint8_t *bytes;
	size_t size;
	uint64_t address;
};

struct gg_host_code {
	uint16_t elf_machine; // EM_...

	// Finds the place of CODE's first access of that kind: an offset, for a variable an address.
	// False without such an access.
	bool (*find_place)(const struct gg_function_code *code, enum gg_code_access access,
			   uint64_t *ret);
};

#endif
