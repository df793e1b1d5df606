// SPDX-License-Identifier: GPL-3.0-or-later
//
// A vmlinux made of a damaged BTF. The input is a list of changes to a sound BTF: (offset u16, width u8, value u64),
// little-endian, from its header on. A BTF that is taken becomes DWARF, whose lengths must fit.
#include "fuzz.h"

#include "../unit/btf-image.h"
#include "vmlinux/dwarf.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11, MOST = 4096, WORD = 8 };

static uint8_t sound[MOST];
static uint32_t sound_size;

static void make_sound(void)
{
	struct btf *btf = btf__new_empty();
	btf__set_pointer_size(btf, WORD);
	btf_image_add_types(btf);
	const void *bytes = btf__raw_data(btf, &sound_size);
	if (sound_size > sizeof(sound))
		abort();
	memcpy(sound, bytes, sound_size);
	btf__free(btf);
}

static bool find_function(void *data, const char *name, struct gg_dwarf_function *ret)
{
	(void)data;
	*ret = (struct gg_dwarf_function){ .address = 0x1000 + strlen(name),
					   .size = 16,
					   .entry = 5 };
	return true;
}

static bool find_variable(void *data, const char *name, struct gg_dwarf_place *ret)
{
	(void)data;
	*ret = (struct gg_dwarf_place){ strlen(name), 64 };
	return true;
}

static uint64_t measure(void *data, const struct gg_dwarf_place *place)
{
	(void)data;
	return place->size / 2;
}

// Makes DWARF of BTF.
static void use(const struct gg_btf *btf)
{
	static const uint8_t registers[] = { 5, 4 };
	static const struct gg_dwarf_global globals[] = {
		{ .name = "one", .type = "outer" },
		{ .name = "two", .type = "int", .count = GG_DW_TO_SYMBOL },
		{ .name = "three", .type = "either", .pointers = 2 },
		{ .name = "four", .type = "either", .pointers = 2, .count = GG_DW_TO_ZEROS },
		{ .name = "five",
		  .type = "int",
		  .count = GG_DW_ENUMERATED,
		  .enumeration = "colour" },
		{ .name = "six",
		  .type = "int",
		  .count = GG_DW_TO_ENUMERATOR,
		  .enumeration = "colour",
		  .enumerator = "RED" },
		{ .name = "eight", .type = "int", .count = GG_DW_FIXED, .elements = 3 },
		{ .name = "seven", .type = "int", .count = GG_DW_UNCOUNTED },
		{ 0 }
	};
	const struct gg_dwarf_unit unit = { .name = "vmlinux",
					    .btf = btf,
					    .low = 0x1000,
					    .high = 0x2000,
					    .argument_registers = registers,
					    .argument_register_count = sizeof(registers),
					    .function = find_function,
					    .variable = find_variable,
					    .measure = measure,
					    .globals = globals };
	struct gg_dwarf dwarf;
	uint32_t length = 0;
	gg_dwarf_init(&dwarf, false, WORD);
	struct gg_error *err = gg_dwarf_add_unit(&dwarf, &unit);
	if (!err) {
		memcpy(&length, dwarf.info.bytes, sizeof(length));
		if (length + sizeof(length) != dwarf.info.size ||
		    dwarf.strings.bytes[dwarf.strings.size - 1])
			abort();
	}
	gg_error_destroy(err);
	gg_dwarf_deinit(&dwarf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[MOST];
	if (!sound_size)
		make_sound();
	memcpy(bytes, sound, sound_size);
	for (; size >= CHANGE_SIZE; data += CHANGE_SIZE, size -= CHANGE_SIZE) {
		const size_t offset = data[0] | data[1] << 8, width = data[2] % 8 + 1;
		if (offset + width <= sound_size)
			memcpy(bytes + offset, data + 3, width);
	}
	struct gg_btf *btf = NULL;
	struct gg_error *err = gg_btf_create(bytes, sound_size, WORD, NULL, &btf);
	if (!err)
		use(btf);
	gg_error_destroy(err);
	gg_btf_destroy(btf);
	return 0;
}
