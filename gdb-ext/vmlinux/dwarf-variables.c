// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the BTF's variables; the globals and constants that a unit has beside them; the places of all.
// Out: their entries in .debug_info, with the types of arrays and pointers that the BTF lacks.
// Trusts nothing it reads: a variable that would reach beyond the next symbol is left out.
#include "dwarf-encoder.h"

#include <dwarf.h>
#include <string.h>

static void put_place(struct gg_dwarf_encoder *encoder, gg_gva_t address)
{
	gg_dwarf_append_uleb(&encoder->dwarf->info, 1 + encoder->dwarf->word);
	gg_dwarf_put(encoder, 1, DW_OP_addr);
	gg_dwarf_put_address(encoder, address);
}

void gg_dwarf_put_variable(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	const struct gg_dwarf_unit *unit = encoder->unit;
	struct gg_dwarf_place place;
	const char *name = btf__str_by_offset(encoder->btf, type->name_off);
	const uint32_t target = gg_dwarf_resolve(encoder, type->type);
	if (!target || !name || !unit->variable(unit->data, name, &place))
		return;
	gg_dwarf_put_code(encoder, GG_DW_VARIABLE);
	gg_dwarf_put_name(encoder, type->name_off);
	gg_dwarf_put_type(encoder, target);
	put_place(encoder, place.address);
}

// Appends NAME to the strings; returns its offset in .debug_str.
static uint32_t append_name(struct gg_dwarf_encoder *encoder, const char *name)
{
	const uint32_t offset = (uint32_t)encoder->dwarf->strings.size;
	gg_buffer_append(&encoder->dwarf->strings, name, strlen(name) + 1);
	return offset;
}

// Finds the type NAME: an integer, or a type that gg_btf_find() finds; 0 without.
static uint32_t find_type(const struct gg_dwarf_encoder *encoder, const char *name)
{
	const int32_t integer = btf__find_by_name_kind(encoder->btf, name, BTF_KIND_INT);
	return gg_dwarf_resolve(encoder, integer > 0 ? (uint32_t)integer
						     : gg_btf_find(encoder->unit->btf, name));
}

// Returns the size of GLOBAL's type ID, or of a pointer to it; 0 where it has none.
static uint64_t element_size(const struct gg_dwarf_encoder *encoder,
			     const struct gg_dwarf_global *global, uint32_t id)
{
	const int64_t size =
		global->pointers ? encoder->dwarf->word : btf__resolve_size(encoder->btf, id);
	return size > 0 ? (uint64_t)size : 0;
}

// Counts the values of an enumeration from 0 on; with ENUMERATOR the values below it.
static uint64_t count_enumeration(const struct gg_dwarf_encoder *encoder, const char *name,
				  const char *enumerator)
{
	const struct btf_type *type =
		btf__type_by_id(encoder->btf, gg_btf_find(encoder->unit->btf, name));
	uint64_t count = 0;
	for (uint32_t i = 0; type && btf_is_enum(type) && i < btf_vlen(type); i++) {
		const struct btf_enum *value = btf_enum(type) + i;
		const char *own = btf__str_by_offset(encoder->btf, value->name_off);
		if (enumerator && own && !strcmp(own, enumerator))
			return value->val > 0 ? (uint64_t)value->val : 0;
		if (value->val >= 0 && (uint64_t)value->val >= count)
			count = (uint64_t)value->val + 1;
	}
	return enumerator ? 0 : count;
}

// Counts the elements, of SIZE bytes, of GLOBAL at PLACE; 0: not known.
static uint64_t count_elements(const struct gg_dwarf_encoder *encoder,
			       const struct gg_dwarf_global *global,
			       const struct gg_dwarf_place *place, uint64_t size)
{
	const struct gg_dwarf_unit *unit = encoder->unit;
	switch (global->count) {
	case GG_DW_NO_ARRAY:
		return 1;
	case GG_DW_FIXED:
		return global->elements;
	case GG_DW_TO_SYMBOL:
		return place->size / size;
	case GG_DW_TO_ZEROS:
		return (unit->measure(unit->data, place) + size - 1) / size;
	case GG_DW_ENUMERATED:
	case GG_DW_TO_ENUMERATOR:
		return count_enumeration(encoder, global->enumeration, global->enumerator);
	default:
		return 0;
	}
}

// Puts the reference to the entry at OFFSET, or to that of the type ID where OFFSET is 0.
static void put_type_at(struct gg_dwarf_encoder *encoder, uint32_t offset, uint32_t id)
{
	if (offset)
		gg_dwarf_put(encoder, 4, offset);
	else
		gg_dwarf_put_type(encoder, id);
}

// Puts the type of a pointer or array that GLOBAL is; returns its entry's offset, 0 where it is of the
// type ID itself.
static uint32_t put_derived(struct gg_dwarf_encoder *encoder, const struct gg_dwarf_global *global,
			    uint32_t id, uint64_t count)
{
	uint32_t element = 0;
	for (unsigned int i = 0; i < global->pointers; i++) {
		const uint32_t pointer = (uint32_t)encoder->dwarf->info.size;
		gg_dwarf_put_code(encoder, GG_DW_POINTER);
		gg_dwarf_put(encoder, 4, encoder->dwarf->word);
		put_type_at(encoder, element, id);
		element = pointer;
	}
	if (global->count == GG_DW_NO_ARRAY)
		return element;
	const uint32_t array = (uint32_t)encoder->dwarf->info.size;
	gg_dwarf_put_code(encoder, GG_DW_ARRAY);
	put_type_at(encoder, element, id);
	gg_dwarf_put_code(encoder, count ? GG_DW_RANGE : GG_DW_RANGE_OPEN);
	gg_dwarf_put_type(encoder, encoder->index_type);
	if (count)
		gg_dwarf_append_uleb(&encoder->dwarf->info, count - 1);
	gg_dwarf_put_code(encoder, GG_DW_END);
	return array;
}

// Puts GLOBAL, unless it would reach beyond the next symbol: it is of another type then.
static void put_global(struct gg_dwarf_encoder *encoder, const struct gg_dwarf_global *global)
{
	const struct gg_dwarf_unit *unit = encoder->unit;
	struct gg_dwarf_place place;
	const uint32_t id = find_type(encoder, global->type);
	const uint64_t size = id ? element_size(encoder, global, id) : 0;
	if (!size || !unit->variable(unit->data, global->name, &place))
		return;
	const uint64_t count = count_elements(encoder, global, &place, size);
	if (place.size && ((count ? count : 1) > place.size / size ||
			   (global->most && place.size > global->most)))
		return;
	const uint32_t derived = put_derived(encoder, global, id, count);
	gg_dwarf_put_code(encoder, GG_DW_VARIABLE);
	gg_dwarf_put(encoder, 4, append_name(encoder, global->name));
	put_type_at(encoder, derived, id);
	put_place(encoder, place.address);
}

// Puts CONSTANT, unless there is a variable of its name.
static void put_constant(struct gg_dwarf_encoder *encoder, const struct gg_dwarf_constant *constant)
{
	const struct gg_dwarf_unit *unit = encoder->unit;
	struct gg_dwarf_place place;
	const uint32_t id = find_type(encoder, constant->type);
	if (!id || unit->variable(unit->data, constant->name, &place))
		return;
	gg_dwarf_put_code(encoder, GG_DW_CONSTANT);
	gg_dwarf_put(encoder, 4, append_name(encoder, constant->name));
	gg_dwarf_put_type(encoder, id);
	gg_dwarf_append_sleb(&encoder->dwarf->info, constant->value);
}

void gg_dwarf_put_globals(struct gg_dwarf_encoder *encoder)
{
	const struct gg_dwarf_global *global = encoder->unit->globals;
	const struct gg_dwarf_constant *constant = encoder->unit->constants;
	for (; global && global->name; global++)
		put_global(encoder, global);
	for (; constant && constant->name; constant++)
		put_constant(encoder, constant);
}
