// SPDX-License-Identifier: GPL-3.0-or-later
//
// The rules are those of the kernel's own verifier (Linux kernel/bpf/btf.c, btf_check_all_types(),
// v6.12), as far as readers of types depend on them.
//
// In:  types as libbpf has split them.
// Out: an error that names the first unsound type, or NULL.
// Trusts nothing it reads: the ids of all types are checked before the first is followed, a type is visited once,
// and types lead to each other in a bounded depth.
#include "btf-check.h"
#include "base/cleanup.h"

#include <bpf/btf.h>
#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_NAME = 512, // KSYM_NAME_LEN
	MAX_INT = 16,   // bytes
	INTERVAL = 4096,
};

// A type as it lies in memory.
struct shape {
	uint64_t size;
	uint8_t depth; // of the types in it; 0: not visited yet
	bool is_open;  // being visited
	bool has_size; // else it is void, a function or a declaration
};

struct check {
	const struct btf *btf;
	uint32_t end;         // of the ids
	unsigned int nesting; // of the types that are being visited
	struct shape *shapes; // of the ids from 0 on
};

static struct gg_error *unsound(uint32_t id, const char *reason)
{
	return gg_error_create(GG_BAD_DATA, "the type %" PRIu32 " of the BTF %s", id, reason);
}

// ---- References ----

static struct gg_error *check_name(const struct check *check, uint32_t id, uint32_t offset)
{
	const char *name = btf__str_by_offset(check->btf, offset);
	if (!name)
		return unsound(id, "has a name behind the strings");
	size_t length = 0;
	for (; name[length]; length++)
		if (name[length] < ' ' || name[length] > '~')
			return unsound(id, "has a name that is not printable");
	return length > MAX_NAME ? unsound(id, "has a name of more than 512 characters") : NULL;
}

static struct gg_error *check_id(const struct check *check, uint32_t id, uint32_t other)
{
	return other < check->end ? NULL : unsound(id, "leads to a type that there is not");
}

static struct gg_error *check_both(const struct check *check, uint32_t id, uint32_t name,
				   uint32_t other)
{
	struct gg_error *err = check_name(check, id, name);
	return err ? err : check_id(check, id, other);
}

static bool leads_to_type(const struct btf_type *type)
{
	return btf_is_ptr(type) || btf_is_mod(type) || btf_is_typedef(type) || btf_is_func(type) ||
	       btf_is_func_proto(type) || btf_is_var(type) || btf_is_decl_tag(type);
}

// Checks the ids and names of the elements of TYPE: members, parameters, enumerators, variables.
static struct gg_error *check_elements(const struct check *check, uint32_t id,
				       const struct btf_type *type)
{
	struct gg_error *err = NULL;
	for (uint32_t i = 0; !err && i < btf_vlen(type); i++)
		switch (btf_kind(type)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			err = check_both(check, id, btf_members(type)[i].name_off,
					 btf_members(type)[i].type);
			break;
		case BTF_KIND_FUNC_PROTO:
			err = check_both(check, id, btf_params(type)[i].name_off,
					 btf_params(type)[i].type);
			break;
		case BTF_KIND_ENUM:
			err = check_name(check, id, btf_enum(type)[i].name_off);
			break;
		case BTF_KIND_ENUM64:
			err = check_name(check, id, btf_enum64(type)[i].name_off);
			break;
		case BTF_KIND_DATASEC:
			err = check_id(check, id, btf_var_secinfos(type)[i].type);
			break;
		}
	return err;
}

static struct gg_error *check_references(const struct check *check, uint32_t id,
					 const struct btf_type *type)
{
	struct gg_error *err = check_name(check, id, type->name_off);
	if (!err && leads_to_type(type))
		err = check_id(check, id, type->type);
	if (!err && btf_is_array(type))
		err = check_id(check, id, btf_array(type)->type);
	return err ? err : check_elements(check, id, type);
}

// ---- Sizes ----

static struct gg_error *visit(struct check *check, uint32_t id);

// Finds the shape of OTHER, which is in the type ID or another name for it.
static struct gg_error *shape_of(struct check *check, uint32_t id, uint32_t other,
				 struct shape *ret)
{
	*ret = (struct shape){ 0 };
	if (!other)
		return NULL;
	struct gg_error *err = check->nesting < GG_BTF_MAX_DEPTH ? visit(check, other) : NULL;
	if (err)
		return err;
	*ret = check->shapes[other];
	struct shape *own = &check->shapes[id];
	if (check->nesting == GG_BTF_MAX_DEPTH || ret->depth >= GG_BTF_MAX_DEPTH)
		return unsound(id, "has too many types in each other");
	if (own->depth <= ret->depth)
		own->depth = ret->depth + 1;
	return NULL;
}

static struct gg_error *visit_array(struct check *check, uint32_t id, const struct btf_type *type)
{
	struct shape element, *own = &check->shapes[id];
	const uint64_t count = btf_array(type)->nelems;
	struct gg_error *err = shape_of(check, id, btf_array(type)->type, &element);
	if (err)
		return err;
	if (element.size * count > UINT32_MAX)
		return unsound(id, "is an array of more than 4 GiB");
	own->has_size = element.has_size;
	own->size = element.size * count;
	return NULL;
}

static struct gg_error *visit_member(struct check *check, uint32_t id, const struct btf_type *type,
				     uint32_t index)
{
	struct shape shape;
	const uint64_t offset = btf_member_bit_offset(type, index);
	const uint64_t bits = btf_member_bitfield_size(type, index);
	struct gg_error *err = shape_of(check, id, btf_members(type)[index].type, &shape);
	if (err)
		return err;
	if (!shape.has_size)
		return unsound(id, "has a member without a size");
	if (bits > 8 * MAX_INT || (shape.has_size && bits > 8 * shape.size))
		return unsound(id, "has a bit field that is wider than its type");
	if (offset + (bits ? bits : 8 * shape.size) > 8 * (uint64_t)type->size)
		return unsound(id, "has a member that is not inside");
	return NULL;
}

static struct gg_error *visit_composite(struct check *check, uint32_t id,
					const struct btf_type *type)
{
	struct shape *own = &check->shapes[id];
	struct gg_error *err = NULL;
	for (uint32_t i = 0; !err && i < btf_vlen(type); i++)
		err = visit_member(check, id, type, i);
	own->has_size = true;
	own->size = type->size;
	return err;
}

// Checks a number's size: of SIZE bytes, a power of two up to MOST.
static struct gg_error *visit_number(struct check *check, uint32_t id, uint64_t size, uint64_t most)
{
	check->shapes[id].has_size = true;
	check->shapes[id].size = size;
	return size && size <= most && !(size & (size - 1))
		       ? NULL
		       : unsound(id, "is a number of an odd size");
}

static struct gg_error *visit_int(struct check *check, uint32_t id, const struct btf_type *type)
{
	const unsigned int bits = btf_int_bits(type), offset = btf_int_offset(type);
	if (!bits || bits + offset > 8 * type->size)
		return unsound(id, "is an integer with more bits than it has room for");
	return visit_number(check, id, type->size, MAX_INT);
}

static struct gg_error *visit_alias(struct check *check, uint32_t id, const struct btf_type *type)
{
	struct shape shape;
	struct gg_error *err = shape_of(check, id, type->type, &shape);
	check->shapes[id].has_size = shape.has_size;
	check->shapes[id].size = shape.size;
	return err;
}

static struct gg_error *visit_by_kind(struct check *check, uint32_t id, const struct btf_type *type)
{
	enum { LONGEST_FLOAT = 16 };
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return visit_int(check, id, type);
	case BTF_KIND_PTR:
		return visit_number(check, id, btf__pointer_size(check->btf), 8);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return visit_number(check, id, type->size, 8);
	case BTF_KIND_FLOAT:
		check->shapes[id].has_size = true;
		check->shapes[id].size = type->size;
		return type->size <= LONGEST_FLOAT ? NULL
						   : unsound(id, "is a number that is too long");
	case BTF_KIND_ARRAY:
		return visit_array(check, id, type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return visit_composite(check, id, type);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return visit_alias(check, id, type);
	default:
		return NULL; // functions, variables and declarations have no size
	}
}

// Finds the shape of the type ID, and of all types in it.
static struct gg_error *visit(struct check *check, uint32_t id)
{
	struct shape *own = &check->shapes[id];
	if (own->is_open)
		return unsound(id, "is inside itself");
	if (own->depth)
		return NULL;
	own->depth = 1;
	own->is_open = true;
	check->nesting++;
	struct gg_error *err = visit_by_kind(check, id, btf__type_by_id(check->btf, id));
	check->nesting--;
	own->is_open = false;
	return err;
}

// ---- All types ----

static struct gg_error *check_one(struct check *check, uint32_t id)
{
	return check_references(check, id, btf__type_by_id(check->btf, id));
}

// Calls FUNCTION with each type from FIRST on.
static struct gg_error *for_types(struct check *check, uint32_t first,
				  struct gg_error *(*function)(struct check *check, uint32_t id))
{
	struct gg_error *err = NULL;
	for (uint32_t id = first; !err && id < check->end; id++) {
		if (id % INTERVAL == 0)
			err = gg_interrupt_check();
		if (!err)
			err = function(check, id);
	}
	return err;
}

struct gg_error *gg_btf_check(const struct btf *btf, uint32_t first)
{
	const uint32_t end = btf__type_cnt(btf);
	_cleanup_free_ struct shape *shapes = calloc(end + 1, sizeof(*shapes));
	if (!shapes)
		return gg_enomem;
	struct check check = { .btf = btf, .end = end, .shapes = shapes };
	struct gg_error *err = for_types(&check, first, check_one);
	return err ? err : for_types(&check, first, visit);
}
