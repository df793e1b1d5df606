// SPDX-License-Identifier: GPL-3.0-or-later
#include "btf-image.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

enum {
	START = 0x100, // of the BTF
	VARIABLE = 8,  // btf_vmlinux
	OBJECT_SIZE = 0x100,
};

static struct gg_error *read_bytes(void *data, uint64_t address, void *buffer, size_t size)
{
	struct btf_image *image = data;
	if (address > image->size || size > image->size - address)
		return gg_error_fault(address, "there is nothing");
	image->read += size;
	memcpy(buffer, image->bytes + address, size);
	return NULL;
}

static void put(struct btf_image *image, uint64_t at, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++) {
		const unsigned int byte = image->host.big_endian ? size - 1 - i : i;
		image->bytes[at + i] = (uint8_t)(value >> 8 * byte);
	}
}

// Returns the first type of MADE that has a name; 0 where types are not sorted by name.
static uint32_t find_first_named(const struct btf *made)
{
	uint32_t first = 0;
	const char *before = "";
	for (uint32_t id = 1; id < btf__type_cnt(made); id++) {
		const char *name = btf__name_by_offset(made, btf__type_by_id(made, id)->name_off);
		if (strcmp(before, name) > 0)
			return 0;
		first = first || !*name ? first : id;
		before = name;
	}
	return first;
}

// Writes struct btf: data, types, resolved_ids, resolved_sizes, strings, nohdr_data, the header of the BTF, and
// numbers, to which v7.2 has added named_start_id.
static void put_object(struct btf_image *image, enum btf_image_kind kind, const struct btf *made)
{
	enum { BTF_HEADER = 24 };
	const unsigned int word = image->host.address_size;
	const uint32_t count = btf__type_cnt(made);
	uint64_t at = image->object + 6 * word;
	put(image, image->object, word, image->place.start);
	put(image, image->object + word, word, image->table);
	memcpy(image->bytes + at, image->bytes + START, BTF_HEADER);
	at += BTF_HEADER + (kind == BTF_OF_7_2 ? 8 : 0);
	put(image, at, 4, count);
	if (kind == BTF_OF_7_2)
		put(image, at += 4, 4, find_first_named(made));
	put(image, at + 4, 4, count + 100);
	put(image, at + 8, 4, image->place.size);
	put(image, at + 12, 4, 1);
}

void btf_image_init(struct btf_image *image, enum btf_image_kind kind, struct btf *made)
{
	static const struct gg_host_ops ops = { .read = read_bytes };
	uint32_t size;
	const void *bytes = btf__raw_data(made, &size);
	const uint32_t count = btf__type_cnt(made);
	const unsigned int word = (unsigned int)btf__pointer_size(made);
	*image = (struct btf_image){ .table = (START + size + 7) & ~7ULL };
	image->object = image->table + (uint64_t)count * word;
	image->size = image->object + OBJECT_SIZE;
	image->bytes = calloc(1, image->size);
	image->host = (struct gg_host){ .ops = &ops,
					.data = image,
					.address_size = word,
					.big_endian = btf__endianness(made) == BTF_BIG_ENDIAN };
	image->place = (struct gg_btf_place){ .memory = &image->host,
					      .changing = &image->host,
					      .start = START,
					      .size = size,
					      .vmlinux = VARIABLE };
	memcpy(image->bytes + START, bytes, size);
	const uint8_t *first = (const uint8_t *)btf__type_by_id(made, 1);
	for (uint32_t id = 1; id < count; id++) {
		const uint8_t *type = (const uint8_t *)btf__type_by_id(made, id);
		put(image, image->table + (uint64_t)id * word, word,
		    START + sizeof(struct btf_header) + (uint64_t)(type - first));
	}
	put_object(image, kind, made);
	if (kind != BTF_WITHOUT_TABLE)
		put(image, VARIABLE, word, image->object);
}

// ---- Types ----

static void add_others(struct btf *btf)
{
	btf__add_func_proto(btf, 1);
	btf__add_func_param(btf, "argument", 2);
	btf__add_func_param(btf, "by_value", 6);
	btf__add_func_param(btf, NULL, 0);
	btf__add_func(btf, "function", BTF_FUNC_STATIC, 11);
	btf__add_var(btf, "variable", BTF_VAR_STATIC, 6);
	btf__add_datasec(btf, ".data..percpu", 64);
	btf__add_datasec_var_info(btf, 13, 0, 64);
	btf__add_float(btf, "double", 8);
	btf__add_fwd(btf, "hidden", BTF_FWD_UNION);
	btf__add_type_tag(btf, "user", 2);
	btf__add_ptr(btf, 17);
	btf__add_decl_tag(btf, "tag", 6, 0);
	btf__add_union(btf, "either", 64);
	btf__add_field(btf, "one", 6, 0, 0);
	btf__add_field(btf, "other", 8, 0, 0);
	btf__add_func_proto(btf, 0);
	btf__add_volatile(btf, 10);
}

void btf_image_add_types(struct btf *btf)
{
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
}
