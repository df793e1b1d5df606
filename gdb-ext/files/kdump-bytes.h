// SPDX-License-Identifier: GPL-3.0-or-later
//
// The bytes of a kdump's plain form, whichever form the file has.
//
// In:  a plain file, or a flattened file (makedumpfile makedumpfile.h, struct makedumpfile_header
//      and makedumpfile_data_header; QEMU dump/dump.c, write_start_flat_header() and
//      write_buffer()).
// Out: bytes at an offset of the plain form; never zeros in the place of lost bytes.
#ifndef GG_KDUMP_BYTES_H
#define GG_KDUMP_BYTES_H

#include "base/error.h"

// SIZE bytes at POSITION of a flattened file, which belong to OFFSET of the plain form.
struct gg_kdump_piece {
	uint64_t offset, size, position;
};

struct gg_kdump_bytes {
	int fd;        // borrowed
	uint64_t size; // of the plain form
	// the pieces of a flattened file, ascending by offset, disjoint; NULL for a plain file
	struct gg_kdump_piece *pieces;
	size_t count;
	bool flattened;
	bool cut_off; // a flattened file that ends before its last piece
};

// The start of the plain form.
enum { GG_KDUMP_SIGNATURE = 8 };
extern const char gg_kdump_signature[GG_KDUMP_SIGNATURE];

// Tests whether SIZE bytes, the start of a file, are those of a flattened kdump.
bool gg_kdump_is_flattened(const uint8_t *bytes, size_t size);

// Looks at all pieces of a flattened file. GG_BAD_DATA for a piece that is none.
struct gg_error *gg_kdump_bytes_init(struct gg_kdump_bytes *bytes, int fd);
void gg_kdump_bytes_deinit(struct gg_kdump_bytes *bytes);

// Tests whether the file has SIZE bytes at OFFSET of the plain form. What no piece of a whole
// flattened file has is zeros.
bool gg_kdump_bytes_holds(const struct gg_kdump_bytes *bytes, uint64_t offset, uint64_t size);

// Reads SIZE bytes at OFFSET of the plain form. GG_BAD_DATA where the file does not have them.
struct gg_error *gg_kdump_bytes_read(const struct gg_kdump_bytes *bytes, void *buffer, size_t size,
				     uint64_t offset);

#endif
