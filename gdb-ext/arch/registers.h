// SPDX-License-Identifier: GPL-3.0-or-later
//
// The registers of one CPU: one buffer, in which the architecture's table has a place for each
// register, and a mask of the bits that are known. A source (QEMU's memory, QEMU's monitor, a
// vmcore's notes, an unwinder) sets what it knows; a reader does not learn the source.
#ifndef GG_REGISTERS_H
#define GG_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	// Bytes of any architecture's buffer: the vectors and predicates of SVE have 8736.
	GG_REGISTERS_SIZE = 12 << 10,
};

struct gg_register_info {
	const char *name;    // GDB's, where GDB has one; NULL for a value that is not shown
	unsigned int offset; // in the buffer
	unsigned int size;   // in bytes, at least 1
};

// The registers of an architecture. A register's number is its index; the registers that an
// unwinder needs come first.
struct gg_register_set {
	const struct gg_register_info *infos;
	unsigned int count;
	unsigned int size;   // of the buffer, at most GG_REGISTERS_SIZE
	unsigned int pc, sp; // the numbers of the program counter and of the stack pointer
};

// A copy may have only the start of the room, with COUNT registers: gg_registers_copy_first().
struct gg_registers {
	const struct gg_register_set *set;
	unsigned int count; // registers with a place in ROOM; a register behind them is unknown
	unsigned int word;  // bytes in the widest general register that QEMU gives the CPU
	// Each register's bytes, the lowest first, and as many bytes with a set bit for each known
	// bit. An unknown bit is 0 in both.
	uint8_t room[2 * GG_REGISTERS_SIZE];
};

// Makes all registers unknown. The room behind those of SET is left alone.
void gg_registers_init(struct gg_registers *registers, const struct gg_register_set *set,
		       unsigned int word);

// Copies all registers of FROM, without the room behind them: cheaper than an assignment.
void gg_registers_copy(struct gg_registers *registers, const struct gg_registers *from);

// Copies the first COUNT registers into as little memory as they need; the copy knows no others.
// NULL without memory. The caller frees the copy.
struct gg_registers *gg_registers_copy_first(const struct gg_registers *registers,
					     unsigned int count);

// ---- Registers as integers: the lowest 8 bytes, and all of most registers ----

// Returns the value, 0 in the place of unknown bits.
uint64_t gg_register(const struct gg_registers *registers, unsigned int id);

// Returns the unknown bits, as far as the register has bits.
uint64_t gg_register_unknown(const struct gg_registers *registers, unsigned int id);

// Sets the register, with 0 in the bytes above VALUE; all of its bits are known then.
void gg_register_set(struct gg_registers *registers, unsigned int id, uint64_t value);

// Sets the bits of KNOWN to those of VALUE; other bits stay as they are.
void gg_register_learn(struct gg_registers *registers, unsigned int id, uint64_t value,
		       uint64_t known);

// Makes the bits of UNKNOWN unknown.
void gg_register_forget(struct gg_registers *registers, unsigned int id, uint64_t unknown);

// ---- Registers of any size ----

unsigned int gg_register_size(const struct gg_registers *registers, unsigned int id);

// Tests whether all bits are known, and whether any bit is.
bool gg_register_known(const struct gg_registers *registers, unsigned int id);
bool gg_register_has_known(const struct gg_registers *registers, unsigned int id);

// Return gg_register_size() bytes, the lowest first: the value, and a set bit for each bit that is
// known.
const uint8_t *gg_register_bytes(const struct gg_registers *registers, unsigned int id);
const uint8_t *gg_register_mask(const struct gg_registers *registers, unsigned int id);

// Sets the register's lowest SIZE bytes to BYTES, the lowest first; those behind them become
// unknown. Bytes that the register has no room for are dropped.
void gg_register_set_bytes(struct gg_registers *registers, unsigned int id, const uint8_t *bytes,
			   size_t size);

// Copies the register, known and unknown bits, from FROM, which has the same set.
void gg_register_copy(struct gg_registers *registers, unsigned int id,
		      const struct gg_registers *from);

#endif
