// SPDX-License-Identifier: GPL-3.0-or-later
//
// The abbreviations (DWARF 4, section 7.5.3): the kinds of entries that dwarf.c writes.
#ifndef GG_VMLINUX_DWARF_TABLES_H
#define GG_VMLINUX_DWARF_TABLES_H

#include "base/buffer.h"

// An entry with _VOID lacks the type, with _ANON the name, with _LEAF the children.
enum gg_dwarf_entry {
	GG_DW_END, // of a list of children
	GG_DW_UNIT,
	GG_DW_BASE,
	GG_DW_POINTER,
	GG_DW_POINTER_VOID,
	GG_DW_CONST,
	GG_DW_CONST_VOID,
	GG_DW_VOLATILE,
	GG_DW_VOLATILE_VOID,
	GG_DW_RESTRICT,
	GG_DW_RESTRICT_VOID,
	GG_DW_TYPEDEF,
	GG_DW_TYPEDEF_VOID,
	GG_DW_ARRAY,
	GG_DW_RANGE,
	GG_DW_RANGE_EMPTY,
	GG_DW_RANGE_OPEN, // of an array without a count
	GG_DW_STRUCT,
	GG_DW_STRUCT_ANON,
	GG_DW_STRUCT_LEAF,
	GG_DW_STRUCT_LEAF_ANON,
	GG_DW_UNION,
	GG_DW_UNION_ANON,
	GG_DW_UNION_LEAF,
	GG_DW_UNION_LEAF_ANON,
	GG_DW_MEMBER,
	GG_DW_MEMBER_ANON,
	GG_DW_BIT_FIELD,
	GG_DW_ENUM,
	GG_DW_ENUM_ANON,
	GG_DW_ENUM_LEAF,
	GG_DW_ENUM_LEAF_ANON,
	GG_DW_ENUMERATOR,
	GG_DW_ENUMERATOR_UNSIGNED,
	GG_DW_STRUCT_DECLARED,
	GG_DW_UNION_DECLARED,
	GG_DW_FUNCTION_TYPE,
	GG_DW_FUNCTION_TYPE_VOID,
	GG_DW_FUNCTION_TYPE_LEAF,
	GG_DW_FUNCTION_TYPE_LEAF_VOID,
	GG_DW_FUNCTION,
	GG_DW_FUNCTION_VOID,
	GG_DW_FUNCTION_LEAF,
	GG_DW_FUNCTION_LEAF_VOID,
	GG_DW_PARAMETER,        // of a function's type
	GG_DW_NAMED_PARAMETER,  // of a function
	GG_DW_PLACED_PARAMETER, // of a function, with the place where it is
	GG_DW_MORE_PARAMETERS,  // "..."
	GG_DW_VARIABLE,
	GG_DW_CONSTANT, // a variable that has a value and no place
	GG_DW_ENTRIES,
};

// Appends .debug_abbrev.
void gg_dwarf_append_abbreviations(struct gg_buffer *abbreviations);

// Append an unsigned and a signed integer in LEB128.
void gg_dwarf_append_uleb(struct gg_buffer *buffer, uint64_t value);
void gg_dwarf_append_sleb(struct gg_buffer *buffer, int64_t value);

#endif
