// SPDX-License-Identifier: GPL-3.0-or-later
//
// .debug_frame (DWARF 4, section 6.4): for ranges of code the way to the caller's registers.
#ifndef GG_VMLINUX_CFI_H
#define GG_VMLINUX_CFI_H

#include "base/buffer.h"

#include <gdb-guest/types.h>

struct gg_cfi {
	unsigned int word;
	struct gg_buffer bytes; // .debug_frame
	size_t entry;           // the place of the entry that has begun
	bool has_augmentation;  // of that entry
};

// The common part of entries.
struct gg_cfi_common {
	bool is_signal; // the caller's pc is the next instruction, and its stack may be any other
	uint8_t return_register;
	int8_t data_alignment;
};

void gg_cfi_init(struct gg_cfi *cfi, bool big_endian, unsigned int word);
void gg_cfi_deinit(struct gg_cfi *cfi);

// Begins a common entry; its initial instructions are appended to BYTES next, up to gg_cfi_end().
// Returns its place, which gg_cfi_begin() takes.
uint32_t gg_cfi_begin_common(struct gg_cfi *cfi, const struct gg_cfi_common *common);

// Begins the entry for the code from START to END, whose instructions are appended to BYTES next, up
// to gg_cfi_end(). COMMON is the place of its common entry, IS_SIGNAL what that has.
void gg_cfi_begin(struct gg_cfi *cfi, uint32_t common, bool is_signal, gg_gva_t start,
		  gg_gva_t end);

// Appends the instruction that those behind it are for code BYTES further on.
void gg_cfi_advance(struct gg_cfi *cfi, uint64_t bytes);

// Ends the entry that has begun.
void gg_cfi_end(struct gg_cfi *cfi);

#endif
