// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest at a gdbstub, for a test.
#ifndef STUB_GUEST_H
#define STUB_GUEST_H

#include "fake-stub.h"
#include "unit.h"

extern struct fake_stub stub;
extern struct gg_guest *guest;

// Makes a stub whose CPU runs KERNEL, with the kernel's variables at VARIABLES.
void stub_guest_boot(const struct fake_kernel *kernel, uint64_t variables);

// Creates GUEST anew.
void stub_guest_create(void);

// Destroys GUEST and STUB, as a teardown.
int stub_guest_end(void **state);

#endif
