// SPDX-License-Identifier: GPL-3.0-or-later
//
// The programs that a process has mapped (one, or also the loader or the C library, which can be
// run too): their dynamic symbols and where their data is.
#ifndef GG_IMAGE_H
#define GG_IMAGE_H

#include "files/process-map.h"

struct gg_images;

// Of the programs in MAP, which may be NULL: then there are none. A file that cannot be had, or
// that is no ELF program, is left out.
struct gg_error *gg_images_create(const struct gg_process_map *map, struct gg_images **ret);

// NULL is allowed.
void gg_images_destroy(struct gg_images *images);

struct gg_image_symbol {
	uint64_t address;
	uint64_t size;    // 0 where the program does not say
	uint16_t machine; // e_machine of the program
};

// The dynamic symbol NAME that a program defines; GG_NOT_FOUND where none does.
struct gg_error *gg_images_symbol(const struct gg_images *images, const char *name,
				  struct gg_image_symbol *ret);

// A run of addresses that has a program's data: what it can write to, or its constants.
struct gg_image_data {
	uint64_t start, size;
	bool writable;
};

// All the programs' data, without their code. Valid as long as IMAGES is.
const struct gg_image_data *gg_images_data(const struct gg_images *images, size_t *count);

#endif
