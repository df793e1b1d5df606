// SPDX-License-Identifier: GPL-3.0-or-later
//
// A copy of a kernel's object, of which parts may not be there.
#ifndef GG_OBJECT_H
#define GG_OBJECT_H

#include "host.h"

struct gg_object {
	uint64_t address, size;
	bool big_endian;
	uint8_t *bytes;
	bool *missing;        // for each page that the object is on; NULL: all is there
	struct gg_error *err; // the reason the first missing page is missing, or NULL
};

// Reads SIZE bytes at ADDRESS, as far as they are there. An error is final, or GG_BAD_DATA for an object that
// is too large, or the reason nothing is there.
struct gg_error *gg_object_read(struct gg_object *object, const struct gg_host *memory,
				uint64_t address, uint64_t size);

// OBJECT may be zeros.
void gg_object_deinit(struct gg_object *object);

// Returns the SIZE bytes at OFFSET; NULL where a byte of them is not there.
const uint8_t *gg_object_bytes(const struct gg_object *object, uint64_t offset, uint64_t size);

// Reads the integer of BITS (1 to 64) bits at BIT_OFFSET. False where it is not there.
bool gg_object_bits(const struct gg_object *object, uint64_t bit_offset, unsigned int bits,
		    uint64_t *ret);

#endif
