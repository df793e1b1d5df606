// SPDX-License-Identifier: GPL-3.0-or-later
//
// The headers of an ELF vmcore.
#ifndef GG_VMCORE_ELF_H
#define GG_VMCORE_ELF_H

#include "../arch/arch.h"

enum { GG_VMCORE_ALIGNMENT = 4096 }; // of a segment's bytes in the file

// A PT_LOAD. OFFSET is for the layout to fill in.
struct gg_vmcore_segment {
	gg_gpa_t address;
	uint64_t size;
	uint64_t offset;
};

struct gg_vmcore_elf {
	const struct gg_arch *arch;
	struct gg_vmcore_segment *segments;
	size_t count;
};

// Lays the segments out in the file and encodes ELF header, program headers, and where there are
// more than PN_XNUM allows, the section header that counts them. The caller frees RET; the bytes go
// to the start of the file. FILE_SIZE is the end of the last segment.
struct gg_error *gg_vmcore_elf_encode(struct gg_vmcore_elf *elf, void **ret, size_t *size,
				      uint64_t *file_size);

#endif
