// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of one vCPU, as its architecture numbers them. A source (QEMU's CPU state, a
// gdbstub) fills in what it knows; who prints them does not know which source it was.
#ifndef GG_REGISTERS_H
#define GG_REGISTERS_H

#include "base/error.h"

#include <gdb-guest/cpus.h>

enum {
	GG_REGISTERS_MAX = 160, // of any architecture
	GG_REGISTER_BYTES = 64, // of any register
};

struct gg_register_info {
	const char *name;  // GDB's, where it has one; NULL for what is not shown as a register
	unsigned int size; // 1 to GG_REGISTER_BYTES
};

struct gg_register_value {
	uint64_t value;                   // of one with up to 8 bytes
	uint64_t unknown;                 // the bits of VALUE that nobody knows; of a larger
					  // one the bytes, bit 0 for the lowest
	uint8_t bytes[GG_REGISTER_BYTES]; // of a larger one, lowest first
};

struct gg_registers {
	struct gg_register_value values[GG_REGISTERS_MAX];
	unsigned int word; // bytes in the widest general register that QEMU gives the CPU
};

// Nothing is known.
void gg_registers_init(struct gg_registers *registers, unsigned int word);

static inline void gg_register_set(struct gg_registers *registers, unsigned int id, uint64_t value)
{
	registers->values[id].value = value;
	registers->values[id].unknown = 0;
}

// The value; 0 in the place of unknown bits.
static inline uint64_t gg_register(const struct gg_registers *registers, unsigned int id)
{
	return registers->values[id].value & ~registers->values[id].unknown;
}

static inline bool gg_register_known(const struct gg_registers *registers, unsigned int id)
{
	return !registers->values[id].unknown;
}

#endif
