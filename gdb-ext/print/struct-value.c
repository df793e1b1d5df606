// SPDX-License-Identifier: GPL-3.0-or-later
//
// Values as texts: a struct in one line where it fits, a pointer with its symbol, a char array as a
// text, an enumerator by name.
#include "struct.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE = 100,          // characters; a longer struct has a line for each member
	MOST_ELEMENTS = 200, // of an array that are shown, as in GDB
	MAX_DEPTH = 64,
	MOST_TEXT = 64, // characters at a char pointer
};

// The state on the way down.
struct place {
	struct gg_struct_print *print;
	const struct gg_object *object;
	unsigned int indent;
	unsigned int depth;
	bool in_line; // all on one line
};

static struct gg_error *append(const struct place *place, const struct gg_btf_member *member);

// ---- Numbers ----

bool gg_value_integer(const struct gg_object *object, const struct gg_type *type,
		      const struct gg_btf_member *member, int64_t *ret)
{
	const unsigned int bits = member->bits ? member->bits : (unsigned int)(8 * type->size);
	uint64_t value;
	if (!bits || bits > 64 || !gg_object_bits(object, member->bit_offset, bits, &value))
		return false;
	*ret = type->is_signed ? (int64_t)(value << (64 - bits)) >> (64 - bits) : (int64_t)value;
	return true;
}

const char *gg_enumerator_name(const struct gg_struct_print *print, const struct gg_type *type,
			       int64_t value)
{
	for (uint32_t i = 0; i < type->count; i++) {
		const char *name;
		int64_t own;
		gg_btf_enumerator_at(print->query.btf, type, i, &name, &own);
		if (own == value)
			return name;
	}
	return NULL;
}

// Appends the bytes of a number that is no integer of 64 bits, the highest first.
static void append_bytes(const struct place *place, const struct gg_btf_member *member)
{
	struct gg_buffer *text = &place->print->text;
	const uint8_t *bytes = gg_object_bytes(place->object, member->bit_offset / 8, member->size);
	if (!bytes) {
		gg_buffer_format(text, "<not there>");
		return;
	}
	gg_buffer_format(text, "0x");
	for (uint64_t i = 0; i < member->size; i++)
		gg_buffer_format(text, "%02x",
				 bytes[place->object->big_endian ? i : member->size - 1 - i]);
}

static void append_character(struct gg_buffer *text, int64_t value)
{
	const unsigned char c = (unsigned char)value;
	gg_buffer_format(text, "%d", (int)(int8_t)c);
	if (c >= ' ' && c <= '~')
		gg_buffer_format(text, " '%s%c'", c == '\'' || c == '\\' ? "\\" : "", c);
}

static void append_enumerator(const struct place *place, const struct gg_type *type, int64_t value)
{
	const char *name = gg_enumerator_name(place->print, type, value);
	if (name)
		gg_buffer_format(&place->print->text, "%s", name);
	else
		gg_buffer_format(&place->print->text, "%" PRId64, value);
}

static void append_number(const struct place *place, const struct gg_type *type,
			  const struct gg_btf_member *member)
{
	struct gg_buffer *text = &place->print->text;
	int64_t value;
	if (type->kind == GG_TYPE_FLOAT || type->size > 8)
		append_bytes(place, member);
	else if (!gg_value_integer(place->object, type, member, &value))
		gg_buffer_format(text, "<not there>");
	else if (type->kind == GG_TYPE_ENUM)
		append_enumerator(place, type, value);
	else if (type->kind == GG_TYPE_BOOL && (value == 0 || value == 1))
		gg_buffer_format(text, value ? "true" : "false");
	else if (type->kind == GG_TYPE_CHAR)
		append_character(text, value);
	else if (type->is_signed)
		gg_buffer_format(text, "%" PRId64, value);
	else
		gg_buffer_format(text, "%" PRIu64, (uint64_t)value);
}

// ---- Pointers and texts ----

// Appends the text that a char pointer leads to, if it is one.
static struct gg_error *append_target(const struct place *place, const struct gg_type *type,
				      gg_gva_t address)
{
	const struct gg_host *host = &place->print->query.kernel->memory.host;
	const size_t left = (size_t)(4096 - address % 4096);
	uint8_t bytes[MOST_TEXT];
	struct gg_type target;
	struct gg_error *err = gg_btf_type(place->print->query.btf, type->target, &target);
	if (err || target.kind != GG_TYPE_CHAR)
		return err;
	const size_t size = left < sizeof(bytes) ? left : sizeof(bytes);
	err = gg_host_read(host, address, bytes, size);
	if (err)
		return gg_error_unless_final(err);
	const size_t length = strnlen((const char *)bytes, size);
	for (size_t i = 0; i < length; i++)
		if (bytes[i] < ' ' || bytes[i] > '~')
			return NULL;
	if (!length || (length == size && left < sizeof(bytes)))
		return NULL;
	gg_buffer_append(&place->print->text, " ", 1);
	gg_append_quoted(&place->print->text, bytes, length);
	if (length == size)
		gg_buffer_append(&place->print->text, "...", 3);
	return NULL;
}

static struct gg_error *append_pointer(const struct place *place, const struct gg_type *type,
				       const struct gg_btf_member *member)
{
	struct gg_buffer *text = &place->print->text;
	_cleanup_free_ char *symbol = NULL;
	uint64_t address;
	if (!gg_object_bits(place->object, member->bit_offset, (unsigned int)(8 * type->size),
			    &address)) {
		gg_buffer_format(text, "<not there>");
		return NULL;
	}
	gg_buffer_format(text, "0x%" PRIx64, address);
	if (!address)
		return NULL;
	struct gg_error *err =
		gg_guest_symbol_text(place->print->guest, address, NULL, NULL, &symbol);
	if (err)
		return err;
	if (symbol)
		gg_buffer_format(text, " <%s>", symbol);
	return append_target(place, type, address);
}

// ---- Arrays ----

struct gg_btf_member gg_element_at(const struct gg_type *type, const struct gg_type *element,
				   const struct gg_btf_member *member, uint64_t index)
{
	return (struct gg_btf_member){ .type = type->target,
				       .bit_offset = member->bit_offset + 8 * index * element->size,
				       .size = element->size };
}

// Counts the elements from INDEX on that are equal, byte by byte.
static uint64_t count_equal(const struct place *place, const struct gg_type *type,
			    const struct gg_type *element, const struct gg_btf_member *member,
			    uint64_t index)
{
	const uint64_t start = member->bit_offset / 8, size = element->size;
	const uint8_t *first = gg_object_bytes(place->object, start + index * size, size);
	uint64_t count = 1;
	for (; index + count < type->count; count++) {
		const uint8_t *next =
			gg_object_bytes(place->object, start + (index + count) * size, size);
		if (!first != !next || (first && memcmp(first, next, size) != 0))
			break;
	}
	return count;
}

static void append_newline(const struct place *place, unsigned int indent)
{
	gg_buffer_format(&place->print->text, "\n%*s", (int)indent, "");
}

// Appends the elements: each on a line of its own where it is a struct and not all goes on a line.
static struct gg_error *append_elements(const struct place *place, const struct gg_type *type,
					const struct gg_type *element,
					const struct gg_btf_member *member)
{
	struct gg_buffer *text = &place->print->text;
	const bool in_lines = !place->in_line &&
			      (gg_type_is_composite(element) || element->kind == GG_TYPE_ARRAY);
	struct place inner = *place;
	struct gg_error *err = NULL;
	uint64_t index = 0, count;
	inner.indent += 2;
	inner.depth++;
	gg_buffer_append(text, "{", 1);
	for (unsigned int shown = 0; !err && index < type->count && shown < MOST_ELEMENTS;
	     shown++) {
		const struct gg_btf_member own = gg_element_at(type, element, member, index);
		count = count_equal(place, type, element, member, index);
		if (in_lines) {
			append_newline(place, inner.indent);
			gg_buffer_format(text, "[%" PRIu64, index);
			if (count > 1)
				gg_buffer_format(text, "..%" PRIu64, index + count - 1);
			gg_buffer_format(text, "] = ");
		} else if (index) {
			gg_buffer_append(text, ", ", 2);
		}
		err = append(&inner, &own);
		if (!in_lines && count > 1)
			gg_buffer_format(text, " <%" PRIu64 " times>", count);
		index += count;
	}
	if (index < type->count)
		gg_buffer_format(text, ", ... %" PRIu64 " more", type->count - index);
	if (in_lines)
		append_newline(place, place->indent);
	gg_buffer_append(text, "}", 1);
	return err;
}

static struct gg_error *append_array(const struct place *place, const struct gg_type *type,
				     const struct gg_btf_member *member)
{
	struct gg_type element;
	struct gg_error *err = gg_btf_type(place->print->query.btf, type->target, &element);
	if (err)
		return err;
	const uint8_t *bytes = gg_object_bytes(place->object, member->bit_offset / 8, type->size);
	if (element.kind == GG_TYPE_CHAR && bytes && type->size) {
		gg_append_quoted(&place->print->text, bytes,
				 strnlen((const char *)bytes, type->size));
		return NULL;
	}
	return append_elements(place, type, &element, member);
}

// ---- Structs ----

// Appends the members of TYPE, those of anonymous members among them. *FIRST: none is before.
static struct gg_error *append_members(const struct place *place, const struct gg_type *type,
				       uint64_t bit_offset, bool *first)
{
	struct gg_buffer *text = &place->print->text;
	struct gg_error *err = NULL;
	for (uint32_t i = 0; !err && i < type->count; i++) {
		struct gg_btf_member member;
		struct gg_type own;
		const char *name;
		err = gg_btf_member_at(place->print->query.btf, type, i, &name, &member);
		if (!err)
			err = gg_btf_type(place->print->query.btf, member.type, &own);
		if (err)
			return err;
		member.bit_offset += bit_offset;
		if (!*name && gg_type_is_composite(&own)) {
			err = append_members(place, &own, member.bit_offset, first);
			continue;
		}
		if (!*name)
			continue; // an unnamed bit field is padding
		if (!place->in_line)
			append_newline(place, place->indent);
		else if (!*first)
			gg_buffer_append(text, ", ", 2);
		*first = false;
		gg_buffer_format(text, "%s = ", name);
		err = append(place, &member);
	}
	return err;
}

static struct gg_error *append_braces(const struct place *place, const struct gg_type *type,
				      const struct gg_btf_member *member, bool in_line)
{
	struct place inner = *place;
	bool first = true;
	inner.in_line = in_line;
	inner.indent += 2;
	inner.depth++;
	gg_buffer_append(&place->print->text, "{", 1);
	struct gg_error *err = append_members(&inner, type, member->bit_offset, &first);
	if (!in_line)
		append_newline(place, place->indent);
	gg_buffer_append(&place->print->text, "}", 1);
	return err;
}

// Appends all on the line where it fits, else in lines.
static struct gg_error *append_composite(const struct place *place, const struct gg_type *type,
					 const struct gg_btf_member *member)
{
	enum { SHORT = 256 }; // bytes; a larger struct does not fit
	struct gg_buffer *text = &place->print->text;
	const size_t start = text->size;
	if (!place->in_line && type->size > SHORT)
		return append_braces(place, type, member, false);
	struct gg_error *err = append_braces(place, type, member, true);
	if (err || place->in_line || place->indent + text->size - start <= LINE)
		return err;
	text->size = start;
	return append_braces(place, type, member, false);
}

// ---- All of them ----

static struct gg_error *append(const struct place *place, const struct gg_btf_member *member)
{
	struct gg_type type;
	struct gg_error *err = gg_btf_type(place->print->query.btf, member->type, &type);
	if (err)
		return err;
	if (place->depth == MAX_DEPTH) {
		gg_buffer_format(&place->print->text, "{...}");
		return NULL;
	}
	switch (type.kind) {
	case GG_TYPE_STRUCT:
	case GG_TYPE_UNION:
		return append_composite(place, &type, member);
	case GG_TYPE_ARRAY:
		return append_array(place, &type, member);
	case GG_TYPE_POINTER:
		return append_pointer(place, &type, member);
	default:
		append_number(place, &type, member);
		return NULL;
	}
}

struct gg_error *gg_append_value(struct gg_struct_print *print, const struct gg_object *object,
				 const struct gg_btf_member *member, unsigned int indent)
{
	const struct place place = { .print = print, .object = object, .indent = indent };
	return append(&place, member);
}
