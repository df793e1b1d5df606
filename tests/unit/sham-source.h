// SPDX-License-Identifier: GPL-3.0-or-later
//
// A source that is no QEMU: bytes for RAM, CPUs whose registers the test gives. One file and one row,
// as machine/source.h says; it counts the questions.
#ifndef SHAM_SOURCE_H
#define SHAM_SOURCE_H

#include "guest/source.h"
#include "host/bytes.h"

enum { SHAM_CPUS = 3 };

struct sham {
	struct gg_bytes_host *bytes; // guest-physical memory: FAKE_KERNEL_RAM bytes from address 0
	uint8_t *ram;
	uint64_t roots[SHAM_CPUS];  // CR3 of each CPU in long mode; 0: paging is off
	bool unreadable[SHAM_CPUS]; // CPUs
	bool no_cpus;               // the list of them cannot be read
	gg_gpa_t note;              // of the kernel, as the source has it; 0: it does not
	enum gg_read_cost cost;

	// The questions so far.
	unsigned int maps, lists, cpu_reads[SHAM_CPUS], runs;
};

void sham_init(struct sham *sham);
void sham_deinit(struct sham *sham);

// The host that stands for the debugger: the source finds SHAM by it.
struct gg_host sham_host(struct sham *sham);

// Accepts targets whose program is "sham".
extern const struct gg_source_ops sham_source;

#endif
