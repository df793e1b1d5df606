// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel that has modules, code that BPF has made, and nothing else: its memory, and members that are called as in Linux 6.12
// (include/linux/module.h), at offsets of their own.
#ifndef FAKE_MODULES_H
#define FAKE_MODULES_H

#include "linux/modules/modules.h"

#define FAKE_MODULES UINT64_C(0xffffffffc0000000)

enum {
	FAKE_MODULES_SIZE = 0x4000,
	FAKE_MODULE_COUNT = 3, // "first" is used by "second" and "third", which has no symbols
	FAKE_MODULE_SIZE = 0x1000,
	// Offsets in a struct module and behind it; the first module is at FAKE_MODULE_SIZE.
	FAKE_STATE = 0,
	FAKE_LIST = 8,
	FAKE_NAME = 24,
	FAKE_MEM = 80,
	FAKE_KALLSYMS = 200,
	FAKE_NOTES = 232,
	FAKE_SOURCE_LIST = 240,
	FAKE_MOD_KALLSYMS = 0x200,
	FAKE_SYMTAB = 0x240,
	FAKE_STRTAB = 0x2c0,
	FAKE_NOTE_ATTRS = 0x340,
	FAKE_NOTE = 0x3a0,
	FAKE_USE = 0x400,
	// The list of BPF's code, its two struct bpf_ksym, and the code, in no module.
	FAKE_BPF_LIST = 0x3e00,
	FAKE_BPF = 0x3e40,
	FAKE_BPF_SIZE = 0x40,
	FAKE_BPF_CODE = 0x3f00,
};

struct fake_modules {
	uint8_t bytes[FAKE_MODULES_SIZE];
	struct gg_answerers kernel;
};

// Makes the memory, of sound modules.
void fake_modules_write(struct fake_modules *fake);

// Makes FAKE's kernel of the memory; fake_modules_deinit() destroys the kernel.
void fake_modules_init(struct fake_modules *fake);
void fake_modules_deinit(struct fake_modules *fake);

// The offset of the module NUMBER in the memory.
size_t fake_module(unsigned int number);

#endif
