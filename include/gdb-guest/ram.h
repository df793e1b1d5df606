// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's RAM.
#ifndef GDB_GUEST_RAM_H
#define GDB_GUEST_RAM_H

#include "guest.h"

#include <stdint.h>

#pragma GCC visibility push(default)

// A range of guest-physical memory that is RAM or ROM and would be in a dump by QEMU.
struct gg_ram_range {
	gg_gpa_t start;
	uint64_t size;     // at least 1; start + size - 1 does not wrap
	gg_hva_t hva;      // the place of its first byte in QEMU; by a gdbstub: start
	const char *block; // the RAMBlock's name, escaped for a terminal; owned by the map
	uint64_t offset;   // of its first byte in the RAMBlock
};

typedef struct gg_error *gg_visit_range_fn(void *data, const struct gg_ram_range *range);

// Calls VISIT for every range of guest RAM, ascending by guest-physical address, none overlapping
// another. An error of VISIT's ends it.
struct gg_error *gg_guest_ram(struct gg_guest *guest, gg_visit_range_fn *visit, void *data);

// Calls VISIT likewise for every piece of RAM whose bytes are absent: the core was made without
// them, they had not arrived by migration, they cannot be read.
struct gg_error *gg_guest_absent(struct gg_guest *guest, gg_visit_range_fn *visit, void *data);

// Calls VISIT likewise for every piece of the RAM at guest-physical 0 that the memory map hides
// from the CPUs: a device's memory, a ROM or SMRAM is mapped over the piece. QEMU's own dump lacks
// these pieces too.
struct gg_error *gg_guest_hidden(struct gg_guest *guest, gg_visit_range_fn *visit, void *data);

// Returns the reason why memory is absent, and the advice, valid as long as GUEST is.
const char *gg_guest_absent_advice(const struct gg_guest *guest);

#pragma GCC visibility pop

#endif
