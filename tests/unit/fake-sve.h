// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory of a QEMU with a CPU of aarch64 that has vectors of 16, 32, 64 and 128 bytes, by hand: QEMU v7.2's ARMCPU as far
// as SVE's registers need it, a hash table of GLib 2.74 with three properties (QEMU include/qom/object.h).
#ifndef FAKE_SVE_H
#define FAKE_SVE_H

#include "arch/arm64/arm64.h"
#include "host/host.h"

#define FAKE_SVE UINT64_C(0x558400000000) // the CPU

enum {
	FAKE_SVE_SIZE = 0x9000,
	FAKE_PROPERTIES = 16, // the pointer to the table
	FAKE_VECTORS = 0x1000,
	FAKE_PREDICATES = 0x3000,
	FAKE_MAP = 0x3800,
	FAKE_TABLE = 0x8000,
	FAKE_KEYS = 0x8100,
	FAKE_HASHES = 0x8200,
	FAKE_VALUES = 0x8300,
	FAKE_NAMES = 0x8400,
	FAKE_NAME = 0x20, // bytes from a name to the next
	FAKE_PROPERTY = 0x8500,
	FAKE_PROPERTY_SIZE = 0x80,
	FAKE_OPAQUE = 0x40, // in a property
};

struct fake_sve {
	uint8_t bytes[FAKE_SVE_SIZE];
};

void fake_sve_write(struct fake_sve *fake);

// Writes SIZE bytes of VALUE at OFFSET.
void fake_sve_put(struct fake_sve *fake, size_t offset, unsigned int size, uint64_t value);

// Reads SVE's registers of a CPU at EL1 whose control allows vectors of 48 bytes.
struct gg_error *fake_sve_read(struct fake_sve *fake, struct gg_registers *registers);

// Returns FAKE's memory, with the members of ARMCPU.
struct gg_host fake_sve_host(struct fake_sve *fake);

#endif
