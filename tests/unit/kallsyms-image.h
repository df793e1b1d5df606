// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel's image with a kallsyms that texts damage, one thing a line:
//
//     version NAME                      of fake-kallsyms.c: 600 symbols, encoded as in that version
//     search                            VMCOREINFO has no places: the tables are found by structure
//     move TABLE N                      VMCOREINFO's place of the table is wrong by N bytes
//     poke TABLE OFFSET SIZE VALUE      VALUE of 1 to 8 bytes, little-endian
//     fill TABLE OFFSET SIZE BYTE
//     copy TABLE OFFSET SIZE TO         bytes of the table, to an offset in the image
//
// TABLE is a table of scripts/kallsyms.c without "kallsyms_", "text" for _stext, or "image" for the
// whole.
#ifndef KALLSYMS_IMAGE_H
#define KALLSYMS_IMAGE_H

#include "fake-kallsyms.h"

// Starts as zeros.
struct kallsyms_image {
	uint8_t bytes[FAKE_IMAGE_SIZE];
	struct gg_kallsyms_hints places, hints; // the real places, VMCOREINFO's
};

// Executes LINE; false where no such line, version, table or place in the image exists.
bool kallsyms_image_line(struct kallsyms_image *image, const char *line);

#endif
