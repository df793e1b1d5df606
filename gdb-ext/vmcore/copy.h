// SPDX-License-Identifier: GPL-3.0-or-later
//
// Memory from its backing to the file, the cheapest way there is.
#ifndef GG_COPY_H
#define GG_COPY_H

#include "../memory/backing.h"
#include "output.h"

// How much is read and written at once, and between two looks at Ctrl-C. As it fits into a core's
// second level cache, bytes are there still when they are written.
enum { GG_COPY_CHUNK = 1 << 18 };

struct gg_copy {
	struct gg_backing *backing;
	struct gg_output *output;
	uint8_t *buffer; // of GG_COPY_CHUNK bytes

	bool cloned; // did the kernel copy some bytes, that nobody has looked at?

	// Called after each step with its size; BYTES are those copied, or NULL for a hole and for
	// what the kernel copied.
	struct gg_error *(*copied)(void *data, gg_gpa_t gpa, const uint8_t *bytes, uint64_t size);
	void *data;
};

// Copies SIZE bytes at HVA, which are at GPA in the guest, to OFFSET in the output. What is known
// to be zeros is not read, pages of zeros are not written: in a file they become holes.
struct gg_error *gg_copy_range(struct gg_copy *copy, gg_gpa_t gpa, gg_hva_t hva, uint64_t size,
			       uint64_t offset);

#endif
