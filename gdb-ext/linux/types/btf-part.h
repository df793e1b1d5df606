// SPDX-License-Identifier: GPL-3.0-or-later
//
// A BTF in memory: where its sections are, and their start, which is read as far as it is needed. Types
// can be found by name there without any other table.
#ifndef GG_BTF_PART_H
#define GG_BTF_PART_H

#include "base/buffer.h"
#include "host/host.h"

#include <stdbool.h>

// A section of the BTF, of which the first HELD bytes were read.
struct gg_btf_section {
	uint64_t address, size;
	uint8_t *bytes;
	size_t held;
};

struct gg_btf_part {
	const struct gg_host *memory;
	struct gg_btf_section types, names;
	uint32_t *offsets; // of the types from 1 on that were counted
	size_t count;
	size_t end; // of the last of these
};

// Reads the header of the BTF in the SIZE bytes at ADDRESS. MEMORY must outlive PART. GG_BAD_DATA.
struct gg_error *gg_btf_part_init(struct gg_btf_part *part, const struct gg_host *memory,
				  uint64_t address, uint64_t size);

// PART may be zeros.
void gg_btf_part_deinit(struct gg_btf_part *part);

// Reads on until the type ID is held, and returns its offset in the types. GG_NOT_FOUND behind the last.
struct gg_error *gg_btf_part_type(struct gg_btf_part *part, uint32_t id, uint32_t *ret);

// Finds the type NAME, as gg_btf_find() does, of what was read and behind it; but a typedef counts that stands in
// front of a struct of its name. GG_NOT_FOUND.
struct gg_error *gg_btf_part_find(struct gg_btf_part *part, const char *name, uint32_t *ret);

// Reads all, and appends it to OUT, behind a header of its own.
struct gg_error *gg_btf_part_whole(struct gg_btf_part *part, struct gg_buffer *out);

// Returns the bytes behind the head of a type that INFO begins; the kinds are those of v6.0.
uint64_t gg_btf_tail(uint64_t info);

// Tests whether types of the KIND, BTF_KIND_STRUCT and others, are found by name.
bool gg_btf_is_findable(unsigned int kind);

// The bytes of a type's head: name, info, and a size or a type.
enum { GG_BTF_HEAD = 12 };

#endif
