// SPDX-License-Identifier: GPL-3.0-or-later
#include "dwarf-tables.h"

#include <dwarf.h>

enum { MOST_ATTRIBUTES = 8 };

struct abbreviation {
	uint16_t tag;
	bool has_children;
	uint16_t attributes[MOST_ATTRIBUTES][2]; // attribute and form, up to zeros
};

#define NAME                                                                                       \
	{                                                                                          \
		DW_AT_name, DW_FORM_strp                                                           \
	}
#define TYPE                                                                                       \
	{                                                                                          \
		DW_AT_type, DW_FORM_ref_addr                                                       \
	}
#define SIZE                                                                                       \
	{                                                                                          \
		DW_AT_byte_size, DW_FORM_data4                                                     \
	}
#define EXTERNAL                                                                                   \
	{                                                                                          \
		DW_AT_external, DW_FORM_flag_present                                               \
	}
#define PROTOTYPED                                                                                 \
	{                                                                                          \
		DW_AT_prototyped, DW_FORM_flag_present                                             \
	}
#define CODE                                                                                       \
	{ DW_AT_low_pc, DW_FORM_addr },                                                            \
	{                                                                                          \
		DW_AT_high_pc, DW_FORM_data4                                                       \
	}
#define OFFSET                                                                                     \
	{                                                                                          \
		DW_AT_data_member_location, DW_FORM_data4                                          \
	}

static const struct abbreviation table[GG_DW_ENTRIES] = {
	[GG_DW_UNIT] = { DW_TAG_compile_unit,
			 true,
			 { { DW_AT_name, DW_FORM_string },
			   { DW_AT_language, DW_FORM_data1 },
			   { DW_AT_low_pc, DW_FORM_addr },
			   { DW_AT_high_pc, DW_FORM_data8 } } },
	[GG_DW_BASE] = { DW_TAG_base_type,
			 false,
			 { NAME, SIZE, { DW_AT_encoding, DW_FORM_data1 } } },
	[GG_DW_POINTER] = { DW_TAG_pointer_type, false, { SIZE, TYPE } },
	[GG_DW_POINTER_VOID] = { DW_TAG_pointer_type, false, { SIZE } },
	[GG_DW_CONST] = { DW_TAG_const_type, false, { TYPE } },
	[GG_DW_CONST_VOID] = { DW_TAG_const_type, false, { { 0 } } },
	[GG_DW_VOLATILE] = { DW_TAG_volatile_type, false, { TYPE } },
	[GG_DW_VOLATILE_VOID] = { DW_TAG_volatile_type, false, { { 0 } } },
	[GG_DW_RESTRICT] = { DW_TAG_restrict_type, false, { TYPE } },
	[GG_DW_RESTRICT_VOID] = { DW_TAG_restrict_type, false, { { 0 } } },
	[GG_DW_TYPEDEF] = { DW_TAG_typedef, false, { NAME, TYPE } },
	[GG_DW_TYPEDEF_VOID] = { DW_TAG_typedef, false, { NAME } },
	[GG_DW_ARRAY] = { DW_TAG_array_type, true, { TYPE } },
	[GG_DW_RANGE] = { DW_TAG_subrange_type,
			  false,
			  { TYPE, { DW_AT_upper_bound, DW_FORM_udata } } },
	[GG_DW_RANGE_EMPTY] = { DW_TAG_subrange_type,
				false,
				{ TYPE, { DW_AT_count, DW_FORM_udata } } },
	[GG_DW_RANGE_OPEN] = { DW_TAG_subrange_type, false, { TYPE } },
	[GG_DW_STRUCT] = { DW_TAG_structure_type, true, { NAME, SIZE } },
	[GG_DW_STRUCT_ANON] = { DW_TAG_structure_type, true, { SIZE } },
	[GG_DW_STRUCT_LEAF] = { DW_TAG_structure_type, false, { NAME, SIZE } },
	[GG_DW_STRUCT_LEAF_ANON] = { DW_TAG_structure_type, false, { SIZE } },
	[GG_DW_UNION] = { DW_TAG_union_type, true, { NAME, SIZE } },
	[GG_DW_UNION_ANON] = { DW_TAG_union_type, true, { SIZE } },
	[GG_DW_UNION_LEAF] = { DW_TAG_union_type, false, { NAME, SIZE } },
	[GG_DW_UNION_LEAF_ANON] = { DW_TAG_union_type, false, { SIZE } },
	[GG_DW_MEMBER] = { DW_TAG_member, false, { NAME, TYPE, OFFSET } },
	[GG_DW_MEMBER_ANON] = { DW_TAG_member, false, { TYPE, OFFSET } },
	[GG_DW_BIT_FIELD] = { DW_TAG_member,
			      false,
			      { NAME,
				TYPE,
				{ DW_AT_bit_size, DW_FORM_data1 },
				{ DW_AT_data_bit_offset, DW_FORM_data4 } } },
	[GG_DW_ENUM] = { DW_TAG_enumeration_type, true, { NAME, SIZE } },
	[GG_DW_ENUM_ANON] = { DW_TAG_enumeration_type, true, { SIZE } },
	[GG_DW_ENUM_LEAF] = { DW_TAG_enumeration_type, false, { NAME, SIZE } },
	[GG_DW_ENUM_LEAF_ANON] = { DW_TAG_enumeration_type, false, { SIZE } },
	[GG_DW_ENUMERATOR] = { DW_TAG_enumerator,
			       false,
			       { NAME, { DW_AT_const_value, DW_FORM_sdata } } },
	[GG_DW_ENUMERATOR_UNSIGNED] = { DW_TAG_enumerator,
					false,
					{ NAME, { DW_AT_const_value, DW_FORM_udata } } },
	[GG_DW_STRUCT_DECLARED] = { DW_TAG_structure_type,
				    false,
				    { NAME, { DW_AT_declaration, DW_FORM_flag_present } } },
	[GG_DW_UNION_DECLARED] = { DW_TAG_union_type,
				   false,
				   { NAME, { DW_AT_declaration, DW_FORM_flag_present } } },
	[GG_DW_FUNCTION_TYPE] = { DW_TAG_subroutine_type, true, { PROTOTYPED, TYPE } },
	[GG_DW_FUNCTION_TYPE_VOID] = { DW_TAG_subroutine_type, true, { PROTOTYPED } },
	[GG_DW_FUNCTION_TYPE_LEAF] = { DW_TAG_subroutine_type, false, { PROTOTYPED, TYPE } },
	[GG_DW_FUNCTION_TYPE_LEAF_VOID] = { DW_TAG_subroutine_type, false, { PROTOTYPED } },
	[GG_DW_FUNCTION] = { DW_TAG_subprogram, true, { EXTERNAL, NAME, CODE, PROTOTYPED, TYPE } },
	[GG_DW_FUNCTION_VOID] = { DW_TAG_subprogram, true, { EXTERNAL, NAME, CODE, PROTOTYPED } },
	[GG_DW_FUNCTION_LEAF] = { DW_TAG_subprogram,
				  false,
				  { EXTERNAL, NAME, CODE, PROTOTYPED, TYPE } },
	[GG_DW_FUNCTION_LEAF_VOID] = { DW_TAG_subprogram,
				       false,
				       { EXTERNAL, NAME, CODE, PROTOTYPED } },
	[GG_DW_PARAMETER] = { DW_TAG_formal_parameter, false, { TYPE } },
	[GG_DW_NAMED_PARAMETER] = { DW_TAG_formal_parameter, false, { NAME, TYPE } },
	[GG_DW_PLACED_PARAMETER] = { DW_TAG_formal_parameter,
				     false,
				     { NAME, TYPE, { DW_AT_location, DW_FORM_sec_offset } } },
	[GG_DW_MORE_PARAMETERS] = { DW_TAG_unspecified_parameters, false, { { 0 } } },
	[GG_DW_VARIABLE] = { DW_TAG_variable,
			     false,
			     { EXTERNAL, NAME, TYPE, { DW_AT_location, DW_FORM_exprloc } } },
	[GG_DW_CONSTANT] = { DW_TAG_variable,
			     false,
			     { NAME, TYPE, { DW_AT_const_value, DW_FORM_sdata } } },
};

void gg_dwarf_append_uleb(struct gg_buffer *buffer, uint64_t value)
{
	do {
		const uint8_t low = value & 0x7f;
		value >>= 7;
		gg_buffer_uint(buffer, 1, low | (value ? 0x80 : 0));
	} while (value);
}

void gg_dwarf_append_sleb(struct gg_buffer *buffer, int64_t value)
{
	bool more = true;
	while (more) {
		const uint8_t low = value & 0x7f;
		value >>= 7;
		more = value != (low & 0x40 ? -1 : 0);
		gg_buffer_uint(buffer, 1, low | (more ? 0x80 : 0));
	}
}

void gg_dwarf_append_abbreviations(struct gg_buffer *abbreviations)
{
	for (unsigned int code = 1; code < GG_DW_ENTRIES; code++) {
		const struct abbreviation *row = &table[code];
		gg_dwarf_append_uleb(abbreviations, code);
		gg_dwarf_append_uleb(abbreviations, row->tag);
		gg_buffer_uint(abbreviations, 1, row->has_children);
		for (unsigned int i = 0; i < MOST_ATTRIBUTES && row->attributes[i][0]; i++) {
			gg_dwarf_append_uleb(abbreviations, row->attributes[i][0]);
			gg_dwarf_append_uleb(abbreviations, row->attributes[i][1]);
		}
		gg_buffer_zeros(abbreviations, 2);
	}
	gg_buffer_zeros(abbreviations, 1);
}
