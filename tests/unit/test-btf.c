// SPDX-License-Identifier: GPL-3.0-or-later
//
// BTF that libbpf has made, sound and damaged.
#include "unit.h"

#include "btf-image.h"
#include "linux/types/btf-check.h"
#include "base/near.h"
#include "host/object.h"
#include "linux/types/btf-part.h"
#include "linux/types/type.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- BTF ----

enum { HEADER = 24 };

// The ids of the types that add_types() adds.
enum { INT = 1, CHAR, TEXT, INNER, POINTER, OUTER, BITS, COLOUR, WIDE, ALIAS, CONST_ALIAS };

static void add_types(struct btf *btf)
{
	assert_int_equal(btf__add_int(btf, "int", 4, BTF_INT_SIGNED), INT);
	assert_int_equal(btf__add_int(btf, "char", 1, BTF_INT_SIGNED), CHAR);
	assert_int_equal(btf__add_array(btf, INT, CHAR, 16), TEXT);
	assert_int_equal(btf__add_struct(btf, NULL, 8), INNER);
	btf__add_field(btf, "low", INT, 0, 0);
	btf__add_field(btf, "high", INT, 32, 0);
	assert_int_equal(btf__add_ptr(btf, OUTER), POINTER);
	assert_int_equal(btf__add_struct(btf, "outer", 40), OUTER);
	btf__add_field(btf, "next", POINTER, 0, 0);
	btf__add_field(btf, "", INNER, 64, 0);
	btf__add_field(btf, "text", TEXT, 128, 0);
	btf__add_field(btf, "bits", BITS, 256, 0);
	assert_int_equal(btf__add_struct(btf, "bits", 4), BITS);
	btf__add_field(btf, "three", INT, 0, 3);
	btf__add_field(btf, "five", INT, 3, 5);
	assert_int_equal(btf__add_enum(btf, "colour", 4), COLOUR);
	btf__add_enum_value(btf, "RED", 1);
	btf__add_enum_value(btf, "BLUE", -2);
	assert_int_equal(btf__add_enum64(btf, "wide", 8, false), WIDE);
	btf__add_enum64_value(btf, "FAR", 0x123456789abcULL);
	assert_int_equal(btf__add_typedef(btf, "alias", OUTER), ALIAS);
	assert_int_equal(btf__add_const(btf, ALIAS), CONST_ALIAS);
}

static struct btf *new_btf(void)
{
	struct btf *btf = btf__new_empty();
	assert_non_null(btf);
	btf__set_pointer_size(btf, 8);
	return btf;
}

// Opens what MADE is; consumes MADE.
static struct gg_error *open_made(struct btf *made, struct gg_btf **ret)
{
	uint32_t size;
	const void *bytes = btf__raw_data(made, &size);
	assert_non_null(bytes);
	struct gg_error *err = gg_btf_create(bytes, size, 8, NULL, ret);
	btf__free(made);
	return err;
}

static struct gg_btf *sound(void)
{
	struct gg_btf *btf;
	struct btf *made = new_btf();
	add_types(made);
	assert_success(open_made(made, &btf));
	return btf;
}

static void refuses(struct btf *made, const char *text)
{
	struct gg_btf *btf;
	assert_error(open_made(made, &btf), GG_BAD_DATA, text);
}

// libbpf 1.3 and later look at ids and names themselves, before ours does.
static bool libbpf_checks(void)
{
	return libbpf_major_version() > 1 || libbpf_minor_version() >= 3;
}

static void refuses_reference(struct btf *made, const char *text)
{
	refuses(made, libbpf_checks() ? "libbpf does not take the BTF" : text);
}

// ---- Questions ----

static void assert_member(const char *type, const char *path, uint64_t bit_offset, uint64_t size)
{
	struct gg_btf *btf = sound();
	struct gg_btf_member member;
	assert_success(gg_btf_member(btf, gg_btf_find(btf, type), path, &member));
	assert_int_equal(member.bit_offset, bit_offset);
	assert_int_equal(member.size, size);
	gg_btf_destroy(btf);
}

static void members(void **state)
{
	(void)state;
	assert_member("outer", "", 0, 40);
	assert_member("outer", "text", 128, 16);
	assert_member("outer", "high", 96, 4);
	assert_member("outer", "text[3]", 152, 1);
	assert_member("alias", "bits.five", 259, 4);
}

static void wrong_paths(void **state)
{
	(void)state;
	struct gg_btf *btf = sound();
	struct gg_btf_member member;
	assert_error(gg_btf_member(btf, OUTER, "texts", &member), GG_NOT_FOUND, "texts");
	assert_error(gg_btf_member(btf, OUTER, "text[16]", &member), GG_NOT_FOUND, "16");
	assert_error(gg_btf_member(btf, OUTER, "next[0]", &member), GG_NOT_FOUND, "[0]");
	assert_error(gg_btf_member(btf, OUTER, "text[x]", &member), GG_NOT_FOUND, "[x]");
	assert_int_equal(gg_btf_find(btf, "inner"), 0);
	gg_btf_destroy(btf);
}

static void bit_fields(void **state)
{
	(void)state;
	struct gg_btf *btf = sound();
	struct gg_btf_member member;
	assert_success(gg_btf_member(btf, BITS, "five", &member));
	assert_int_equal(member.bits, 5);
	assert_int_equal(member.bit_offset, 3);
	gg_btf_destroy(btf);
}

static void enumerators(void **state)
{
	(void)state;
	struct gg_btf *btf = sound();
	int64_t value;
	assert_success(gg_btf_enumerator(btf, COLOUR, "BLUE", &value));
	assert_int_equal(value, -2);
	assert_success(gg_btf_enumerator(btf, WIDE, "FAR", &value));
	assert_int_equal(value, 0x123456789abc);
	assert_error(gg_btf_enumerator(btf, COLOUR, "GREEN", &value), GG_NOT_FOUND, "GREEN");
	gg_btf_destroy(btf);
}

// ---- Damage ----

static void bad_references(void **state)
{
	(void)state;
	struct btf *btf = new_btf();
	btf__add_ptr(btf, 77);
	refuses_reference(btf, "the type 1 of the BTF leads to a type that there is not");
	btf = new_btf();
	btf__add_int(btf, "int", 4, 0);
	btf__add_struct(btf, "s", 8);
	btf__add_field(btf, "member", 78, 0, 0);
	refuses_reference(btf, "the type 2 of the BTF leads to a type that there is not");
	btf = new_btf();
	btf__add_array(btf, 1, 79, 3);
	refuses_reference(btf, "leads to a type that there is not");
	// By way of an earlier type.
	btf = new_btf();
	btf__add_typedef(btf, "early", 2);
	btf__add_struct(btf, "s", 8);
	btf__add_field(btf, "member", 0x10000000, 0, 0);
	refuses_reference(btf, "the type 2 of the BTF leads to a type that there is not");
}

static void bad_names(void **state)
{
	(void)state;
	struct btf *btf = new_btf();
	btf__add_int(btf, "int\x1b[2J", 4, 0);
	refuses(btf, "a name that is not printable");
	btf = new_btf();
	btf__add_int(btf, "int", 4, 0);
	((struct btf_type *)btf__type_by_id(btf, 1))->name_off = 1000;
	refuses_reference(btf, "a name behind the strings");
}

static void loops(void **state)
{
	(void)state;
	struct btf *btf = new_btf();
	btf__add_typedef(btf, "a", 2);
	btf__add_typedef(btf, "b", 1);
	refuses(btf, "is inside itself");
	btf = new_btf();
	btf__add_struct(btf, "s", 8);
	btf__add_field(btf, "again", 2, 0, 0);
	btf__add_array(btf, 2, 1, 0);
	refuses(btf, "is inside itself");
}

static void a_pointer_to_itself(void **state)
{
	(void)state;
	struct gg_btf *btf;
	struct btf *made = new_btf();
	btf__add_ptr(made, 1);
	assert_success(open_made(made, &btf));
	gg_btf_destroy(btf);
}

static void depth(void **state)
{
	(void)state;
	enum { MANY = 60000 };
	struct btf *forward = new_btf(), *backward = new_btf();
	for (int id = 1; id <= MANY; id++) {
		btf__add_const(forward, id + 1);
		btf__add_const(backward, id - 1);
	}
	btf__add_int(forward, "int", 4, 0);
	refuses(forward, "too many types in each other");
	refuses(backward, "too many types in each other");
}

static void sizes(void **state)
{
	(void)state;
	struct btf *btf = new_btf();
	btf__add_int(btf, "int", 4, 0);
	btf__add_array(btf, 1, 1, 0x40000000);
	refuses(btf, "an array of more than 4 GiB");
	btf = new_btf();
	btf__add_int(btf, "int", 4, 0);
	btf__add_struct(btf, "s", 6);
	btf__add_field(btf, "member", 1, 32, 0);
	refuses(btf, "a member that is not inside");
	btf = new_btf();
	btf__add_struct(btf, "s", 6);
	btf__add_field(btf, "member", 2, 0, 0);
	btf__add_fwd(btf, "f", BTF_FWD_STRUCT);
	refuses(btf, "a member without a size");
	btf = new_btf();
	btf__add_int(btf, "int", 4, 0);
	((struct btf_type *)btf__type_by_id(btf, 1))->size = 3;
	refuses(btf, "more bits than it has room for");
}

// ---- Types that are far ----

// Adds the types of add_types(), and others, sorted by name behind the types without.
static void add_sorted(struct btf *btf)
{
	enum { S_TEXT = 1, S_INNER, S_POINTER, S_ALIAS, S_BITS, S_CHAR, S_COLOUR, S_INT, S_OUTER };
	btf__add_array(btf, S_INT, S_CHAR, 16);
	btf__add_struct(btf, NULL, 8);
	btf__add_field(btf, "low", S_INT, 0, 0);
	btf__add_field(btf, "high", S_INT, 32, 0);
	btf__add_ptr(btf, S_OUTER);
	btf__add_typedef(btf, "alias", S_OUTER);
	btf__add_struct(btf, "bits", 4);
	btf__add_field(btf, "three", S_INT, 0, 3);
	btf__add_field(btf, "five", S_INT, 3, 5);
	btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	btf__add_enum(btf, "colour", 4);
	btf__add_enum_value(btf, "RED", 1);
	btf__add_enum_value(btf, "BLUE", -2);
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	assert_int_equal(btf__add_struct(btf, "outer", 40), S_OUTER);
	btf__add_field(btf, "next", S_POINTER, 0, 0);
	btf__add_field(btf, "", S_INNER, 64, 0);
	btf__add_field(btf, "text", S_TEXT, 128, 0);
	btf__add_field(btf, "bits", S_BITS, 256, 0);
	btf__add_func(btf, "twice", BTF_FUNC_STATIC, 0);
	btf__add_typedef(btf, "twice", S_INT);
	btf__add_struct(btf, "twice", 24);
	btf__add_enum64(btf, "wide", 8, false);
	btf__add_enum64_value(btf, "FAR", 0x123456789abcULL);
}

// Adds types with members of the type MEMBER, whose names are behind all others.
static void add_many(struct btf *btf, int member)
{
	char name[16];
	for (unsigned int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "x%05u", i);
		btf__add_struct(btf, name, 8);
		btf__add_field(btf, name, member, 0, 0);
	}
}

static struct btf *new_sorted(void)
{
	struct btf *btf = new_btf();
	add_sorted(btf);
	add_many(btf, btf__find_by_name(btf, "int"));
	return btf;
}

static struct btf *new_unsorted(void)
{
	struct btf *btf = new_btf();
	// A name that ends like another is not the other.
	btf__add_str(btf, "an_outer");
	add_types(btf);
	add_many(btf, INT);
	return btf;
}

enum { VARIABLE = 0x40 }; // the offset of a per-CPU variable of the last struct

static struct btf *new_with_variables(void)
{
	struct btf *btf = new_unsorted();
	const int last = btf__find_by_name(btf, "x01999");
	const int other = btf__add_var(btf, "other", BTF_VAR_STATIC, INT);
	const int variable = btf__add_var(btf, "variable", BTF_VAR_STATIC, last);
	btf__add_datasec(btf, ".data..percpu", 0x100);
	btf__add_datasec_var_info(btf, other, VARIABLE - 8, 4);
	btf__add_datasec_var_info(btf, variable, VARIABLE, 8);
	return btf;
}

static struct gg_btf *open_far(struct btf_image *image)
{
	struct gg_btf_far *far;
	struct gg_btf *btf;
	assert_success(gg_btf_far_create(&image->place, &far));
	assert_success(gg_btf_create_far(far, image->host.address_size, &btf));
	return btf;
}

static void assert_far(const struct gg_btf *btf, const char *type, const char *path,
		       uint64_t bit_offset, uint64_t size)
{
	uint32_t id;
	struct gg_btf_member member;
	assert_success(gg_btf_lookup(btf, type, &id));
	assert_success(gg_btf_member(btf, id, path, &member));
	assert_int_equal(member.bit_offset, bit_offset);
	assert_int_equal(member.size, size);
}

static void assert_enumerator(const struct gg_btf *btf, const char *type, const char *name,
			      int64_t value)
{
	uint32_t id;
	int64_t found;
	assert_success(gg_btf_lookup(btf, type, &id));
	assert_success(gg_btf_enumerator(btf, id, name, &found));
	assert_int_equal(found, value);
}

static void ask_far(struct btf_image *image)
{
	uint32_t id;
	struct gg_btf_member member;
	struct gg_btf *btf = open_far(image);
	assert_far(btf, "outer", "", 0, 40);
	assert_far(btf, "outer", "text", 128, 16);
	assert_far(btf, "outer", "next", 0, 8);
	assert_far(btf, "outer", "high", 96, 4);
	assert_far(btf, "outer", "text[3]", 152, 1);
	assert_far(btf, "x01999", "x01999", 0, 4);
	assert_enumerator(btf, "colour", "BLUE", -2);
	assert_enumerator(btf, "wide", "FAR", 0x123456789abcLL);
	assert_error(gg_btf_lookup(btf, "high", &id), GG_NOT_FOUND, "no type high");
	const uint64_t read = image->read;
	assert_error(gg_btf_lookup(btf, "high", &id), GG_NOT_FOUND, "no type high");
	assert_success(gg_btf_lookup(btf, "outer", &id));
	assert_int_equal(image->read, read); // names that were looked for are remembered
	assert_error(gg_btf_member(btf, id, "text[16]", &member), GG_NOT_FOUND, "16");
	assert_error(gg_btf_member(btf, id, "texts", &member), GG_NOT_FOUND, "texts");
	gg_btf_destroy(btf);
}

// Asks all kinds of images of MADE, in both byte orders.
static void ask_all(struct btf *(*make)(void))
{
	for (unsigned int kind = 0; kind < BTF_IMAGE_KINDS; kind++)
		for (unsigned int order = 0; order < 2; order++) {
			struct btf_image image;
			struct btf *made = make();
			btf__set_endianness(made, order ? BTF_BIG_ENDIAN : BTF_LITTLE_ENDIAN);
			btf_image_init(&image, kind, made);
			ask_far(&image);
			free(image.bytes);
			btf__free(made);
		}
}

static void far_types(void **state)
{
	(void)state;
	ask_all(new_sorted);
	ask_all(new_unsorted);
}

// Returns the bytes that a look-up of the type NAME reads of MADE, and of a member; consumes MADE.
static uint64_t cost_of(struct btf *made, enum btf_image_kind kind, const char *name)
{
	struct btf_image image;
	btf_image_init(&image, kind, made);
	struct gg_btf *btf = open_far(&image);
	assert_far(btf, name, name, 0, 4);
	gg_btf_destroy(btf);
	free(image.bytes);
	btf__free(made);
	return image.read;
}

static void far_costs(void **state)
{
	(void)state;
	enum { HALF = 40000, FEW = 8000 };
	assert_true(cost_of(new_sorted(), BTF_OF_7_2, "x01999") < FEW);
	assert_true(cost_of(new_sorted(), BTF_OF_7_2, "x01000") < FEW);
	assert_true(cost_of(new_unsorted(), BTF_OF_7_2, "x01999") > HALF);
}

static void by_variable(void **state)
{
	(void)state;
	enum { FEW = 1000 };
	uint32_t id;
	for (unsigned int kind = 0; kind < BTF_IMAGE_KINDS; kind++) {
		struct btf_image image;
		struct btf *made = new_with_variables();
		btf_image_init(&image, kind, made);
		struct gg_btf *btf = open_far(&image);
		const int last = btf__find_by_name(made, "x01999");
		assert_success(gg_btf_lookup_variable(btf, "x01999", VARIABLE, &id));
		assert_int_equal(id, kind == BTF_WITHOUT_TABLE ? 0 : last);
		assert_true(image.read < FEW);
		assert_success(gg_btf_lookup_variable(btf, "x01998", VARIABLE, &id));
		assert_int_equal(id, 0);
		assert_success(gg_btf_lookup_variable(btf, "x01999", VARIABLE - 8, &id));
		assert_int_equal(id, 0);
		assert_success(gg_btf_lookup_variable(btf, "x01999", VARIABLE + 8, &id));
		assert_int_equal(id, 0);
		gg_btf_destroy(btf);
		free(image.bytes);
		btf__free(made);
	}
}

static void several_of_a_name(void **state)
{
	(void)state;
	struct btf_image image;
	struct btf *made = new_sorted();
	btf_image_init(&image, BTF_OF_7_2, made);
	struct gg_btf *btf = open_far(&image);
	assert_far(btf, "twice", "", 0, 24);
	assert_far(btf, "alias", "bits.five", 259, 4);
	gg_btf_destroy(btf);
	free(image.bytes);
	btf__free(made);
}

// Damages the place of the type ID in the array, where an unsound number leaves the type unread.
static void damaged_array(void **state)
{
	(void)state;
	uint32_t id;
	struct gg_btf_member member;
	struct btf_image image;
	struct btf *made = new_unsorted();
	btf_image_init(&image, BTF_OF_6_1, made);
	put_uint(image.bytes + image.table + 8 * INNER, 8, image.place.start - 4);
	struct gg_btf *btf = open_far(&image);
	assert_success(gg_btf_lookup(btf, "outer", &id));
	assert_far(btf, "outer", "next", 0, 8);
	assert_error(gg_btf_member(btf, id, "high", &member), GG_BAD_DATA, "the type 4 is at 0xfc");
	gg_btf_destroy(btf);
	// An array that does not lead to the last type is none.
	put_uint(image.bytes + image.table + 8 * (btf__type_cnt(made) - 1), 8, image.place.start);
	put_uint(image.bytes + image.table + 8 * OUTER, 8, 0);
	ask_far(&image);
	free(image.bytes);
	btf__free(made);
}

static void many_members(void **state)
{
	(void)state;
	enum { WIDTH = 60, DEPTH = 12 };
	uint32_t id;
	struct gg_btf_member member;
	struct btf_image image;
	struct btf *made = new_btf();
	btf__add_struct(made, NULL, 0);
	for (int level = 2; level <= DEPTH; level++) {
		btf__add_struct(made, level == DEPTH ? "top" : NULL, 0);
		for (int i = 0; i < WIDTH; i++)
			btf__add_field(made, "", level - 1, 0, 0);
	}
	btf_image_init(&image, BTF_OF_6_1, made);
	struct gg_btf *btf = open_far(&image);
	assert_success(gg_btf_lookup(btf, "top", &id));
	assert_error(gg_btf_member(btf, id, "none", &member), GG_BAD_DATA, "damaged");
	gg_btf_destroy(btf);
	assert_success(open_made(made, &btf));
	assert_error(gg_btf_member(btf, DEPTH, "none", &member), GG_BAD_DATA, "damaged");
	gg_btf_destroy(btf);
	free(image.bytes);
}

static struct gg_error *read_bytes(void *data, uint64_t address, void *buffer, size_t size)
{
	memcpy(buffer, (const uint8_t *)data + address, size);
	return NULL;
}

static void header_damage(void **state)
{
	(void)state;
	static const struct gg_host_ops ops = { .read = read_bytes };
	uint8_t bytes[HEADER] = { 0x9f, 0xeb, 1, 0, 24 };
	const struct gg_host host = { .ops = &ops, .data = bytes, .address_size = 8 };
	struct gg_btf_part part;
	assert_success(gg_btf_part_init(&part, &host, 0, sizeof(bytes)));
	put_uint(bytes + 12, 4, 0xfffffff0);
	assert_error(gg_btf_part_init(&part, &host, 0, sizeof(bytes)), GG_BAD_DATA,
		     "is not in its");
	bytes[0] = 0;
	assert_error(gg_btf_part_init(&part, &host, 0, sizeof(bytes)), GG_BAD_DATA, "magic number");
}

// ---- Split BTF ----

static void split(void **state)
{
	(void)state;
	struct gg_btf *base = sound(), *btf;
	struct btf *made = btf__new_empty_split(gg_btf_libbpf(base));
	struct gg_btf_member member;
	uint32_t size;
	assert_int_equal(btf__add_struct(made, "device", 48), CONST_ALIAS + 1);
	btf__add_field(made, "outer", OUTER, 64, 0);
	const void *bytes = btf__raw_data(made, &size);
	assert_success(gg_btf_create(bytes, size, 8, base, &btf));
	assert_success(gg_btf_member(btf, gg_btf_find(btf, "device"), "outer.high", &member));
	assert_int_equal(member.bit_offset, 160);
	assert_int_equal(gg_btf_find(btf, "outer"), OUTER);
	gg_btf_destroy(btf);
	btf__free(made);
	gg_btf_destroy(base);
}

// ---- Declarations ----

static void assert_declared(struct btf *made, uint32_t id, const char *text)
{
	struct gg_btf *btf;
	struct gg_buffer out = { 0 };
	assert_success(open_made(made, &btf));
	gg_btf_declare(btf, id, "name", &out);
	gg_buffer_append(&out, "", 1);
	assert_string_equal(out.bytes, text);
	gg_buffer_deinit(&out);
	gg_btf_destroy(btf);
}

static void declarations(void **state)
{
	(void)state;
	struct btf *btf = new_btf();
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_func_proto(btf, 1);
	btf__add_func_param(btf, "first", 3);
	btf__add_ptr(btf, 4);
	btf__add_const(btf, 1);
	btf__add_ptr(btf, 2);
	btf__add_const(btf, 5);
	btf__add_array(btf, 1, 6, 4);
	assert_declared(btf, 7, "int (*const name[4])(const int *first)");
	btf = new_btf();
	btf__add_ptr(btf, 1);
	assert_declared(btf, 1,
			"... ***************"
			"*name");
}

// ---- Objects ----

// Memory of which the second page of each two is missing.
static struct gg_error *read_holes(void *data, uint64_t address, void *buffer, size_t size)
{
	(void)data;
	for (size_t i = 0; i < size; i++) {
		if ((address + i) / 4096 % 2)
			return gg_error_fault(address + i, "there is a hole");
		((uint8_t *)buffer)[i] = (uint8_t)(address + i);
	}
	return NULL;
}

static void holes(void **state)
{
	(void)state;
	static const struct gg_host_ops ops = { .read = read_holes };
	const struct gg_host host = { .ops = &ops, .address_size = 8 };
	struct gg_object object;
	uint64_t value;
	assert_success(gg_object_read(&object, &host, 0x2ff8, 0x1010));
	assert_non_null(gg_object_bytes(&object, 0, 8));
	assert_null(gg_object_bytes(&object, 4, 8));
	assert_null(gg_object_bytes(&object, 0x1000, 8));
	assert_non_null(gg_object_bytes(&object, 0x1008, 8));
	assert_null(gg_object_bytes(&object, 0x1008, 9));
	assert_true(gg_object_bits(&object, 8 * 7 + 4, 4, &value));
	assert_int_equal(value, 0xf);
	assert_false(gg_object_bits(&object, 8 * 8, 1, &value));
	gg_object_deinit(&object);
	assert_error(gg_object_read(&object, &host, 0x1000, 8), GG_FAULT, "there is a hole");
}

// ---- Names ----

static void near_names(void **state)
{
	(void)state;
	static const char *const names[] = { "task_group", "task_struct", "tas_struct",
					     "xtask_struc", "" };
	struct gg_near near = { .wanted = "task_struc" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		gg_near_add(&near, names[i]);
	assert_error(gg_near_error(&near, gg_error_create(GG_NOT_FOUND, "no")), GG_NOT_FOUND,
		     "no; there is task_struct, xtask_struc, tas_struct");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(
			"Members are found by path, through anonymous members, arrays and typedefs",
			members),
		UNIT_TEST("A path that leads nowhere is an error that names where it ends",
			  wrong_paths),
		UNIT_TEST("A bit field has its own width and offset", bit_fields),
		UNIT_TEST("Enumerators are found, negative ones and those of 64 bits", enumerators),
		UNIT_TEST("An id that no type has is refused, before any id is followed",
			  bad_references),
		UNIT_TEST("A name beyond the strings, or with control characters, is refused",
			  bad_names),
		UNIT_TEST("A type inside itself is refused", loops),
		UNIT_TEST("A pointer to itself is a type", a_pointer_to_itself),
		UNIT_TEST("Types in each other are refused beyond a depth", depth),
		UNIT_TEST("Sizes that do not fit are refused", sizes),
		UNIT_TEST("Types that are read one by one answer as the whole does, of all "
			  "kernels, in "
			  "both byte orders",
			  far_types),
		UNIT_TEST("A search among sorted types reads little of them", far_costs),
		UNIT_TEST("a per-CPU variable leads to its type, and little is read", by_variable),
		UNIT_TEST("Of several types of a name a struct comes before a typedef",
			  several_of_a_name),
		UNIT_TEST("A damaged pointer to a type is an error, a damaged array is not used",
			  damaged_array),
		UNIT_TEST("A search through nested anonymous members has an end", many_members),
		UNIT_TEST("A header whose sections are not in the BTF is refused", header_damage),
		UNIT_TEST("A module's BTF has the types of its base", split),
		UNIT_TEST("A declaration is C, and that of a pointer to itself has an end",
			  declarations),
		UNIT_TEST("What is not there of an object has no value, and the rest has", holes),
		UNIT_TEST("Names that are like a wrong name come in the order of their distance",
			  near_names),
	};
	return cmocka_run_group_tests_name("BTF", tests, NULL, NULL);
}
