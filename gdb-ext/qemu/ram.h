// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's RAM in a QEMU process: address_space_memory's FlatView, with the host address of
// every range, as QEMU's own dump sees it.
#ifndef GG_QEMU_RAM_H
#define GG_QEMU_RAM_H

#include "../host/host.h"

struct gg_qemu_range {
	gg_gpa_t start;
	uint64_t size;
	gg_hva_t hva;
	uint64_t offset; // in the RAMBlock
	uint64_t region; // the MemoryRegion's address, or 0 where only its name is known
	char *block;     // RAMBlock.idstr, escaped
};

// Ascending by start, disjoint.
struct gg_qemu_ram {
	struct gg_qemu_range *ranges;
	size_t count, capacity;
};

struct gg_error *gg_qemu_ram_read(const struct gg_host *host, struct gg_qemu_ram *ret);
void gg_qemu_ram_deinit(struct gg_qemu_ram *ram);

// Appends RANGE, which has a copy of BLOCK for its block, or lengthens the last range by it where
// region and bytes both go on. RANGE starts at or behind the end of the last one.
struct gg_error *gg_qemu_ram_add(struct gg_qemu_ram *ram, const struct gg_qemu_range *range,
				 const char *block);

#endif
