// SPDX-License-Identifier: GPL-3.0-or-later
//
// The layout of a type: the offset and the size of each member beside its declaration.
#include "struct.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 16 }; // of types without a name in each other

// A member on its way to the output.
struct row {
	const char *name;            // "" without
	const char *path;            // from the type that was asked
	struct gg_btf_member member; // its bit offset counts from the same
	unsigned int depth;
};

static struct gg_error *declaration(const struct gg_struct_print *print, uint32_t id,
				    const char *name, char **ret)
{
	struct gg_buffer text = { 0 };
	gg_btf_declare(print->query.btf, id, name, &text);
	gg_buffer_append(&text, "", 1);
	struct gg_error *err = gg_buffer_check(&text);
	*ret = (char *)text.bytes;
	if (err)
		gg_buffer_deinit(&text);
	return err;
}

// ---- JSON ----

static struct gg_error *json_row(struct gg_struct_print *print, const struct row *row)
{
	struct gg_buffer *text = &print->text;
	const struct gg_btf_member *member = &row->member;
	_cleanup_free_ char *declared = NULL;
	struct gg_error *err = declaration(print, member->type, row->name, &declared);
	if (err)
		return err;
	gg_json_open_object(text, NULL);
	gg_json_string(text, "type", print->query.type);
	gg_json_string(text, "name", *row->name ? row->name : NULL);
	gg_json_string(text, "path", row->path);
	gg_json_string(text, "declaration", declared);
	gg_json_uint(text, "offset", member->bit_offset / 8);
	gg_json_uint(text, "size", member->size);
	if (member->bits) {
		gg_json_uint(text, "bit_offset", member->bit_offset % 8);
		gg_json_uint(text, "bits", member->bits);
	}
	gg_json_close_object(text);
	gg_json_end_line(text);
	return NULL;
}

static struct gg_error *json_enumerators(struct gg_struct_print *print, const struct gg_type *type)
{
	for (uint32_t i = 0; i < type->count; i++) {
		const char *name;
		int64_t value;
		gg_btf_enumerator_at(print->query.btf, type, i, &name, &value);
		gg_json_open_object(&print->text, NULL);
		gg_json_string(&print->text, "type", print->query.type);
		gg_json_string(&print->text, "name", name);
		gg_json_format(&print->text, "value", "%" PRId64, value);
		gg_json_close_object(&print->text);
		gg_json_end_line(&print->text);
	}
	return NULL;
}

// ---- Text ----

enum { COLUMNS = 18 }; // of offset and size

static void append_indent(struct gg_buffer *text, unsigned int depth)
{
	gg_buffer_format(text, "%*s", (int)(COLUMNS + 4 * depth), "");
}

static void append_place(struct gg_buffer *text, const struct gg_btf_member *member,
			 unsigned int depth)
{
	char place[32];
	const uint64_t bit = member->bit_offset % 8;
	snprintf(place, sizeof(place), member->bits ? "%" PRIu64 ":%" PRIu64 : "%" PRIu64,
		 member->bit_offset / 8, bit);
	gg_buffer_format(text, "%8s %6" PRIu64 "   %*s", place, member->size, (int)(4 * depth), "");
}

static struct gg_error *text_row(struct gg_struct_print *print, const struct row *row)
{
	_cleanup_free_ char *declared = NULL;
	struct gg_error *err = declaration(print, row->member.type, row->name, &declared);
	if (err)
		return err;
	append_place(&print->text, &row->member, row->depth);
	gg_buffer_append(&print->text, declared, strlen(declared));
	if (row->member.bits)
		gg_buffer_format(&print->text, " : %u", row->member.bits);
	gg_buffer_format(&print->text, ";\n");
	return NULL;
}

// ---- Members ----

static struct gg_error *print_members(struct gg_struct_print *print, const struct gg_type *type,
				      const struct row *outer);

// Writes a member whose type has no name with the members in it.
static struct gg_error *print_nested(struct gg_struct_print *print, const struct row *row,
				     const struct gg_type *type)
{
	const char *keyword = type->kind == GG_TYPE_UNION ? "union" : "struct";
	if (print->options->json) {
		struct gg_error *err = *row->name ? json_row(print, row) : NULL;
		return err ? err : print_members(print, type, row);
	}
	append_place(&print->text, &row->member, row->depth);
	gg_buffer_format(&print->text, "%s {\n", keyword);
	struct gg_error *err = print_members(print, type, row);
	append_indent(&print->text, row->depth);
	gg_buffer_format(&print->text, *row->name ? "} %s;\n" : "};\n", row->name);
	return err;
}

static struct gg_error *print_row(struct gg_struct_print *print, const struct row *row)
{
	struct gg_type type;
	struct gg_error *err = gg_btf_type(print->query.btf, row->member.type, &type);
	if (err)
		return err;
	if (gg_type_is_composite(&type) && !*type.name && !type.has_alias && row->depth < MAX_DEPTH)
		return print_nested(print, row, &type);
	return print->options->json ? json_row(print, row) : text_row(print, row);
}

// Writes the members of TYPE, which is OUTER's, and counts their offsets on from OUTER's.
static struct gg_error *print_members(struct gg_struct_print *print, const struct gg_type *type,
				      const struct row *outer)
{
	struct gg_error *err = NULL;
	for (uint32_t i = 0; !err && i < type->count; i++) {
		struct row row = { .depth = outer->depth + 1 };
		_cleanup_free_ char *path = NULL;
		err = gg_btf_member_at(print->query.btf, type, i, &row.name, &row.member);
		if (err)
			break;
		row.member.bit_offset += outer->member.bit_offset;
		const char *dot = *outer->path && *row.name ? "." : "";
		if (asprintf(&path, "%s%s%s", outer->path, dot, row.name) < 0) {
			path = NULL;
			return gg_enomem;
		}
		row.path = path;
		err = print_row(print, &row);
		if (!err)
			err = gg_write_out(&print->text, print->writer);
	}
	return err;
}

static struct gg_error *print_composite(struct gg_struct_print *print, const struct gg_type *type)
{
	const struct row outer = { .name = "", .path = "" };
	_cleanup_free_ char *declared = NULL;
	struct gg_error *err = declaration(print, print->query.id, "", &declared);
	if (!err && !print->options->json)
		gg_buffer_format(&print->text, "  offset   size   %s {\n", declared);
	if (!err)
		err = print_members(print, type, &outer);
	if (!err && !print->options->json)
		gg_buffer_format(&print->text, "         %6" PRIu64 "   }\n", type->size);
	return err;
}

static struct gg_error *print_enumerators(struct gg_struct_print *print, const struct gg_type *type)
{
	_cleanup_free_ char *declared = NULL;
	if (print->options->json)
		return json_enumerators(print, type);
	struct gg_error *err = declaration(print, print->query.id, "", &declared);
	if (err)
		return err;
	gg_buffer_format(&print->text, "%s {\n", declared);
	for (uint32_t i = 0; i < type->count; i++) {
		const char *name;
		int64_t value;
		gg_btf_enumerator_at(print->query.btf, type, i, &name, &value);
		gg_buffer_format(&print->text, "  %s = %" PRId64 ",\n", name, value);
	}
	gg_buffer_format(&print->text, "}\n");
	return NULL;
}

// Writes a type that has no members: the size, and what it is another name for.
static struct gg_error *print_plain(struct gg_struct_print *print, const struct gg_type *type)
{
	const struct row row = { .name = "",
				 .path = "",
				 .member = { .type = type->id, .size = type->size } };
	return print->options->json ? json_row(print, &row) : text_row(print, &row);
}

static struct gg_error *print_paths(struct gg_struct_print *print)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < print->query.path_count; i++) {
		const char *path = print->query.paths[i], *dot = strrchr(path, '.'),
			   *arrow = strstr(path, "->");
		for (const char *next = arrow; next; next = strstr(arrow + 2, "->"))
			arrow = next;
		struct gg_struct_place place;
		err = gg_struct_find(&print->query, path, 0, false, &place);
		const char *name = dot && dot > arrow ? dot + 1 : arrow ? arrow + 2 : path;
		const struct row row = { .name = name, .path = path, .member = place.member };
		if (!err)
			err = print_row(print, &row);
	}
	return err;
}

struct gg_error *gg_struct_layout(struct gg_struct_print *print)
{
	struct gg_type type;
	struct gg_error *err = gg_btf_type(print->query.btf, print->query.id, &type);
	if (err)
		return err;
	if (print->query.path_count)
		err = print_paths(print);
	else if (gg_type_is_composite(&type))
		err = print_composite(print, &type);
	else if (type.kind == GG_TYPE_ENUM)
		err = print_enumerators(print, &type);
	else
		err = print_plain(print, &type);
	return err ? err : gg_write_out(&print->text, print->writer);
}
