// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a BTF that btf-check.c has accepted.
// Out: its types one by one, and texts.
// Trusts the ids and sizes in it; what leads from pointer to pointer, or from function to function,
// is followed to a bounded depth.
#include "type.h"
#include "base/cleanup.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_MODIFIERS = 64, MAX_DECLARATORS = 16 };

static const char *name_at(const struct gg_btf *btf, uint32_t offset)
{
	const char *name = btf__str_by_offset(gg_btf_libbpf(btf), offset);
	return name ? name : "";
}

// ---- Types ----

static void describe_int(const struct btf_type *type, struct gg_type *ret)
{
	const uint8_t encoding = btf_int_encoding(type);
	ret->kind = encoding & BTF_INT_BOOL                         ? GG_TYPE_BOOL
		    : type->size == 1 && !strcmp(ret->name, "char") ? GG_TYPE_CHAR
								    : GG_TYPE_INT;
	ret->is_signed = encoding & BTF_INT_SIGNED;
}

static void describe(const struct gg_btf *btf, const struct btf_type *type, struct gg_type *ret)
{
	static const enum gg_type_kind kinds[] = {
		[BTF_KIND_PTR] = GG_TYPE_POINTER,   [BTF_KIND_ARRAY] = GG_TYPE_ARRAY,
		[BTF_KIND_STRUCT] = GG_TYPE_STRUCT, [BTF_KIND_UNION] = GG_TYPE_UNION,
		[BTF_KIND_ENUM] = GG_TYPE_ENUM,     [BTF_KIND_ENUM64] = GG_TYPE_ENUM,
		[BTF_KIND_FUNC] = GG_TYPE_FUNCTION, [BTF_KIND_FUNC_PROTO] = GG_TYPE_FUNCTION,
		[BTF_KIND_FLOAT] = GG_TYPE_FLOAT,   [BTF_KIND_FWD] = GG_TYPE_HIDDEN,
	};
	const uint32_t kind = btf_kind(type);
	ret->kind = kind < sizeof(kinds) / sizeof(*kinds) ? kinds[kind] : GG_TYPE_VOID;
	ret->name = name_at(btf, type->name_off);
	ret->count = btf_vlen(type);
	if (btf_is_int(type))
		describe_int(type, ret);
	else if (btf_is_ptr(type))
		ret->target = type->type;
	else if (btf_is_any_enum(type))
		ret->is_signed = btf_kflag(type);
	if (btf_is_array(type)) {
		ret->target = btf_array(type)->type;
		ret->count = btf_array(type)->nelems;
	}
}

struct gg_error *gg_btf_type(const struct gg_btf *btf, uint32_t id, struct gg_type *ret)
{
	const struct btf *types = gg_btf_libbpf(btf);
	const struct btf_type *type = btf__type_by_id(types, id);
	bool has_alias = false;
	for (unsigned int i = 0;
	     i < MAX_MODIFIERS && type && (btf_is_mod(type) || btf_is_typedef(type)); i++) {
		has_alias |= btf_is_typedef(type);
		id = type->type;
		type = btf__type_by_id(types, id);
	}
	if (!type || btf_is_mod(type) || btf_is_typedef(type))
		return gg_error_create(GG_BAD_DATA, "the BTF is damaged at the type %" PRIu32, id);
	*ret = (struct gg_type){ .id = id, .name = "", .has_alias = has_alias };
	if (id)
		describe(btf, type, ret);
	const int64_t size = btf__resolve_size(types, id);
	ret->size = size > 0 ? (uint64_t)size : 0;
	// An array of nothing would have no end.
	if (ret->kind == GG_TYPE_ARRAY && !ret->size)
		ret->count = 0;
	return NULL;
}

struct gg_error *gg_btf_member_at(const struct gg_btf *btf, const struct gg_type *type,
				  uint32_t index, const char **name, struct gg_btf_member *ret)
{
	const struct btf *types = gg_btf_libbpf(btf);
	const struct btf_type *composite = btf__type_by_id(types, type->id);
	const struct btf_member *member = btf_members(composite) + index;
	const int64_t size = btf__resolve_size(types, member->type);
	if (size < 0)
		return gg_error_create(GG_BAD_DATA, "the BTF is damaged at the type %" PRIu32,
				       member->type);
	*name = name_at(btf, member->name_off);
	*ret = (struct gg_btf_member){ .type = member->type,
				       .bit_offset = btf_member_bit_offset(composite, index),
				       .bits = btf_member_bitfield_size(composite, index),
				       .size = (uint64_t)size };
	return NULL;
}

void gg_btf_enumerator_at(const struct gg_btf *btf, const struct gg_type *type, uint32_t index,
			  const char **name, int64_t *value)
{
	const struct btf_type *list = btf__type_by_id(gg_btf_libbpf(btf), type->id);
	if (btf_is_enum64(list)) {
		*name = name_at(btf, btf_enum64(list)[index].name_off);
		*value = (int64_t)btf_enum64_value(btf_enum64(list) + index);
		return;
	}
	const int32_t narrow = btf_enum(list)[index].val;
	*name = name_at(btf, btf_enum(list)[index].name_off);
	*value = type->is_signed ? narrow : (int64_t)(uint32_t)narrow;
}

// ---- Functions ----

bool gg_btf_find_function(const struct gg_btf *btf, const char *name, struct gg_prototype *ret)
{
	const struct btf *types = gg_btf_libbpf(btf), *base = btf__base_btf(types);
	const uint32_t end = btf__type_cnt(types);
	uint32_t found = 0;
	for (uint32_t id = base ? btf__type_cnt(base) : 1; id < end; id++) {
		const struct btf_type *function = btf__type_by_id(types, id);
		if (!btf_is_func(function) || strcmp(name_at(btf, function->name_off), name) != 0)
			continue;
		if (found && found != function->type)
			return false;
		found = function->type;
	}
	const struct btf_type *type = found ? btf__type_by_id(types, found) : NULL;
	if (!type || !btf_is_func_proto(type))
		return false;
	*ret = (struct gg_prototype){ .id = found, .result = type->type, .count = btf_vlen(type) };
	if (ret->count && !btf_params(type)[ret->count - 1].type)
		ret->count--;
	return true;
}

bool gg_btf_has_shared_prototypes(const struct gg_btf *btf)
{
	return btf__find_by_name_kind(gg_btf_libbpf(btf), "bpf_kfunc", BTF_KIND_DECL_TAG) > 0;
}

void gg_btf_parameter_at(const struct gg_btf *btf, const struct gg_prototype *prototype,
			 uint32_t index, const char **name, uint32_t *type)
{
	const struct btf_type *list = btf__type_by_id(gg_btf_libbpf(btf), prototype->id);
	*name = name_at(btf, btf_params(list)[index].name_off);
	*type = btf_params(list)[index].type;
}

// ---- Declarations ----

static void declare(const struct gg_btf *btf, uint32_t id, const char *inner, unsigned int depth,
		    struct gg_buffer *out);

// Appends "WORDS NAME" with INNER behind.
static void append_base(const char *words, const char *name, const char *inner,
			struct gg_buffer *out)
{
	gg_buffer_append(out, words, strlen(words));
	gg_buffer_append(out, name, strlen(name));
	if (*inner && (*words || *name))
		gg_buffer_append(out, " ", 1);
	gg_buffer_append(out, inner, strlen(inner));
}

static void append_params(const struct gg_btf *btf, const struct btf_type *type, unsigned int depth,
			  struct gg_buffer *out)
{
	gg_buffer_append(out, "(", 1);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_param *param = btf_params(type) + i;
		if (i)
			gg_buffer_append(out, ", ", 2);
		if (!param->type && i + 1 == btf_vlen(type))
			gg_buffer_append(out, "...", 3);
		else
			declare(btf, param->type, name_at(btf, param->name_off), depth + 1, out);
	}
	if (!btf_vlen(type))
		gg_buffer_append(out, "void", 4);
	gg_buffer_append(out, ")", 1);
}

// Makes the inner part of a declaration, around which its base stands, of INNER and a declarator.
static void append_declarator(const struct gg_btf *btf, const struct btf_type *type,
			      const char *inner, unsigned int depth, struct gg_buffer *out)
{
	const struct btf_type *target = btf__type_by_id(gg_btf_libbpf(btf), type->type);
	const bool is_pointer = btf_is_ptr(type);
	const bool in_brackets =
		is_pointer && target && (btf_is_array(target) || btf_is_func_proto(target));
	if (in_brackets)
		gg_buffer_append(out, "(", 1);
	if (is_pointer)
		gg_buffer_append(out, "*", 1);
	gg_buffer_append(out, inner, strlen(inner));
	if (in_brackets)
		gg_buffer_append(out, ")", 1);
	if (btf_is_array(type))
		gg_buffer_format(out, "[%" PRIu32 "]", btf_array(type)->nelems);
	else if (btf_is_func_proto(type))
		append_params(btf, type, depth, out);
}

static const char *keyword(const struct btf_type *type)
{
	if (btf_is_any_enum(type))
		return "enum ";
	if (btf_is_union(type) || (btf_is_fwd(type) && btf_kflag(type)))
		return "union ";
	return btf_is_struct(type) || btf_is_fwd(type) ? "struct " : "";
}

// Declares INNER as of TYPE, "const" and the like, and what that qualifies.
static void declare_qualified(const struct gg_btf *btf, const struct btf_type *type,
			      const char *inner, unsigned int depth, struct gg_buffer *out)
{
	const char *word = btf_is_const(type) ? "const " : btf_is_volatile(type) ? "volatile " : "";
	const struct btf_type *target = btf__type_by_id(gg_btf_libbpf(btf), type->type);
	_cleanup_free_ char *qualified = NULL;
	if (!target || !btf_is_ptr(target)) {
		gg_buffer_append(out, word, strlen(word));
		declare(btf, type->type, inner, depth + 1, out);
		return;
	}
	if (asprintf(&qualified, "%s%s", word, inner) < 0)
		out->failed = true;
	else
		declare(btf, type->type, qualified, depth + 1, out);
}

static void declare(const struct gg_btf *btf, uint32_t id, const char *inner, unsigned int depth,
		    struct gg_buffer *out)
{
	const struct btf_type *type = id ? btf__type_by_id(gg_btf_libbpf(btf), id) : NULL;
	struct gg_buffer declarator = { 0 };
	if (depth == MAX_DECLARATORS) {
		append_base("...", "", inner, out);
	} else if (!type) {
		append_base("void", "", inner, out);
	} else if (btf_is_ptr(type) || btf_is_array(type) || btf_is_func_proto(type)) {
		append_declarator(btf, type, inner, depth, &declarator);
		gg_buffer_append(&declarator, "", 1);
		if (gg_buffer_check(&declarator))
			out->failed = true;
		else
			declare(btf, btf_is_array(type) ? btf_array(type)->type : type->type,
				(const char *)declarator.bytes, depth + 1, out);
	} else if (btf_is_mod(type)) {
		declare_qualified(btf, type, inner, depth, out);
	} else {
		const char *name = name_at(btf, type->name_off);
		append_base(keyword(type), *name ? name : "{...}", inner, out);
	}
	gg_buffer_deinit(&declarator);
}

void gg_btf_declare(const struct gg_btf *btf, uint32_t id, const char *name, struct gg_buffer *out)
{
	declare(btf, id, name, 0, out);
}
