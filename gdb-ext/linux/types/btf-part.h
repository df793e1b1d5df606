// SPDX-License-Identifier: GPL-3.0-or-later
//
// A BTF that is read from its start on, as far as it is needed: over a wire a question about one type
// should not cost all 5 MB.
#ifndef GG_BTF_PART_H
#define GG_BTF_PART_H

#include "btf.h"
#include "host/host.h"

// A section of the BTF, of which the first HELD bytes were read.
struct gg_btf_section {
	uint64_t address, size;
	uint8_t *bytes;
	size_t held;
};

struct gg_btf_part {
	const struct gg_host *memory;
	struct gg_btf_section types, names;
};

// Reads the header of the BTF in the SIZE bytes at ADDRESS. MEMORY must outlive PART. GG_BAD_DATA.
struct gg_error *gg_btf_part_init(struct gg_btf_part *part, const struct gg_host *memory,
				  uint64_t address, uint64_t size);

// PART may be zeros.
void gg_btf_part_deinit(struct gg_btf_part *part);

// Reads on until SECTION holds SIZE bytes, or all.
struct gg_error *gg_btf_part_read(struct gg_btf_part *part, struct gg_btf_section *section,
				  uint64_t size);

bool gg_btf_part_is_whole(const struct gg_btf_part *part);

// Tests whether NAME is among the names that were read.
bool gg_btf_part_has_name(const struct gg_btf_part *part, const char *name);

// Opens what was read; see gg_btf_create_part().
struct gg_error *gg_btf_part_open(const struct gg_btf_part *part, struct gg_btf **ret);

#endif
