// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts that the readers of QEMU's memory structures share.
#ifndef GG_QEMU_INTERNAL_H
#define GG_QEMU_INTERNAL_H

#include "ram.h"

// The members of a RAMBlock, and of a MemoryRegion that leads to its RAMBlock.
struct gg_ram_block_layout {
	struct gg_member region_block;    // MemoryRegion.ram_block
	struct gg_member region_ram_addr; // the older form: a ram_addr_t to look up
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

// Reads the RAMBlock of the MemoryRegion at REGION.
struct gg_error *gg_ram_block_read(const struct gg_host *host,
				   const struct gg_ram_block_layout *layout, uint64_t region,
				   struct gg_ram_block *ret);

// Adds BLOCK's absent pages to RAM, unless RAM has them already.
struct gg_error *gg_qemu_ram_add_absence(const struct gg_host *host,
					 const struct gg_ram_block *block, struct gg_qemu_ram *ram);

// Tests whether a post-copy migration comes in whose arrived pages a QEMU with RAMBlocks of LAYOUT
// does not show: GG_ABSENT.
struct gg_error *gg_qemu_check_arrival(const struct gg_host *host,
				       const struct gg_ram_block_layout *layout);

// Calls PLUGGED for the parts of [OFFSET, OFFSET + SIZE) of a memory region that its
// RamDiscardManager at MANAGER has plugged in, ascending.
struct gg_error *
gg_virtio_mem_plugged(const struct gg_host *host, uint64_t manager, uint64_t offset, uint64_t size,
		      struct gg_error *(*plugged)(void *data, uint64_t offset, uint64_t size),
		      void *data);

#endif
