// SPDX-License-Identifier: GPL-3.0-or-later
//
// Texts that QEMU's monitor printed: tests/monitor has them, under names that begin with QEMU's
// version, and beside each the CPUs' notes of QEMU's own dump of the same stop. TCG ran the guests.
#ifndef CAPTURES_H
#define CAPTURES_H

#include "machine/find-arch.h"
#include "qemu/monitor/cpus.h"

enum { MAX_TEXT = 1 << 14, MAX_TRUTH = 1 << 12 };

// ---- A debugger that knows some registers ----

extern const struct gg_host host;
extern unsigned int asked_thread, times_asked;
extern struct gg_error *refusal; // of all registers that it does not know; NULL: GG_NOT_FOUND

// Makes VALUE the debugger's register NAME, of SIZE bytes.
void know(const char *name, uint64_t value, size_t size);

// Forgets all registers, before each test.
int forget(void **state);

// ---- Files ----

extern char text[MAX_TEXT];
extern size_t text_size;
extern uint8_t truth[MAX_TRUTH]; // the notes
extern size_t truth_size;

// Writes the path of the capture NAME's text (".txt") or notes.
void path_of(const char *name, const char *extension, char ret[4096]);

// Reads the capture NAME.
void load(const char *name);

// Puts NEW, of the same length, in the place of OLD wherever TEXT has it.
void edit(const char *old, const char *new);

// ---- Registers ----

extern struct gg_qemu_cpus cpus;
extern struct gg_registers registers; // of the CPU that was read last

// Reads the CPUs out of TEXT, and the registers of the CPU at INDEX.
void parse(enum gg_accelerator accelerator);
void read_cpu(size_t index, unsigned int thread);

const struct gg_arch *arch_of_text(void);
uint64_t reg(unsigned int id);
uint64_t unknown(unsigned int id);
unsigned int known_bytes(unsigned int id); // the lowest, up to a byte with an unknown bit

// Compares our text of the registers with QEMU's of CPU.
void check_text(const struct gg_arch *arch, const struct gg_qemu_cpu *cpu);

#endif
