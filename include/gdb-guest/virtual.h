// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guest-virtual memory.
#ifndef GDB_GUEST_VIRTUAL_H
#define GDB_GUEST_VIRTUAL_H

#include "notices.h"
#include "guest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// What page tables map.
struct gg_address_space;

// For gg_guest_address_space(): the kernel's own page tables rather than a CPU's.
enum { GG_KERNEL_TABLES = -1 };

// The address space of the CPU whose cpu_index is CPU, by its own CR3, or that of the guest's
// kernel; where no kernel is found, that of the first CPU. NOTICES get a line
// where the tables may not be those that were asked for, or not be current. GG_NOT_FOUND where
// there is no such CPU. It is GUEST's, and valid until the next call for another one.
struct gg_error *gg_guest_address_space(struct gg_guest *guest, int64_t cpu,
					const struct gg_notices *notices,
					struct gg_address_space **ret);

// Reads SIZE bytes at GVA. GG_FAULT where one is not mapped, or not to RAM, GG_BAD_DATA for an
// address that there is not; the message has the entry that ends the walk.
struct gg_error *gg_address_space_read(struct gg_address_space *space, gg_gva_t gva, void *buffer,
				       size_t size);

// An entry of a page table.
struct gg_walk_entry {
	const char *level; // the architecture's name for it: "PDE"
	gg_gpa_t gpa;      // where it is
	uint64_t value;
	const char *flags; // the names of those that are set, "P RW US", or "not present"
};

// Where a walk ends.
struct gg_translation {
	bool mapped;
	gg_gpa_t gpa;          // of the address
	uint64_t page_size;    // in bytes, of all that the last entry maps, or would
	const char *block;     // the RAMBlock's name, escaped, owned by the guest; NULL: not RAM
	uint64_t block_offset; // of the address in it
	bool absent;           // RAM whose bytes are not to be had
};

// Calls VISIT with every entry on the way to GVA, the root's first; there are none where paging is
// off. An error of VISIT's ends it. GG_BAD_DATA for an address that there is not; GG_FAULT and
// GG_ABSENT where a table itself cannot be read.
struct gg_error *gg_address_space_walk(struct gg_address_space *space, gg_gva_t gva,
				       struct gg_error *(*visit)(void *data,
								 const struct gg_walk_entry *entry),
				       void *data, struct gg_translation *ret);

#pragma GCC visibility pop

#endif
