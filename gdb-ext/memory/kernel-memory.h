// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel's memory by virtual address: all that the finders of its symbols and members get of it.
#ifndef GG_KERNEL_MEMORY_H
#define GG_KERNEL_MEMORY_H

#include "host/host.h"
#include "kept.h"

struct gg_kernel_memory {
	// Reads by the page table, in the kernel's byte order, with a word of address_size bytes.
	// The other three questions are GG_NOT_FOUND.
	struct gg_host host;
	struct gg_page_table *table; // borrowed
	struct gg_kept_memory kept;  // of TABLE; without a store where a read costs little
};

// WORD is the number of bytes in an unsigned long, 4 or 8.
struct gg_kernel_memory gg_kernel_memory(struct gg_page_table *table, bool big_endian,
					 unsigned int word);

// Returns the host of MEMORY that reads what never changes while the kernel runs: from the store,
// where it was read before. Valid as long as MEMORY is, unmoved.
struct gg_host gg_kernel_constants(const struct gg_kernel_memory *memory);

#endif
