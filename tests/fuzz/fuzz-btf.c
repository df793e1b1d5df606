// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged BTF, read as a whole, and type by type by way of a damaged struct btf. The first byte of the input chooses
// the kind of image, and the byte order; the rest is a list of changes to it: (offset u16, width u8, value u64),
// little-endian.
#include "fuzz.h"

#include "../unit/btf-image.h"
#include "linux/types/btf-part.h"
#include "linux/types/type.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11 };

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
			uint32_t id;
			struct gg_error *err = gg_btf_lookup(btf, types[i], &id);
			if (!err)
				gg_error_destroy(gg_btf_member(btf, id, paths[j], &member));
			if (!err)
				err = gg_btf_enumerator(btf, id, paths[j], &value);
			gg_error_destroy(err);
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

static void look_at_all(struct btf_image *image)
{
	struct gg_btf_part part;
	struct gg_buffer bytes = { 0 };
	struct gg_btf *btf = NULL;
	struct gg_error *err =
		gg_btf_part_init(&part, &image->host, image->place.start, image->place.size);
	if (!err)
		err = gg_btf_part_whole(&part, &bytes);
	if (!err)
		err = gg_btf_create(bytes.bytes, bytes.size, image->host.address_size, NULL, &btf);
	if (!err)
		ask(btf);
	for (uint32_t id = 0; !err && id < btf__type_cnt(gg_btf_libbpf(btf)); id++)
		look_at(btf, id);
	gg_error_destroy(err);
	gg_btf_destroy(btf);
	gg_buffer_deinit(&bytes);
	gg_btf_part_deinit(&part);
}

// Adds a per-CPU variable of the type 1, whatever that is, behind all types.
static void add_variable(struct btf *made)
{
	const int variable = btf__add_var(made, "variable", BTF_VAR_STATIC, 1);
	btf__add_datasec(made, ".data..percpu", 8);
	btf__add_datasec_var_info(made, variable, 0, 4);
}

static void look_from_afar(struct btf_image *image)
{
	uint32_t id;
	struct gg_btf_far *far;
	struct gg_btf *btf = NULL;
	struct gg_error *err = gg_btf_far_create(&image->place, &far);
	if (!err)
		err = gg_btf_create_far(far, image->host.address_size, &btf);
	if (!err)
		ask(btf);
	if (!err)
		err = gg_btf_lookup_variable(btf, "int", 0, &id);
	gg_error_destroy(err);
	gg_btf_destroy(btf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btf_image image;
	struct btf *made = btf__new_empty();
	btf__set_pointer_size(made, 8);
	btf_image_add_types(made);
	add_variable(made);
	if (size && data[0] & 0x80)
		btf__set_endianness(made, BTF_BIG_ENDIAN);
	btf_image_init(&image, size ? data[0] % BTF_IMAGE_KINDS : 0, made);
	btf__free(made);
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		const size_t offset = (size_t)(data[at] | data[at + 1] << 8) % image.size;
		const size_t width = (size_t)1 << data[at + 2] % 4;
		memcpy(image.bytes + offset, data + at + 3,
		       width < image.size - offset ? width : image.size - offset);
	}
	look_at_all(&image);
	look_from_afar(&image);
	free(image.bytes);
	return 0;
}
