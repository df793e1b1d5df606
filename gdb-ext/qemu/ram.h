// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's RAM in a QEMU process: address_space_memory's FlatView, with the host address of
// every range, as QEMU's own dump sees it.
#ifndef GG_QEMU_RAM_H
#define GG_QEMU_RAM_H

#include "host/host.h"

struct gg_qemu_range {
	gg_gpa_t start;
	uint64_t size;
	gg_hva_t hva;
	uint64_t offset; // in the RAMBlock
	uint64_t region; // the MemoryRegion's address, or 0 where only its name is known
	char *block;     // RAMBlock.idstr, escaped
};

// The reason why QEMU's memory lacks pages of a RAMBlock, whatever is mapped there.
enum gg_absence_reason {
	GG_NOT_ARRIVED, // QEMU is receiving the guest, and some pages are still to come
	GG_PRIVATE,     // only the guest reads them, in a guest_memfd
};

// A RAMBlock that is not whole.
struct gg_qemu_absence {
	gg_hva_t hva; // of the block's first byte
	uint64_t size;
	enum gg_absence_reason reason;
	uint64_t page_size;
	uint8_t *present; // a bit for each page, the lowest first; NULL where all are absent
};

struct gg_qemu_ram {
	struct gg_qemu_range *ranges; // ascending by start, disjoint
	size_t count;
	struct gg_qemu_absence *absences; // a block each
	size_t absence_count;
};

struct gg_error *gg_qemu_ram_read(const struct gg_host *host, struct gg_qemu_ram *ret);
void gg_qemu_ram_deinit(struct gg_qemu_ram *ram);

// Destroys COUNT ABSENCES, which may be NULL.
void gg_qemu_absences_destroy(struct gg_qemu_absence *absences, size_t count);

// Appends RANGE, which has a copy of BLOCK for its block, or lengthens the last range by it where
// region and bytes both go on. RANGE starts at or behind the end of the last one.
struct gg_error *gg_qemu_ram_add(struct gg_qemu_ram *ram, const struct gg_qemu_range *range,
				 const char *block);

#endif
