// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest with a kernel that has symbols, two CPUs, and what was printed of it.
#ifndef NAMED_GUEST_H
#define NAMED_GUEST_H

#include "fake-kernel.h"
#include "fake-qemu.h"
#include "unit.h"

enum {
	NAMED_TEXT = 0x400000, // in RAM: the kernel's _stext, and 2 MiB from there on
	NAMED_TABLES = 0x10000,
	NAMED_SYMBOL_SIZE = 0x40, // bytes from a symbol of fake_kallsyms_write() to the next
};

// The address of the kernel's symbol NUMBER: _stext, sys_call_1, function.part.2, sys_call_3 ...
#define NAMED_SYMBOL(number) (FAKE_KERNEL_STEXT + UINT64_C(0x40) * (number))

struct named_guest {
	struct fake_qemu qemu;
	uint8_t *ram, *cpus[2];
	struct gg_guest *guest;
	struct gg_writer writer;
	struct gg_notices notices;
	char printed[65536], told[2048];
};

extern struct named_guest named;

// Set up and tear down NAMED, as cmocka has it.
int named_guest_begin(void **state);
int named_guest_end(void **state);

// Creates the guest anew, after what it is made of was changed.
void named_guest_reopen(void);

// Makes TCG execute on CPU: the registers may be old, and the condition codes are unknown.
void named_guest_execute(unsigned int cpu);

// Forgets what was printed.
void named_guest_clear(void);

#endif
