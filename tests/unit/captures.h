// SPDX-License-Identifier: GPL-3.0-or-later
//
// What QEMU's monitor printed. tests/monitor has such texts, whose names begin with QEMU's version;
// beside each is what QEMU's own dump of the same stop has as the CPUs' notes. TCG ran the guests.
#ifndef CAPTURES_H
#define CAPTURES_H

#include "machine/find-arch.h"
#include "qemu/monitor/cpus.h"

enum { MAX_TEXT = 1 << 14, MAX_TRUTH = 1 << 12 };

// ---- A debugger that knows some registers ----

extern const struct gg_host host;
extern unsigned int asked_thread, times_asked;
extern struct gg_error *refusal; // at all registers that it does not know; NULL: it says so

// That the register NAME, of SIZE bytes, is VALUE.
void know(const char *name, uint64_t value, size_t size);

// All of that: to be done before each test.
int forget(void **state);

// ---- Files ----

extern char text[MAX_TEXT];
extern size_t text_size;
extern uint8_t truth[MAX_TRUTH]; // the notes
extern size_t truth_size;

// The path of the capture NAME's text (".txt") or notes.
void path_of(const char *name, const char *extension, char ret[4096]);

// Reads the capture NAME.
void load(const char *name);

// Puts NEW, of the same length, in the place of OLD wherever TEXT has it.
void edit(const char *old, const char *new);

// ---- Registers ----

extern struct gg_qemu_cpus cpus;
extern struct gg_registers registers; // of the CPU that was read last

// CPUs out of TEXT, and one's registers.
void parse(enum gg_accelerator accelerator);
void read_cpu(size_t index, unsigned int thread);

const struct gg_arch *arch_of_text(void);
uint64_t reg(unsigned int id);
uint64_t unknown(unsigned int id);
unsigned int known_bytes(unsigned int id); // the lowest, up to one that is not all known

// Our text of the registers is QEMU's of CPU.
void check_text(const struct gg_arch *arch, const struct gg_qemu_cpu *cpu);

#endif
