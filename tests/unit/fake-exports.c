// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-exports.h"

#include <stdio.h>
#include <string.h>

// The second array's names start anew.
enum { FIRST_GPL = 250 };

const struct fake_exports_shape fake_exports_shapes[] = {
	{ "offsets with namespaces", 4, 12, true, false },
	{ "offsets with namespaces, big-endian", 4, 12, true, true },
	{ "offsets without namespaces", 4, 8, true, false },
	{ "pointers with namespaces", 8, 24, false, false },
	{ "pointers with namespaces, big-endian", 8, 24, false, true },
	{ "pointers without namespaces, big-endian", 8, 16, false, true },
};

const size_t fake_exports_shape_count = sizeof(fake_exports_shapes) / sizeof(*fake_exports_shapes);

// ---- The image ----

static struct gg_error *read_image(void *data, uint64_t address, void *buffer, size_t size)
{
	const uint8_t *image = data;
	if (address < FAKE_EXPORTS_START || address - FAKE_EXPORTS_START > FAKE_EXPORTS_SIZE ||
	    FAKE_EXPORTS_SIZE - (address - FAKE_EXPORTS_START) < size)
		return gg_error_create(GG_FAULT, "nothing is there");
	memcpy(buffer, image + (address - FAKE_EXPORTS_START), size);
	return NULL;
}

struct gg_host fake_exports_host(const struct fake_exports_shape *shape, uint8_t *image)
{
	static const struct gg_host_ops ops = { .read = read_image };
	return (struct gg_host){
		.ops = &ops, .data = image, .address_size = 8, .big_endian = shape->big_endian
	};
}

void fake_exports_put(const struct fake_exports_shape *shape, uint8_t *image, size_t offset,
		      unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		image[offset + (shape->big_endian ? size - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

static void put_pointer(const struct fake_exports_shape *shape, uint8_t *image, size_t offset,
			uint64_t to)
{
	fake_exports_put(shape, image, offset, shape->pointer,
			 shape->is_relative ? to - (FAKE_EXPORTS_START + offset) : to);
}

void fake_export_name(unsigned int number, char name[32])
{
	if (number == FAKE_INIT_TASK)
		strcpy(name, "init_task");
	else
		snprintf(name, 32, "%s_%03u",
			 number < FAKE_INIT_TASK ? "an_export"
			 : number < FIRST_GPL    ? "variable"
						 : "gpl_function",
			 number);
}

uint64_t fake_export_address(unsigned int number)
{
	return FAKE_EXPORTS_START + 0x100000 + (uint64_t)number * 24;
}

static void write_btf_header(const struct fake_exports_shape *shape, uint8_t *image)
{
	enum { HEADER = 24, TYPES = 0x10000 };
	const uint32_t words[] = { HEADER, 0, TYPES, TYPES, FAKE_BTF_SIZE - HEADER - TYPES };
	fake_exports_put(shape, image, FAKE_BTF, 2, 0xeb9f);
	image[FAKE_BTF + 2] = 1;
	for (unsigned int i = 0; i < sizeof(words) / sizeof(*words); i++)
		fake_exports_put(shape, image, FAKE_BTF + 4 + 4 * i, 4, words[i]);
	// Types and names.
	memset(image + FAKE_BTF + HEADER, 1, FAKE_BTF_SIZE - HEADER);
	image[FAKE_BTF + HEADER + TYPES] = image[FAKE_BTF + FAKE_BTF_SIZE - 1] = 0;
}

void fake_exports_write(const struct fake_exports_shape *shape, uint8_t *image)
{
	memset(image, 0, FAKE_EXPORTS_SIZE);
	memset(image, 0xa5, FAKE_ARRAY);
	// A decoy: the name where no array leads to.
	strcpy((char *)image + 0x1000, "init_task");
	size_t name = FAKE_NAMES;
	for (unsigned int i = 0; i < FAKE_EXPORTS; i++) {
		const size_t entry = FAKE_ARRAY + (size_t)i * shape->stride;
		// The linker lets a name be the end of another.
		fake_export_name(i, (char *)memcpy(image + name, "pre", 3) + 3);
		put_pointer(shape, image, entry, fake_export_address(i));
		put_pointer(shape, image, entry + shape->pointer, FAKE_EXPORTS_START + name + 3);
		name += strlen((char *)image + name) + 1;
	}
	memset(image + FAKE_ARRAY + (size_t)FAKE_EXPORTS * shape->stride, 0x77, 64);
	write_btf_header(shape, image);
}
