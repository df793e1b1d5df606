// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest in a QEMU 7.2 of 2 CPUs, into whose RAM the tests of the search for kernels write kernels.
#ifndef KERNEL_GUEST_H
#define KERNEL_GUEST_H

#include "unit.h"
#include "printed.h"
#include "fake-kernel.h"
#include "fake-qemu.h"

#include "guest/guest.h"

extern const struct fake_kernel plain; // "6.1.0-plain"

extern struct fake_qemu qemu;
extern uint8_t *ram;
extern struct gg_guest *guest;

// The setup and teardown of each test.
int begin_test(void **state);
int end_test(void **state);

// Makes a new guest: a guest keeps what it has found, or not.
void look_anew(void);

// Finds the guest's kernel.
struct gg_error *find(const struct gg_kernel **ret);

// Expects that the guest's kernel is RELEASE.
void expect_release(const char *release);

// Lets CPU run with page tables at CR3.
void use_tables(unsigned int cpu, uint64_t cr3);

// Runs COUNT tests, each on a guest of its own.
int run_kernel_tests(struct CMUnitTest *tests, size_t count);

#endif
