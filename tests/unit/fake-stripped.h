// SPDX-License-Identifier: GPL-3.0-or-later
//
// A QEMU without debuginfo, made up in a byte-array host that knows no type: for damage and for
// layouts that no real QEMU at hand has. The layouts are those of QEMU v7.2 on x86-64
// (include/exec/memory.h, ramblock.h, include/hw/core/cpu.h, include/migration/vmstate.h,
// softmmu/memory.c), but that CPUs are smaller.
#ifndef FAKE_STRIPPED_H
#define FAKE_STRIPPED_H

#include "host/bytes.h"

// The kinds of a range.
enum stripped_kind {
	STRIPPED_RAM,
	STRIPPED_ROM,
	STRIPPED_IO,
	STRIPPED_FLASH, // a device's, with a block: no RAM
	STRIPPED_NONVOLATILE,
	STRIPPED_DEVICE, // RAM of a passed-through device
	STRIPPED_VIRTIO_MEM,
};

enum {
	STRIPPED_REGIONS = 8,
	STRIPPED_CPUS = 3,
	STRIPPED_BITS = 16, // of the virtio-mem
	STRIPPED_MEMORY = 0x100000,
	STRIPPED_MEMORY_SIZE = 0x10000,
};

// The addresses of what can be damaged.
enum {
	STRIPPED_ADDRESS_SPACE = 0x100,
	STRIPPED_CURRENT_MAP = STRIPPED_ADDRESS_SPACE + 32,
	STRIPPED_LISTENERS = STRIPPED_ADDRESS_SPACE + 56,
	STRIPPED_CPUS_HEAD = 0x180,
	STRIPPED_FLAT_VIEW = 0x200,
	STRIPPED_RANGES_POINTER = STRIPPED_FLAT_VIEW + 24,
	STRIPPED_NR = STRIPPED_FLAT_VIEW + 32,
	STRIPPED_NR_ALLOCATED = STRIPPED_FLAT_VIEW + 36,
	STRIPPED_DECOY_VIEW = 0x280, // zeros: for a test to fill
	STRIPPED_TYPES = 0x300,      // classes, types and names of objects
	STRIPPED_TYPE_SIZE = 0x80,
	STRIPPED_RANGES = 0x1000,
	STRIPPED_RANGE_SIZE = 64,
	STRIPPED_ROOT = 0x1c00,
	STRIPPED_REGION = 0x2000,
	STRIPPED_REGION_SIZE = 0x200,
	STRIPPED_REGION_RAM = 41,
	STRIPPED_REGION_BLOCK = 56,
	STRIPPED_BLOCK = 0x4000,
	STRIPPED_BLOCK_SIZE = 0x400,
	STRIPPED_BLOCK_MR = 16,
	STRIPPED_BLOCK_HOST = 24,
	STRIPPED_BLOCK_LENGTH = 48,
	STRIPPED_BLOCK_IDSTR = 76,
	STRIPPED_MANAGER = 0x6800,
	STRIPPED_BITMAP = 0x6c00,
	STRIPPED_CPU = 0x7000,
	STRIPPED_CPU_SIZE = 0x1000,
	STRIPPED_CPU_NODE = 0x248,
	STRIPPED_CPU_INDEX = 0x2f0,
	STRIPPED_CPU_REGS = 0x400,
	STRIPPED_CPU_EIP = 0x480,
	STRIPPED_DESCRIPTIONS = 0xb000,
	STRIPPED_FIELDS = 0xb400,
	STRIPPED_FIELD_SIZE = 104,
	STRIPPED_NAMES = 0xd000,
};

struct stripped_range {
	uint64_t start, size, offset_in_region;
	enum stripped_kind kind;
	unsigned int region; // below STRIPPED_REGIONS; its block is as large as its ranges need
};

struct fake_stripped {
	struct gg_bytes_host *bytes;
	uint8_t *memory; // STRIPPED_MEMORY_SIZE bytes at STRIPPED_MEMORY
	uint64_t size[STRIPPED_REGIONS];
	uint64_t names; // how much of the names' space is used
};

// COUNT ranges, at most 16.
void fake_stripped_init(struct fake_stripped *qemu, const struct stripped_range *ranges,
			size_t count);
void fake_stripped_deinit(struct fake_stripped *qemu);

// The SIZE bytes at OFFSET in the memory become VALUE, little-endian.
void fake_stripped_put(struct fake_stripped *qemu, uint64_t offset, unsigned int size,
		       uint64_t value);

// Returns the address of the bytes of the region's block.
uint64_t fake_stripped_hva(unsigned int region);

#endif
