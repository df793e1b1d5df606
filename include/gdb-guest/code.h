// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's code.
#ifndef GDB_GUEST_CODE_H
#define GDB_GUEST_CODE_H

#include "notices.h"
#include "guest.h"

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)

enum { GG_INSTRUCTION_BYTES = 16 }; // more than any known architecture has

struct gg_instruction {
	gg_gva_t address;
	unsigned int size; // in bytes
	uint8_t bytes[GG_INSTRUCTION_BYTES];
	bool is_whole; // else a byte that starts no instruction, "(bad)"
	char text[200];
	bool has_target; // the instruction has an address, by its distance: ...
	bool is_branch;  // ... where the instruction leads, else the memory that it uses
	gg_gva_t target;
};

typedef struct gg_error *gg_visit_instruction_fn(void *data,
						 const struct gg_instruction *instruction);

struct gg_disassembly {
	int64_t cpu; // whose address space and mode; or GG_KERNEL_TABLES
	gg_gva_t address;
	uint64_t count; // of instructions
	bool intel;     // in Intel's syntax rather than AT&T's
};

// Calls VISIT for each instruction that WHAT has. An error of VISIT's ends the work. GG_UNSUPPORTED
// for an architecture whose code is not shown yet; notices and other errors are those of
// gg_guest_address_space() and gg_address_space_read().
struct gg_error *gg_guest_disassemble(struct gg_guest *guest, const struct gg_disassembly *what,
				      gg_visit_instruction_fn *visit, void *data,
				      const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
