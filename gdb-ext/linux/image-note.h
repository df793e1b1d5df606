// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_IMAGE_NOTE_H
#define GG_IMAGE_NOTE_H

#include "linux/answerers/answerers.h"

// Finds the ELF note NAME, of at most 64 KiB, among the kernel's variables. The caller frees TEXT, its descriptor.
// GG_NOT_FOUND without. All of the kernel's data is read.
struct gg_error *gg_image_note(const struct gg_answerers *kernel, const char *name, char **text,
			       size_t *size);

#endif
