// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged BTF. The first two bytes of the input choose how much of its types and names is there; the rest is a list
// of changes to a sound BTF: (offset u16, width u8, value u64), little-endian, from its header on.
#include "fuzz.h"

#include "linux/types/btf-part.h"
#include "linux/types/type.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11, HEAD = 2, MOST = 4096 };

static uint8_t sound[MOST];
static uint32_t sound_size;

static void add_others(struct btf *btf)
{
	btf__add_func_proto(btf, 1);
	btf__add_func_param(btf, "argument", 2);
	btf__add_func(btf, "function", BTF_FUNC_STATIC, 10);
	btf__add_var(btf, "variable", BTF_VAR_STATIC, 6);
	btf__add_datasec(btf, ".data..percpu", 64);
	btf__add_datasec_var_info(btf, 12, 0, 64);
	btf__add_float(btf, "double", 8);
	btf__add_fwd(btf, "hidden", BTF_FWD_STRUCT);
	btf__add_type_tag(btf, "user", 2);
	btf__add_decl_tag(btf, "tag", 6, 0);
	btf__add_union(btf, "either", 64);
	btf__add_field(btf, "one", 6, 0, 0);
	btf__add_field(btf, "other", 8, 0, 0);
	btf__add_volatile(btf, 9);
}

static void make_sound(void)
{
	struct btf *btf = btf__new_empty();
	btf__set_pointer_size(btf, 8);
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_ptr(btf, 6);
	btf__add_array(btf, 1, 1, 6);
	btf__add_struct(btf, NULL, 8);
	btf__add_field(btf, "low", 1, 0, 3);
	btf__add_field(btf, "high", 1, 32, 0);
	btf__add_enum(btf, "colour", 4);
	btf__add_enum_value(btf, "RED", 1);
	btf__add_struct(btf, "outer", 64);
	btf__add_field(btf, "next", 2, 0, 0);
	btf__add_field(btf, "", 4, 64, 0);
	btf__add_field(btf, "list", 3, 128, 0);
	btf__add_field(btf, "colour", 5, 320, 0);
	btf__add_enum64(btf, "wide", 8, false);
	btf__add_enum64_value(btf, "FAR", 1);
	btf__add_typedef(btf, "number", 1);
	btf__add_typedef(btf, "outer_t", 6);
	btf__add_const(btf, 8);
	add_others(btf);
	const void *bytes = btf__raw_data(btf, &sound_size);
	if (sound_size > sizeof(sound))
		abort();
	memcpy(sound, bytes, sound_size);
	btf__free(btf);
}

static struct gg_error *read_bytes(void *data, uint64_t address, void *buffer, size_t size)
{
	if (address > sound_size || size > sound_size - address)
		return gg_error_fault(address, "there is nothing");
	memcpy(buffer, (const uint8_t *)data + address, size);
	return NULL;
}

static void ask(const struct gg_btf *btf)
{
	static const char *const types[] = { "int",    "outer",   "colour", "wide",
					     "number", "outer_t", "either" };
	static const char *const paths[] = {
		"", "next", "high", "list[5]", "low", "one.list", "RED"
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		for (size_t j = 0; j < sizeof(paths) / sizeof(*paths); j++) {
			struct gg_btf_member member;
			int64_t value;
			const uint32_t id = gg_btf_find(btf, types[i]);
			if (!id)
				continue;
			gg_error_destroy(gg_btf_member(btf, id, paths[j], &member));
			gg_error_destroy(gg_btf_enumerator(btf, id, paths[j], &value));
		}
}

// Looks at a type as a printer of it does.
static void look_at(const struct gg_btf *btf, uint32_t id)
{
	struct gg_buffer text = { 0 };
	struct gg_type type;
	struct gg_error *err = gg_btf_type(btf, id, &type);
	gg_btf_declare(btf, id, "name", &text);
	for (uint32_t i = 0; !err && gg_type_is_composite(&type) && i < type.count; i++) {
		struct gg_btf_member member;
		const char *name;
		err = gg_btf_member_at(btf, &type, i, &name, &member);
		if (!err && member.bit_offset + (member.bits ? member.bits : 8 * member.size) >
				    8 * type.size)
			abort();
	}
	for (uint32_t i = 0; !err && type.kind == GG_TYPE_ENUM && i < type.count; i++) {
		const char *name;
		int64_t value;
		gg_btf_enumerator_at(btf, &type, i, &name, &value);
	}
	gg_error_destroy(err);
	gg_buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t image[MOST];
	static const struct gg_host_ops ops = { .read = read_bytes };
	const struct gg_host host = { .ops = &ops, .data = image, .address_size = 8 };
	const uint64_t types = size > 0 && data[0] < 0x80 ? data[0] * 8 : MOST;
	const uint64_t names = size > 1 && data[1] < 0x80 ? data[1] * 2 : MOST;
	struct gg_btf_part part;
	struct gg_btf *btf = NULL;
	if (!sound_size)
		make_sound();
	memcpy(image, sound, sizeof(image));
	for (size_t at = HEAD; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		const size_t offset = (size_t)(data[at] | data[at + 1] << 8) % sound_size;
		const size_t width = (size_t)1 << data[at + 2] % 4;
		memcpy(image + offset, data + at + 3,
		       width < sound_size - offset ? width : sound_size - offset);
	}
	struct gg_error *err = gg_btf_part_init(&part, &host, 0, sound_size);
	if (!err)
		err = gg_btf_part_read(&part, &part.types, types);
	if (!err)
		err = gg_btf_part_read(&part, &part.names, names);
	if (!err)
		err = gg_btf_part_open(&part, &btf);
	if (!err)
		ask(btf);
	for (uint32_t id = 0;
	     !err && gg_btf_part_is_whole(&part) && id < btf__type_cnt(gg_btf_libbpf(btf)); id++)
		look_at(btf, id);
	gg_error_destroy(err);
	gg_btf_destroy(btf);
	gg_btf_part_deinit(&part);
	return 0;
}
