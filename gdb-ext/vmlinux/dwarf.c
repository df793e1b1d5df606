// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  BTF, which btf.c has checked; the places of functions and variables.
// Out: .debug_info, .debug_abbrev, .debug_str, .debug_loc and .debug_aranges.
// Trusts nothing it reads: an id without a type is void; a name is printable, whatever bytes it had.
#include "dwarf.h"
#include "base/cleanup.h"
#include "dwarf-encoder.h"

#include <bpf/btf.h>
#include <byteswap.h>
#include <dwarf.h>
#include <inttypes.h>
#include <string.h>

enum { DWARF_VERSION = 4, UNKNOWN_NAME = 0 };

void gg_dwarf_init(struct gg_dwarf *dwarf, bool big_endian, unsigned int word)
{
	*dwarf = (struct gg_dwarf){ .word = word };
	struct gg_buffer *const buffers[] = { &dwarf->info, &dwarf->abbreviations, &dwarf->strings,
					      &dwarf->locations, &dwarf->ranges };
	for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
		buffers[i]->big_endian = big_endian;
	gg_dwarf_append_abbreviations(&dwarf->abbreviations);
}

void gg_dwarf_deinit(struct gg_dwarf *dwarf)
{
	gg_buffer_deinit(&dwarf->info);
	gg_buffer_deinit(&dwarf->abbreviations);
	gg_buffer_deinit(&dwarf->strings);
	gg_buffer_deinit(&dwarf->locations);
	gg_buffer_deinit(&dwarf->ranges);
	free(dwarf->offsets);
	*dwarf = (struct gg_dwarf){ 0 };
}

// ---- Types ----

// Puts CODE and the type ID, or the code behind CODE where ID is void.
static void put_modifier(struct gg_dwarf_encoder *encoder, enum gg_dwarf_entry code, uint32_t id)
{
	id = gg_dwarf_resolve(encoder, id);
	gg_dwarf_put_code(encoder, id ? code : code + 1);
	if (id)
		gg_dwarf_put_type(encoder, id);
}

static void put_integer(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	const uint8_t encoding = btf_int_encoding(type);
	const char *name = btf__str_by_offset(encoder->btf, type->name_off);
	const bool is_char = type->size == 1 && name && strstr(name, "char");
	gg_dwarf_put_code(encoder, GG_DW_BASE);
	gg_dwarf_put_name(encoder, type->name_off);
	gg_dwarf_put(encoder, 4, type->size);
	if (encoding & BTF_INT_BOOL)
		gg_dwarf_put(encoder, 1, DW_ATE_boolean);
	else if (encoding & BTF_INT_SIGNED)
		gg_dwarf_put(encoder, 1, is_char ? DW_ATE_signed_char : DW_ATE_signed);
	else
		gg_dwarf_put(encoder, 1, is_char ? DW_ATE_unsigned_char : DW_ATE_unsigned);
}

static void put_float(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	gg_dwarf_put_code(encoder, GG_DW_BASE);
	gg_dwarf_put_name(encoder, type->name_off);
	gg_dwarf_put(encoder, 4, type->size);
	gg_dwarf_put(encoder, 1, DW_ATE_float);
}

static void put_pointer(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	const uint32_t target = gg_dwarf_resolve(encoder, type->type);
	gg_dwarf_put_code(encoder, target ? GG_DW_POINTER : GG_DW_POINTER_VOID);
	gg_dwarf_put(encoder, 4, encoder->dwarf->word);
	if (target)
		gg_dwarf_put_type(encoder, target);
}

// Puts an array. BTF has no difference between one of no elements and one without a count, a structure's last member: both
// have the count 0, as GDB 16 takes a structure in which an array has no count for one whose layout is found at run time,
// and shows no offsets of it (ptype /o).
static void put_array(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	const struct btf_array *array = btf_array(type);
	const uint32_t element = gg_dwarf_resolve(encoder, array->type);
	gg_dwarf_put_code(encoder, GG_DW_ARRAY);
	gg_dwarf_put_type(encoder, element ? element : encoder->index_type);
	gg_dwarf_put_code(encoder, array->nelems ? GG_DW_RANGE : GG_DW_RANGE_EMPTY);
	gg_dwarf_put_type(encoder, encoder->index_type);
	gg_dwarf_append_uleb(&encoder->dwarf->info, array->nelems ? array->nelems - 1 : 0);
	gg_dwarf_put_code(encoder, GG_DW_END);
}

static void put_member(struct gg_dwarf_encoder *encoder, const struct btf_type *type,
		       uint32_t index)
{
	const struct btf_member *member = btf_members(type) + index;
	const uint32_t bits = btf_member_bitfield_size(type, index);
	const uint32_t offset = btf_member_bit_offset(type, index);
	const uint32_t target = gg_dwarf_resolve(encoder, member->type);
	if (!target)
		return;
	if (bits) {
		gg_dwarf_put_code(encoder, GG_DW_BIT_FIELD);
		gg_dwarf_put_name(encoder, member->name_off);
		gg_dwarf_put_type(encoder, target);
		gg_dwarf_put(encoder, 1, bits);
		gg_dwarf_put(encoder, 4, offset);
		return;
	}
	gg_dwarf_put_code(encoder, member->name_off ? GG_DW_MEMBER : GG_DW_MEMBER_ANON);
	if (member->name_off)
		gg_dwarf_put_name(encoder, member->name_off);
	gg_dwarf_put_type(encoder, target);
	gg_dwarf_put(encoder, 4, offset / 8);
}

// Puts CODE, or a code behind it for an entry without name or children.
static void put_named(struct gg_dwarf_encoder *encoder, enum gg_dwarf_entry code,
		      const struct btf_type *type)
{
	gg_dwarf_put_code(encoder, code + !type->name_off + 2 * !btf_vlen(type));
	if (type->name_off)
		gg_dwarf_put_name(encoder, type->name_off);
	gg_dwarf_put(encoder, 4, type->size);
}

static void put_composite(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	put_named(encoder, btf_is_struct(type) ? GG_DW_STRUCT : GG_DW_UNION, type);
	for (uint32_t i = 0; i < btf_vlen(type); i++)
		put_member(encoder, type, i);
	if (btf_vlen(type))
		gg_dwarf_put_code(encoder, GG_DW_END);
}

static void put_enumerator(struct gg_dwarf_encoder *encoder, uint32_t name, int64_t value,
			   bool is_signed)
{
	gg_dwarf_put_code(encoder, is_signed ? GG_DW_ENUMERATOR : GG_DW_ENUMERATOR_UNSIGNED);
	gg_dwarf_put_name(encoder, name);
	if (is_signed)
		gg_dwarf_append_sleb(&encoder->dwarf->info, value);
	else
		gg_dwarf_append_uleb(&encoder->dwarf->info, (uint64_t)value);
}

static void put_enumeration(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	const bool is_signed = btf_kflag(type);
	put_named(encoder, GG_DW_ENUM, type);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_enum *small = btf_enum(type) + i;
		const struct btf_enum64 *large = btf_enum64(type) + i;
		if (btf_is_enum64(type))
			put_enumerator(encoder, large->name_off, (int64_t)btf_enum64_value(large),
				       is_signed);
		else
			put_enumerator(encoder, small->name_off,
				       is_signed ? small->val : (int64_t)(uint32_t)small->val,
				       is_signed);
	}
	if (btf_vlen(type))
		gg_dwarf_put_code(encoder, GG_DW_END);
}

// ---- Functions ----

// Puts CODE, or a code behind it for a function that returns nothing or has no parameters.
static void put_prototype(struct gg_dwarf_encoder *encoder, enum gg_dwarf_entry code,
			  const struct btf_type *proto)
{
	gg_dwarf_put_code(encoder,
			  code + !gg_dwarf_resolve(encoder, proto->type) + 2 * !btf_vlen(proto));
}

static void put_function_type(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	const uint32_t result = gg_dwarf_resolve(encoder, type->type);
	put_prototype(encoder, GG_DW_FUNCTION_TYPE, type);
	if (result)
		gg_dwarf_put_type(encoder, result);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const uint32_t target = gg_dwarf_resolve(encoder, btf_params(type)[i].type);
		gg_dwarf_put_code(encoder, target ? GG_DW_PARAMETER : GG_DW_MORE_PARAMETERS);
		if (target)
			gg_dwarf_put_type(encoder, target);
	}
	if (btf_vlen(type))
		gg_dwarf_put_code(encoder, GG_DW_END);
}

// Tests whether a parameter of the type ID is in one register: an integer, a pointer.
static bool fits_register(const struct gg_dwarf_encoder *encoder, uint32_t id)
{
	for (unsigned int i = 0; i < GG_DWARF_MODIFIERS; i++) {
		const struct btf_type *type = btf__type_by_id(encoder->btf, id);
		if (!type)
			return false;
		if (btf_is_ptr(type))
			return true;
		if (btf_is_int(type) || btf_is_any_enum(type))
			return type->size <= encoder->dwarf->word;
		if (!btf_is_mod(type) && !btf_is_typedef(type) && !btf_is_type_tag(type))
			return false;
		id = type->type;
	}
	return false;
}

// Appends the list of the places of a parameter: REGISTER, as long as FUNCTION has not touched it.
static uint32_t append_location(struct gg_dwarf_encoder *encoder,
				const struct gg_dwarf_function *function, uint8_t reg)
{
	struct gg_buffer *locations = &encoder->dwarf->locations;
	const unsigned int word = encoder->dwarf->word;
	const uint32_t offset = (uint32_t)locations->size;
	const uint64_t start = function->address - encoder->unit->low;
	gg_buffer_uint(locations, word, start);
	gg_buffer_uint(locations, word, start + function->entry + 1);
	gg_buffer_uint(locations, 2, 1);
	gg_buffer_uint(locations, 1, DW_OP_reg0 + reg);
	gg_buffer_zeros(locations, 2 * word);
	return offset;
}

static void put_parameters(struct gg_dwarf_encoder *encoder, const struct btf_type *proto,
			   const struct gg_dwarf_function *function)
{
	const struct gg_dwarf_unit *unit = encoder->unit;
	bool is_placed = true;
	for (uint32_t i = 0; i < btf_vlen(proto); i++) {
		const struct btf_param *parameter = btf_params(proto) + i;
		const uint32_t target = gg_dwarf_resolve(encoder, parameter->type);
		if (!target) {
			gg_dwarf_put_code(encoder, GG_DW_MORE_PARAMETERS);
			continue;
		}
		// The places of all behind a structure depend on the structure's members.
		is_placed &= i < unit->argument_register_count && fits_register(encoder, target);
		gg_dwarf_put_code(encoder,
				  is_placed ? GG_DW_PLACED_PARAMETER : GG_DW_NAMED_PARAMETER);
		gg_dwarf_put_name(encoder, parameter->name_off);
		gg_dwarf_put_type(encoder, target);
		if (is_placed)
			gg_dwarf_put(
				encoder, 4,
				append_location(encoder, function, unit->argument_registers[i]));
	}
}

static void put_function(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	const struct gg_dwarf_unit *unit = encoder->unit;
	struct gg_dwarf_function function;
	const char *name = btf__str_by_offset(encoder->btf, type->name_off);
	const struct btf_type *proto = btf__type_by_id(encoder->btf, type->type);
	if (!name || !proto || !btf_is_func_proto(proto) ||
	    !unit->function(unit->data, name, &function) || function.address < unit->low ||
	    function.address >= unit->high || function.size > UINT32_MAX)
		return;
	const uint32_t result = gg_dwarf_resolve(encoder, proto->type);
	put_prototype(encoder, GG_DW_FUNCTION, proto);
	gg_dwarf_put_name(encoder, type->name_off);
	gg_dwarf_put_address(encoder, function.address);
	gg_dwarf_put(encoder, 4, function.size);
	if (result)
		gg_dwarf_put_type(encoder, result);
	put_parameters(encoder, proto, &function);
	if (btf_vlen(proto))
		gg_dwarf_put_code(encoder, GG_DW_END);
}

// ---- The unit ----

static void put_declared(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	gg_dwarf_put_code(encoder, btf_kflag(type) ? GG_DW_UNION_DECLARED : GG_DW_STRUCT_DECLARED);
	gg_dwarf_put_name(encoder, type->name_off);
}

static void put_typedef(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	const uint32_t target = gg_dwarf_resolve(encoder, type->type);
	gg_dwarf_put_code(encoder, target ? GG_DW_TYPEDEF : GG_DW_TYPEDEF_VOID);
	gg_dwarf_put_name(encoder, type->name_off);
	if (target)
		gg_dwarf_put_type(encoder, target);
}

static void put_entry(struct gg_dwarf_encoder *encoder, const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return put_integer(encoder, type);
	case BTF_KIND_FLOAT:
		return put_float(encoder, type);
	case BTF_KIND_PTR:
		return put_pointer(encoder, type);
	case BTF_KIND_ARRAY:
		return put_array(encoder, type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return put_composite(encoder, type);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return put_enumeration(encoder, type);
	case BTF_KIND_FWD:
		return put_declared(encoder, type);
	case BTF_KIND_TYPEDEF:
		return put_typedef(encoder, type);
	case BTF_KIND_CONST:
		return put_modifier(encoder, GG_DW_CONST, type->type);
	case BTF_KIND_VOLATILE:
		return put_modifier(encoder, GG_DW_VOLATILE, type->type);
	case BTF_KIND_RESTRICT:
		return put_modifier(encoder, GG_DW_RESTRICT, type->type);
	case BTF_KIND_FUNC_PROTO:
		return put_function_type(encoder, type);
	case BTF_KIND_FUNC:
		return put_function(encoder, type);
	case BTF_KIND_VAR:
		return gg_dwarf_put_variable(encoder, type);
	default:
		return; // data sections, tags
	}
}

// Fills in the references. An id without an entry, a function's for one, becomes the type of an
// array's index, as there is no entry for nothing.
static void resolve_references(struct gg_dwarf_encoder *encoder)
{
	struct gg_buffer *info = &encoder->dwarf->info;
	const struct gg_dwarf_reference *references =
		(const struct gg_dwarf_reference *)encoder->references.bytes;
	const size_t count = encoder->references.size / sizeof(*references);
	struct gg_buffer offset = { .big_endian = info->big_endian };
	for (size_t i = 0; !info->failed && !encoder->references.failed && i < count; i++) {
		uint32_t id = references[i].id;
		uint32_t found = 0;
		for (unsigned int tries = 0; !found && tries < 2; tries++) {
			found = id < encoder->first ? encoder->dwarf->offsets[id - 1]
						    : encoder->offsets[id - encoder->first];
			id = encoder->index_type;
		}
		offset.size = 0;
		gg_buffer_uint(&offset, 4, found);
		if (!offset.failed)
			memcpy(info->bytes + references[i].position, offset.bytes, 4);
	}
	info->failed |= offset.failed || encoder->references.failed;
	gg_buffer_deinit(&offset);
}

// Finds the names of BTF, whose header libbpf leaves in the byte order of the kernel; NULL where they do
// not lie in the BTF.
static const char *find_names(const struct btf *btf, uint32_t *size)
{
	uint32_t whole;
	const char *raw = btf__raw_data(btf, &whole);
	const struct btf_header *header = (const struct btf_header *)raw;
	if (!raw || whole < sizeof(*header))
		return NULL;
	const bool is_swapped = header->magic != BTF_MAGIC;
	const uint32_t start = is_swapped ? bswap_32(header->hdr_len) : header->hdr_len;
	const uint32_t offset = is_swapped ? bswap_32(header->str_off) : header->str_off;
	*size = is_swapped ? bswap_32(header->str_len) : header->str_len;
	return start > whole || offset > whole - start || *size > whole - start - offset
		       ? NULL
		       : raw + start + offset;
}

// Appends the names of the unit's BTF, as long as they were, with '?' for what is not printable.
static void append_names(struct gg_dwarf_encoder *encoder)
{
	struct gg_buffer *strings = &encoder->dwarf->strings;
	uint32_t size;
	const char *names = find_names(encoder->btf, &size);
	if (!names) {
		strings->failed = true;
		return;
	}
	const size_t start = strings->size;
	encoder->names = (uint32_t)start - encoder->base_names;
	gg_buffer_append(strings, names, size);
	for (size_t i = start; !strings->failed && i < strings->size; i++)
		if (strings->bytes[i] && (strings->bytes[i] < ' ' || strings->bytes[i] > '~'))
			strings->bytes[i] = '?';
	gg_buffer_zeros(strings, 1);
}

// Appends the unit's range of addresses to .debug_aranges.
static void append_range(struct gg_dwarf *dwarf, const struct gg_dwarf_unit *unit, uint32_t info)
{
	enum { RANGES_VERSION = 2, HEADER = 12 };
	struct gg_buffer *ranges = &dwarf->ranges;
	const unsigned int word = dwarf->word, pair = 2 * word;
	const unsigned int padding = (pair - HEADER % pair) % pair;
	gg_buffer_uint(ranges, 4, HEADER - 4 + padding + 2 * pair);
	gg_buffer_uint(ranges, 2, RANGES_VERSION);
	gg_buffer_uint(ranges, 4, info);
	gg_buffer_uint(ranges, 1, word);
	gg_buffer_uint(ranges, 1, 0);
	gg_buffer_zeros(ranges, padding);
	gg_buffer_uint(ranges, word, unit->low);
	gg_buffer_uint(ranges, word, unit->high - unit->low);
	gg_buffer_zeros(ranges, pair);
}

static void put_header(struct gg_dwarf_encoder *encoder)
{
	const struct gg_dwarf_unit *unit = encoder->unit;
	gg_dwarf_put(encoder, 4, 0); // the length: set_length()
	gg_dwarf_put(encoder, 2, DWARF_VERSION);
	gg_dwarf_put(encoder, 4, 0); // the abbreviations
	gg_dwarf_put(encoder, 1, encoder->dwarf->word);
	gg_dwarf_put_code(encoder, GG_DW_UNIT);
	gg_buffer_append(&encoder->dwarf->info, unit->name, strlen(unit->name) + 1);
	gg_dwarf_put(encoder, 1, DW_LANG_C99);
	gg_dwarf_put_address(encoder, unit->low);
	gg_dwarf_put(encoder, 8, unit->high - unit->low);
}

static void set_length(struct gg_dwarf_encoder *encoder, uint32_t start)
{
	struct gg_buffer *info = &encoder->dwarf->info;
	struct gg_buffer length = { .big_endian = info->big_endian };
	gg_buffer_uint(&length, 4, info->size - start - 4);
	if (!info->failed && !length.failed)
		memcpy(info->bytes + start, length.bytes, 4);
	info->failed |= length.failed;
	gg_buffer_deinit(&length);
}

static void put_unit(struct gg_dwarf_encoder *encoder)
{
	const uint32_t start = (uint32_t)encoder->dwarf->info.size;
	append_range(encoder->dwarf, encoder->unit, start);
	append_names(encoder);
	put_header(encoder);
	for (uint32_t id = encoder->first; id < encoder->end; id++) {
		const struct btf_type *type = btf__type_by_id(encoder->btf, id);
		const uint32_t offset = (uint32_t)encoder->dwarf->info.size;
		put_entry(encoder, type);
		if (!btf_is_func(type) && !btf_is_var(type) && encoder->dwarf->info.size > offset)
			encoder->offsets[id - encoder->first] = offset;
	}
	gg_dwarf_put_globals(encoder);
	gg_dwarf_put_code(encoder, GG_DW_END);
	set_length(encoder, start);
	resolve_references(encoder);
}

static uint32_t count_names(const struct gg_btf *base)
{
	uint32_t size = 0;
	return base && find_names(gg_btf_libbpf(base), &size) ? size : 0;
}

// Finds an integer as the type of an array's index: all BTF has "int".
static uint32_t find_index_type(const struct btf *btf, uint32_t end)
{
	for (uint32_t id = 1; id < end; id++)
		if (btf_is_int(btf__type_by_id(btf, id)))
			return id;
	return 0;
}

struct gg_error *gg_dwarf_add_unit(struct gg_dwarf *dwarf, const struct gg_dwarf_unit *unit)
{
	const struct btf *btf = gg_btf_libbpf(unit->btf);
	struct gg_dwarf_encoder encoder = {
		.dwarf = dwarf,
		.unit = unit,
		.btf = btf,
		.first = unit->base ? btf__type_cnt(gg_btf_libbpf(unit->base)) : 1,
		.end = btf__type_cnt(btf),
		.base_names = count_names(unit->base),
	};
	encoder.index_type = find_index_type(btf, encoder.end);
	if (!encoder.index_type)
		return gg_error_create(GG_BAD_DATA, "the BTF of %s has no integer type",
				       unit->name);
	encoder.offsets = calloc(encoder.end - encoder.first + 1, sizeof(*encoder.offsets));
	if (!encoder.offsets)
		return gg_enomem;
	put_unit(&encoder);
	gg_buffer_deinit(&encoder.references);
	if (!unit->base && !dwarf->offsets) {
		dwarf->offsets = encoder.offsets;
		dwarf->count = encoder.end;
	} else {
		free(encoder.offsets);
	}
	struct gg_error *err = gg_buffer_check(&dwarf->info);
	if (!err)
		err = gg_buffer_check(&dwarf->strings);
	return err ? err : gg_buffer_check(&dwarf->locations);
}
