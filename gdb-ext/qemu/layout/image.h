// SPDX-License-Identifier: GPL-3.0-or-later
//
// The programs that a process has mapped (QEMU alone, or also the loader or the C library, which
// can be run too): their dynamic symbols and the places of their data.
#ifndef GG_IMAGE_H
#define GG_IMAGE_H

#include "files/process-map.h"

struct gg_images;

// Reads the programs in MAP; NULL has none. A file that cannot be opened, or that is no ELF
// program, is left out.
struct gg_error *gg_images_create(const struct gg_process_map *map, struct gg_images **ret);

// Destroys IMAGES, which may be NULL.
void gg_images_destroy(struct gg_images *images);

struct gg_image_symbol {
	uint64_t address;
	uint64_t size;    // 0 where the program does not say
	uint16_t machine; // e_machine of the program
};

// Finds the dynamic symbol NAME that a program defines; GG_NOT_FOUND where none does.
struct gg_error *gg_images_symbol(const struct gg_images *images, const char *name,
				  struct gg_image_symbol *ret);

// A run of addresses that has a program's data: its variables or its constants.
struct gg_image_data {
	uint64_t start, size;
	bool writable;
};

// Returns all the programs' data, without their code, valid as long as IMAGES is.
const struct gg_image_data *gg_images_data(const struct gg_images *images, size_t *count);

#endif
