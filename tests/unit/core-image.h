// SPDX-License-Identifier: GPL-3.0-or-later
//
// Small ELF64 cores, made to measure.
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

struct core_segment {
	uint64_t address, memory_size, file_size;
};

// Writes PATH anew. Byte N of a segment is bits 8 to 15 of its address; the segments' bytes follow
// each other from offset 4096 on.
void core_image_write(const char *path, const struct core_segment *segments, size_t count,
		      uint16_t type);

#endif
