// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel of arm64 whose kallsyms has code alone: three functions that walk the list of modules, and the list's head. The code
// is of Debian's 6.1.0-50-cloud-arm64, with the data brought near.
#ifndef FAKE_HEAD_H
#define FAKE_HEAD_H

#include "linux/answerers/answerers.h"

#define FAKE_HEAD_START UINT64_C(0xffff800008000000)

enum {
	FAKE_HEAD_SIZE = 0x2000,
	FAKE_HEAD_FUNCTIONS = 3,
	FAKE_HEAD_FUNCTION = 0x100, // bytes from a function to the next
	FAKE_HEAD_NOP = 0x24, // a nop of the functions 0 and 1, behind the address of FAKE_OTHER
	FAKE_OTHER = 0x15c0,  // a word that no function reads
	FAKE_HEAD = 0x1610,
};

struct fake_head {
	uint8_t bytes[FAKE_HEAD_SIZE];
	unsigned int functions; // that have names
	struct gg_answerers kernel;
};

// Writes the code and an empty list.
void fake_head_write(struct fake_head *fake);

// Writes SIZE bytes of VALUE at OFFSET.
void fake_head_put(struct fake_head *fake, size_t offset, unsigned int size, uint64_t value);

// Makes the kernel of the memory. FAKE must not be moved.
void fake_head_init(struct fake_head *fake);
void fake_head_deinit(struct fake_head *fake);

#endif
