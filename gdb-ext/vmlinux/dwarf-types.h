// SPDX-License-Identifier: GPL-3.0-or-later
//
// The sections of DWARF, and what a compilation unit is made of.
#ifndef GG_VMLINUX_DWARF_TYPES_H
#define GG_VMLINUX_DWARF_TYPES_H

#include "base/buffer.h"
#include "linux/types/btf.h"

#include <gdb-guest/types.h>

// The sections. Zeros but for WORD, the size of an address, and the order of bytes in each buffer are
// the beginning.
struct gg_dwarf {
	unsigned int word;
	struct gg_buffer info, abbreviations, strings, locations, ranges;
	uint32_t *offsets; // in INFO, of the types of the first unit by id; owned
	uint32_t count;
};

// A function's code.
struct gg_dwarf_function {
	gg_gva_t address;
	uint64_t size;
	// The bytes at its beginning that leave the arguments where the caller put them: while the pc
	// is at most so far in the function they are there.
	uint32_t entry;
};

// A variable's place.
struct gg_dwarf_place {
	gg_gva_t address;
	uint64_t size; // up to the next symbol; 0: not known
};

// The number of a variable's elements.
enum gg_dwarf_count {
	GG_DW_NO_ARRAY,
	GG_DW_UNCOUNTED,
	GG_DW_FIXED,        // ELEMENTS
	GG_DW_TO_SYMBOL,    // up to the next symbol: padding may count
	GG_DW_TO_ZEROS,     // up to the zeros before the next symbol
	GG_DW_ENUMERATED,   // as many as an enumeration has values
	GG_DW_TO_ENUMERATOR // an enumerator's value
};

// A variable that no BTF lists, by its name and its type's.
struct gg_dwarf_global {
	const char *name, *type;
	unsigned int
		pointers; // 1: the variable, or each element, is a pointer to TYPE; 2: to a pointer to it
	unsigned int most; // bytes up to the next symbol; more are of another type; 0: any number
	enum gg_dwarf_count count;
	unsigned int elements;
	const char *enumeration, *enumerator;
};

// A constant that the compiler has put into the code.
struct gg_dwarf_constant {
	const char *name, *type;
	int64_t value;
};

struct gg_dwarf_unit {
	const char *name; // of the compilation unit
	const struct gg_btf *btf;
	const struct gg_btf *base; // of the first unit, if BTF builds on it; else NULL
	gg_gva_t low, high;        // of its code
	// DWARF's numbers of the registers that have a function's first integer arguments.
	const uint8_t *argument_registers;
	unsigned int argument_register_count;
	// Finds the only function NAME of the unit; false without or with several.
	bool (*function)(void *data, const char *name, struct gg_dwarf_function *ret);
	// Finds the only variable NAME of the unit.
	bool (*variable)(void *data, const char *name, struct gg_dwarf_place *ret);
	// Measures the bytes of PLACE up to the zeros at its end; 0 where they cannot be read.
	uint64_t (*measure)(void *data, const struct gg_dwarf_place *place);
	void *data;
	// Up to a row without a name; or NULL.
	const struct gg_dwarf_global *globals;
	const struct gg_dwarf_constant *constants;
};

#endif
