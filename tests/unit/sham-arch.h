// SPDX-License-Identifier: GPL-3.0-or-later
//
// An architecture that there is not: big-endian, of 32 bits, with a format of page tables that
// libaddrxlat does not know and a register of 256 bytes.
#ifndef SHAM_ARCH_H
#define SHAM_ARCH_H

#include "arch/arch.h"

enum sham_register {
	SHAM_R0,
	SHAM_R3 = SHAM_R0 + 3,
	SHAM_PC,
	SHAM_SP,
	SHAM_ROOT,
	SHAM_V0,
	SHAM_REGISTERS
};

enum {
	SHAM_VECTOR = 256, // bytes
	SHAM_MACHINE = 0x5348,
	// A table of 256 entries for 16 MiB each, and tables of 2048 entries for pages of 8 KiB.
	SHAM_PAGE = 8 << 10,
	SHAM_LARGE_PAGE = 16 << 20,
	SHAM_ENTRY_PAGE = 1 << 30, // in the first table: a page, no table
	SHAM_PRSTATUS = 72 + 7 * 4 + 4,
};

#define SHAM_ENTRY_VALID    (UINT32_C(1) << 31)
#define SHAM_KERNEL         UINT64_C(0xc0000000) // maps the first 16 MiB
#define SHAM_KERNEL_ADDRESS "c0000000"

extern const struct gg_arch gg_arch_sham;

// The sham architecture without any row of operations.
extern const struct gg_arch gg_arch_mute;

#endif
