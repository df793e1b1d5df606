// SPDX-License-Identifier: GPL-3.0-or-later
//
// An image with exported symbols and a BTF's header, by hand; the layouts are those of Linux include/linux/export.h (v4.4,
// v5.4) and include/asm-generic/export.h, the BTF's header that of include/uapi/linux/btf.h.
#ifndef FAKE_EXPORTS_H
#define FAKE_EXPORTS_H

#include "host/host.h"

#define FAKE_EXPORTS_START UINT64_C(0xffff800008000000)

enum {
	FAKE_EXPORTS_SIZE = 0x60000,
	FAKE_ARRAY = 0x20010,
	FAKE_NAMES = 0x30000, // behind the array
	FAKE_BTF = 0x38000,
	FAKE_BTF_SIZE = 0x18000,
	FAKE_EXPORTS = 400,
	FAKE_INIT_TASK = 100, // the number of init_task
};

struct fake_exports_shape {
	const char *name;
	unsigned int pointer, stride;
	bool is_relative, big_endian;
};

extern const struct fake_exports_shape fake_exports_shapes[];
extern const size_t fake_exports_shape_count;

// Writes the image of FAKE_EXPORTS_SIZE bytes.
void fake_exports_write(const struct fake_exports_shape *shape, uint8_t *image);

// Writes SIZE bytes of VALUE at OFFSET of IMAGE, in the byte order of SHAPE.
void fake_exports_put(const struct fake_exports_shape *shape, uint8_t *image, size_t offset,
		      unsigned int size, uint64_t value);

// Returns the name and the address of the symbol NUMBER.
void fake_export_name(unsigned int number, char name[32]);
uint64_t fake_export_address(unsigned int number);

// Returns IMAGE as guest memory at FAKE_EXPORTS_START.
struct gg_host fake_exports_host(const struct fake_exports_shape *shape, uint8_t *image);

#endif
