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

// The virtual memory that page tables map.
struct gg_address_space;

// In the place of a CPU: the kernel's own page tables.
enum { GG_KERNEL_TABLES = -1 };

// Finds the address space of the CPU whose cpu_index is CPU, by the CPU's own page tables, or of the
// guest's kernel; of the first CPU where no kernel is found. NOTICES get a line where the page
// tables may not be the wanted tables, or not be current. GG_NOT_FOUND for an unknown CPU. RET is
// owned by GUEST, and valid until the next call for another address space.
struct gg_error *gg_guest_address_space(struct gg_guest *guest, int64_t cpu,
					const struct gg_notices *notices,
					struct gg_address_space **ret);

// Reads SIZE bytes at GVA. GG_FAULT where a byte is not mapped, or not to RAM, GG_BAD_DATA for an
// address that the architecture does not have; the message has the entry that ends the walk.
struct gg_error *gg_address_space_read(struct gg_address_space *space, gg_gva_t gva, void *buffer,
				       size_t size);

// An entry of a page table.
struct gg_walk_entry {
	const char *level; // the architecture's name of the level: "PDE"
	gg_gpa_t gpa;      // the place of the entry
	uint64_t value;
	const char *flags; // names of the set flags, "P RW US", or "not present"
};

// The end of a walk.
struct gg_translation {
	bool mapped;
	gg_gpa_t gpa;          // of the address
	uint64_t page_size;    // bytes that the last entry maps, or would map
	const char *block;     // the RAMBlock's name, escaped, owned by the guest; NULL: not RAM
	uint64_t block_offset; // of the address in it
	bool absent;           // RAM whose bytes are missing
};

// Calls VISIT with every entry on the way to GVA, the root's first; with no entry where paging is
// off. An error of VISIT's ends the walk. GG_BAD_DATA for an address that the architecture does not
// have; GG_FAULT and GG_ABSENT where a table itself cannot be read.
struct gg_error *gg_address_space_walk(struct gg_address_space *space, gg_gva_t gva,
				       struct gg_error *(*visit)(void *data,
								 const struct gg_walk_entry *entry),
				       void *data, struct gg_translation *ret);

#pragma GCC visibility pop

#endif
