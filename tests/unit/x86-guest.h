// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest of one MiB in a made-up QEMU of x86-64, with two CPUs: for tests of one CPU's registers.
#ifndef X86_GUEST_H
#define X86_GUEST_H

#include "fake-qemu.h"
#include "unit.h"

#include "arch/x86/x86.h"
#include "guest/guest.h"

enum { CR0_PG = 1u << 31, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5, PAGES = 0x10000 };

extern struct fake_qemu qemu;
extern uint8_t *cpu; // the first CPU's bytes
extern struct gg_guest *guest;
extern struct gg_registers registers; // that were read last

void begin(enum fake_version version);
void end(void);

// Begins a test of cmocka's with FAKE_7_2.
int begin_test(void **state);
int end_test(void **state);

// Sets BEGIN_TEST and END_TEST for all COUNT tests, and runs them.
int run_with_guest(struct CMUnitTest *tests, size_t count);
#define RUN_WITH_GUEST(tests) run_with_guest(tests, sizeof(tests) / sizeof(*(tests)))

// Reads the first CPU's registers, as QEMU has them now.
void read_first(void);

// Gives the first CPU, in protected mode, these control registers; returns its address space.
struct gg_address_space *use_tables(uint64_t cr0, uint64_t cr3, uint64_t cr4);

#endif
