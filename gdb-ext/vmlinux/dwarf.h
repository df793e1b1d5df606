// SPDX-License-Identifier: GPL-3.0-or-later
//
// DWARF 4 (dwarfstd.org) of a kernel whose types are BTF: a compilation unit for each BTF, with its
// types, its functions and its variables.
#ifndef GG_VMLINUX_DWARF_H
#define GG_VMLINUX_DWARF_H

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

// A variable that no BTF lists, by its name and its type's.
struct gg_dwarf_global {
	const char *name, *type;
	unsigned int count; // of the elements of an array; 0: no array
	bool is_pointer;    // to TYPE
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
	bool (*variable)(void *data, const char *name, gg_gva_t *ret);
	void *data;
	const struct gg_dwarf_global *globals; // up to a row without a name; or NULL
};

// Begins DWARF, whose sections are of the byte order BIG_ENDIAN and addresses of WORD bytes.
void gg_dwarf_init(struct gg_dwarf *dwarf, bool big_endian, unsigned int word);
void gg_dwarf_deinit(struct gg_dwarf *dwarf);

// Appends UNIT; the unit of the kernel itself comes first.
struct gg_error *gg_dwarf_add_unit(struct gg_dwarf *dwarf, const struct gg_dwarf_unit *unit);

#endif
