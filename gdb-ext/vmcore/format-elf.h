// SPDX-License-Identifier: GPL-3.0-or-later
//
// The headers of an ELF vmcore.
#ifndef GG_VMCORE_ELF_H
#define GG_VMCORE_ELF_H

#include "arch/arch.h"
#include "base/buffer.h"

enum {
	GG_VMCORE_ALIGNMENT = 4096, // of a segment's bytes in the file
	// Kept free behind the CPUs' notes, for a note of the kernel's that is found on the way.
	GG_VMCORE_RESERVE = 65536 + 4096,
	// Readers go through all headers for each page.
	GG_VMCORE_MAX_ALIASES = 16384,
};

// A PT_LOAD. OFFSET, where its bytes are in the file, is for the layout to fill in.
struct gg_vmcore_segment {
	gg_gpa_t gpa;
	gg_gva_t gva; // 0 where none is known
	uint64_t size;
	uint64_t offset;
};

struct gg_vmcore_elf {
	const struct gg_arch *arch;
	const struct gg_buffer *notes;      // empty: no PT_NOTE
	uint64_t notes_room;                // bytes for the CPUs' notes
	struct gg_vmcore_segment *segments; // ascending
	size_t count;
	// The kernel's image: one more PT_LOAD over bytes that a segment has; size 0 for none.
	struct gg_vmcore_segment image;
	// More PT_LOADs over bytes that segments have; ALIAS_ROOM at most, which the layout cuts.
	struct gg_vmcore_segment *aliases;
	size_t alias_count, alias_room;
};

// Gives the segments their places in the file, behind all headers that there may be, the room for the
// notes and the reserve. Aliases get the room that leaves the headers fewer than PN_XNUM. FILE_SIZE is the end of the last one.
struct gg_error *gg_vmcore_elf_lay_out(struct gg_vmcore_elf *elf, uint64_t *file_size);

// Encodes ELF header, program headers, where there are more than PN_XNUM allows the section header
// that counts them, and the notes. Since the layout, notes, image and
// aliases may have been added. The
// caller frees RET; the bytes go to the start of the file.
struct gg_error *gg_vmcore_elf_encode(const struct gg_vmcore_elf *elf, void **ret, size_t *size);

#endif
