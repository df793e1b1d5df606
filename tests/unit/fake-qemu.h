// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory structures of a QEMU, made up in a byte-array host: for layouts and damage that no
// real QEMU at hand has. The members and their names are those of QEMU's include/exec/memory.h and
// ramblock.h (cpu-all.h in older ones) at the version named; the offsets are arbitrary.
#ifndef FAKE_QEMU_H
#define FAKE_QEMU_H

#include "host/bytes.h"

enum fake_version {
	FAKE_7_2, // MemoryRegion.ram_block; RamDiscardManager
	FAKE_2_5, // MemoryRegion.ram_addr, RAMBlock.used_length, a QLIST, skip_dump
	FAKE_2_2, // RAMBlock.length, a QTAILQ
};

enum fake_kind { FAKE_RAM, FAKE_IO, FAKE_RAM_DEVICE, FAKE_NONVOLATILE, FAKE_VIRTIO_MEM };

enum {
	FAKE_REGIONS = 8,
	FAKE_CPUS = 2,
	FAKE_BITMAP_BITS = 16,    // of the virtio-mem
	FAKE_BLOCK_SIZE = 0x1000, // the same
	// The address of the structures, and the size of the piece they are all in.
	FAKE_STRUCTURES = 0x100000,
	FAKE_STRUCTURES_SIZE = 0x8000,
};

// The offsets in the piece of what can be damaged.
enum {
	FAKE_ADDRESS_SPACE = 0x0,
	FAKE_FLAT_VIEW = 0x100,
	FAKE_FLAT_VIEW_NR = FAKE_FLAT_VIEW + 16,
	FAKE_FLAT_VIEW_NR_ALLOCATED = FAKE_FLAT_VIEW + 20,
	FAKE_RAM_LIST = 0x180,
	FAKE_VIRTIO_MEM_OBJECT = 0x200,
	FAKE_VIRTIO_MEM_BITMAP = 0x300,
	FAKE_TYPE_NAME = 0x340,
	FAKE_FLAT_RANGE = 0x400,
	FAKE_FLAT_RANGE_SIZE = 64,
	FAKE_REGION = 0x1000,
	FAKE_REGION_SIZE = 0x100,
	FAKE_BLOCK = 0x2000,
	FAKE_BLOCK_STRUCT_SIZE = 0x400,
	FAKE_BLOCK_RECEIVEDMAP = 0x190, // in a block: NULL, unless a test has the guest received
	FAKE_BLOCK_GUEST_MEMFD = 0x198,
	FAKE_RECEIVED = 0x7f00, // room for a bitmap
	FAKE_CPUS_HEAD = 0x1c0,
	FAKE_SAVEVM_STATE = 0x3c0, // its list, empty: for a test to point to an entry
	FAKE_SAVE_STATE_NEXT = 0,  // in an entry: the next, the name, the device
	FAKE_SAVE_STATE_IDSTR = 16,
	FAKE_SAVE_STATE_OPAQUE = 0x110,
	FAKE_DEVICE_HAS = 8, // in the vmcoreinfo device
	FAKE_DEVICE_FORMAT = 10,
	FAKE_DEVICE_PADDR = 16,
	FAKE_KVM_ALLOWED = 0x1d0,
	FAKE_TCG_ALLOWED = 0x1d1,
	FAKE_CPU = 0x4000,
	FAKE_CPU_SIZE = 0x1000,
	// In a CPU: CPUState's members, and those of env.
	FAKE_CPU_NEXT = 0x10,
	FAKE_CPU_INDEX = 0x20,
	FAKE_CPU_DIRTY = 0x24,
	FAKE_CPU_RUNNING = 0x25,
	FAKE_CPU_REGS = 0x100,
	FAKE_CPU_EIP = 0x180,
	FAKE_CPU_EFLAGS = 0x188,
	FAKE_CPU_HFLAGS = 0x190,
	FAKE_CPU_SEGS = 0x1a0,
	FAKE_SEGMENT_SIZE = 24,
	FAKE_CPU_LDT = 0x240,
	FAKE_CPU_TR = 0x258,
	FAKE_CPU_GDT = 0x270,
	FAKE_CPU_IDT = 0x288,
	FAKE_CPU_CR = 0x2a0,
	FAKE_CPU_KERNELGSBASE = 0x2d0,
	FAKE_CPU_HALTED = 0x28,
	// members of a 7.2 only
	FAKE_CPU_EFER = 0x2e0,
	FAKE_CPU_CC_DST = 0x2e8,
	FAKE_CPU_CC_SRC = 0x2f0,
	FAKE_CPU_CC_SRC2 = 0x2f8,
	FAKE_CPU_CC_OP = 0x300,
	FAKE_CPU_DF = 0x304,
	FAKE_CPU_A20_MASK = 0x308,
	FAKE_CPU_MP_STATE = 0x30c,
	FAKE_CPU_FPUC = 0x310,
	FAKE_CPU_FPUS = 0x312,
	FAKE_CPU_FPSTT = 0x314,
	FAKE_CPU_FPTAGS = 0x318,
	FAKE_CPU_MXCSR = 0x320,
	FAKE_CPU_SSE_EXCEPTIONS = 0x324,
	FAKE_CPU_XCR0 = 0x328,
	FAKE_CPU_DR = 0x330,
	FAKE_CPU_APIC = 0x370,
	FAKE_CPU_VM_HSAVE = 0xc00,
	FAKE_CPU_VM_VMCB = 0xc08,
	FAKE_CPU_NESTED_STATE = 0xc10,
	FAKE_CPU_FPREGS = 0x380,
	FAKE_CPU_XMM_REGS = 0x400,
	FAKE_APIC_TPR = 4,
};

struct fake_range {
	uint64_t start, size, offset_in_region;
	enum fake_kind kind;
	unsigned int region; // below FAKE_REGIONS; each has a RAMBlock "block.N" of its own
};

struct fake_qemu {
	struct gg_bytes_host *bytes;
	uint8_t *structures;        // FAKE_STRUCTURES_SIZE bytes, to damage
	uint8_t *ram[FAKE_REGIONS]; // each region's bytes; NULL where it is unused or IO
	uint64_t hva[FAKE_REGIONS]; // and their address
	uint64_t size[FAKE_REGIONS];
};

// CCOp's values in QEMU VERSION (target/i386/cpu.h), as the host's members; "7.2", "9.1" or "10.0".
void fake_qemu_add_cc_ops(struct fake_qemu *qemu, const char *version);

// COUNT ranges, at most 32. Every region is as large as its ranges need. Two CPUs under TCG, in
// long mode, all of whose registers are 0.
void fake_qemu_init(struct fake_qemu *qemu, enum fake_version version,
		    const struct fake_range *ranges, size_t count);
void fake_qemu_deinit(struct fake_qemu *qemu);

#endif
