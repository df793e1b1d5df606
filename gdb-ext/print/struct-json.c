// SPDX-License-Identifier: GPL-3.0-or-later
//
// Values as JSON: structs are objects, arrays arrays. What is not there is null.
#include "struct.h"
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

static struct gg_error *json_members(struct gg_struct_print *print, const struct gg_object *object,
				     const struct gg_type *type, uint64_t bit_offset)
{
	struct gg_error *err = NULL;
	for (uint32_t i = 0; !err && i < type->count; i++) {
		struct gg_btf_member member;
		struct gg_type own;
		const char *name;
		err = gg_btf_member_at(print->query.btf, type, i, &name, &member);
		if (!err)
			err = gg_btf_type(print->query.btf, member.type, &own);
		if (err)
			return err;
		member.bit_offset += bit_offset;
		if (*name)
			err = gg_json_value(print, object, &member, name);
		else if (gg_type_is_composite(&own))
			err = json_members(print, object, &own, member.bit_offset);
	}
	return err;
}

static struct gg_error *json_array(struct gg_struct_print *print, const struct gg_object *object,
				   const struct gg_btf_member *member, const struct gg_type *type,
				   const char *key)
{
	struct gg_type element;
	struct gg_error *err = gg_btf_type(print->query.btf, type->target, &element);
	if (err)
		return err;
	const uint8_t *bytes = gg_object_bytes(object, member->bit_offset / 8, type->size);
	if (element.kind == GG_TYPE_CHAR && bytes && type->size) {
		gg_json_bytes(&print->text, key, (const char *)bytes,
			      strnlen((const char *)bytes, type->size));
		return NULL;
	}
	gg_json_open_array(&print->text, key);
	for (uint64_t i = 0; !err && i < type->count; i++) {
		const struct gg_btf_member own = gg_element_at(type, &element, member, i);
		err = gg_json_value(print, object, &own, NULL);
	}
	gg_json_close_array(&print->text);
	return err;
}

// Appends a number that has no 64 bits: its bytes, the highest first.
static void json_bytes(struct gg_struct_print *print, const struct gg_object *object,
		       const struct gg_btf_member *member, const char *key)
{
	const uint8_t *bytes = gg_object_bytes(object, member->bit_offset / 8, member->size);
	char digits[2 * 16 + 3] = "0x";
	if (!bytes || member->size > 16) {
		gg_json_null(&print->text, key);
		return;
	}
	for (uint64_t i = 0; i < member->size; i++)
		snprintf(digits + 2 + 2 * i, 3, "%02x",
			 bytes[object->big_endian ? i : member->size - 1 - i]);
	gg_json_string(&print->text, key, digits);
}

static void json_number(struct gg_struct_print *print, const struct gg_object *object,
			const struct gg_btf_member *member, const struct gg_type *type,
			const char *key)
{
	struct gg_buffer *text = &print->text;
	int64_t value;
	if (type->kind == GG_TYPE_FLOAT || type->size > 8) {
		json_bytes(print, object, member, key);
		return;
	}
	if (!gg_value_integer(object, type, member, &value)) {
		gg_json_null(text, key);
		return;
	}
	const char *name =
		type->kind == GG_TYPE_ENUM ? gg_enumerator_name(print, type, value) : NULL;
	if (name)
		gg_json_string(text, key, name);
	else if (type->kind == GG_TYPE_BOOL && (value == 0 || value == 1))
		gg_json_bool(text, key, value);
	else if (type->is_signed)
		gg_json_format(text, key, "%" PRId64, value);
	else
		gg_json_uint(text, key, (uint64_t)value);
}

static void json_pointer(struct gg_struct_print *print, const struct gg_object *object,
			 const struct gg_btf_member *member, const struct gg_type *type,
			 const char *key)
{
	uint64_t address;
	if (gg_object_bits(object, member->bit_offset, (unsigned int)(8 * type->size), &address))
		gg_json_address(&print->text, key, address);
	else
		gg_json_null(&print->text, key);
}

struct gg_error *gg_json_value(struct gg_struct_print *print, const struct gg_object *object,
			       const struct gg_btf_member *member, const char *key)
{
	struct gg_type type;
	struct gg_error *err = gg_btf_type(print->query.btf, member->type, &type);
	if (err)
		return err;
	switch (type.kind) {
	case GG_TYPE_STRUCT:
	case GG_TYPE_UNION:
		gg_json_open_object(&print->text, key);
		err = json_members(print, object, &type, member->bit_offset);
		gg_json_close_object(&print->text);
		return err;
	case GG_TYPE_ARRAY:
		return json_array(print, object, member, &type, key);
	case GG_TYPE_POINTER:
		json_pointer(print, object, member, &type, key);
		return NULL;
	default:
		json_number(print, object, member, &type, key);
		return NULL;
	}
}
