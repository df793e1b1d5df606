// SPDX-License-Identifier: GPL-3.0-or-later
//
// A unit of .debug_info that is being written. For dwarf*.c alone.
#ifndef GG_VMLINUX_DWARF_ENCODER_H
#define GG_VMLINUX_DWARF_ENCODER_H

#include "dwarf-tables.h"
#include "dwarf-types.h"

#include <bpf/btf.h>

enum { GG_DWARF_MODIFIERS = 32 }; // at most, of a type

// A reference to a type whose entry may not be written yet.
struct gg_dwarf_reference {
	size_t position; // in .debug_info
	uint32_t id;
};

struct gg_dwarf_encoder {
	struct gg_dwarf *dwarf;
	const struct gg_dwarf_unit *unit;
	const struct btf *btf;
	uint32_t first, end;         // the unit's own ids
	uint32_t *offsets;           // of these
	uint32_t names;              // what is added to the offset of a name of the unit's own
	uint32_t base_names;         // the size of the base's names
	uint32_t index_type;         // the id of the type of an array's index
	struct gg_buffer references; // struct gg_dwarf_reference
};

// Puts the low SIZE bytes of VALUE.
void gg_dwarf_put(struct gg_dwarf_encoder *encoder, unsigned int size, uint64_t value);

void gg_dwarf_put_code(struct gg_dwarf_encoder *encoder, enum gg_dwarf_entry code);

// Puts the name at OFFSET in the BTF's names.
void gg_dwarf_put_name(struct gg_dwarf_encoder *encoder, uint32_t offset);

void gg_dwarf_put_address(struct gg_dwarf_encoder *encoder, gg_gva_t address);

// Returns the type that ID stands for: tags of types have no entry of their own. 0 is void.
uint32_t gg_dwarf_resolve(const struct gg_dwarf_encoder *encoder, uint32_t id);

// Puts a reference to the type ID, which is not void.
void gg_dwarf_put_type(struct gg_dwarf_encoder *encoder, uint32_t id);

// Puts the variable that the BTF's TYPE is, if the unit knows its place.
void gg_dwarf_put_variable(struct gg_dwarf_encoder *encoder, const struct btf_type *type);

// Puts the unit's globals and constants.
void gg_dwarf_put_globals(struct gg_dwarf_encoder *encoder);

#endif
