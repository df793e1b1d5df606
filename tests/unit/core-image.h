// SPDX-License-Identifier: GPL-3.0-or-later
//
// Small ELF64 cores, made to measure.
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core_segment {
	uint64_t address, memory_size, file_size;
	bool read_only;
	const void *bytes; // or NULL: byte N is bits 8 to 15 of its address
	bool of_machine;   // without flags, as in QEMU's own dump
};

// A file that was mapped: as the kernel's NT_FILE note has it (Linux fs/binfmt_elf.c).
struct core_mapping {
	uint64_t start, end, page_offset;
	const char *path;
};

struct core_image {
	uint16_t type; // ET_CORE
	const struct core_segment *segments;
	size_t count;
	const struct core_mapping *mappings; // none: no NT_FILE
	size_t mapping_count;
};

enum {
	CORE_IMAGE_NOTE = 2048,  // where in the file the note is
	CORE_IMAGE_FIRST = 4096, // and the segments' bytes, one after the other
};

// Writes PATH anew.
void core_image_write(const char *path, const struct core_image *image);

#endif
