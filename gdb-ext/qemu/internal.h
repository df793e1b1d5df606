// SPDX-License-Identifier: GPL-3.0-or-later
//
// What the readers of QEMU's memory structures tell each other.
#ifndef GG_QEMU_INTERNAL_H
#define GG_QEMU_INTERNAL_H

#include "ram.h"

// A RAMBlock, and what it takes to find the one of a MemoryRegion.
struct gg_ram_block_layout {
	struct gg_member region_block;    // MemoryRegion.ram_block
	struct gg_member region_ram_addr; // its older form: a ram_addr_t to look up
	struct gg_member host, length, idstr, mr;
	struct gg_member received, guest_memfd;
	// For the look-up by ram_addr_t.
	struct gg_member list_first, next, offset;
};

struct gg_ram_block {
	gg_hva_t host;
	uint64_t length;   // bytes that are in use, from host on
	char *idstr;       // escaped; the caller frees it
	uint64_t received; // the address of the bitmap of pages that have arrived, or 0
	bool is_private;   // in a guest_memfd
};

struct gg_error *gg_ram_block_layout_resolve(const struct gg_host *host,
					     struct gg_ram_block_layout *ret);

// The RAMBlock of the MemoryRegion at REGION.
struct gg_error *gg_ram_block_read(const struct gg_host *host,
				   const struct gg_ram_block_layout *layout, uint64_t region,
				   struct gg_ram_block *ret);

// Adds to RAM what BLOCK lacks, if that is not known of it yet.
struct gg_error *gg_qemu_ram_add_absence(const struct gg_host *host,
					 const struct gg_ram_block *block, struct gg_qemu_ram *ram);

// GG_ABSENT where a post-copy migration comes in of which a QEMU whose RAMBlocks are as LAYOUT says
// does not tell which pages have arrived.
struct gg_error *gg_qemu_check_arrival(const struct gg_host *host,
				       const struct gg_ram_block_layout *layout);

// Calls PLUGGED for the parts of [OFFSET, OFFSET + SIZE) of a memory region that its
// RamDiscardManager at MANAGER has plugged in, ascending.
struct gg_error *
gg_virtio_mem_plugged(const struct gg_host *host, uint64_t manager, uint64_t offset, uint64_t size,
		      struct gg_error *(*plugged)(void *data, uint64_t offset, uint64_t size),
		      void *data);

#endif
