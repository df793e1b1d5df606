// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel of a piece of memory, variables in it, and members: the answerers that readers of the
// kernel's structures ask.
#ifndef FAKE_ANSWERERS_H
#define FAKE_ANSWERERS_H

#include "host/bytes.h"
#include "linux/answerers/answerers.h"

struct fake_variable {
	const char *name;
	uint64_t offset, size; // in the memory
};

struct fake_member {
	const char *type, *path;
	uint64_t offset, size;
};

// The parts, which outlive the kernel.
struct fake_parts {
	uint64_t base; // of the memory
	size_t size;
	const struct fake_variable *variables;
	size_t variable_count;
	const struct fake_member *members;
	size_t member_count;
};

struct fake_answerers {
	const struct fake_parts *parts;
	struct gg_bytes_host *bytes;
	uint8_t *memory; // zeros at first
};

// Makes FAKE of PARTS, and the lists of ANSWERERS, which must be zeros; neither must be moved.
void fake_answerers_init(struct fake_answerers *fake, const struct fake_parts *parts,
			 struct gg_answerers *answerers);
void fake_answerers_deinit(struct fake_answerers *fake, struct gg_answerers *answerers);

// Writes VALUE, little-endian, at OFFSET of the memory.
void fake_put(const struct fake_answerers *fake, size_t offset, unsigned int size, uint64_t value);

#endif
