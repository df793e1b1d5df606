// SPDX-License-Identifier: GPL-3.0-or-later
//
// The variables of a Linux kernel that tell how it is, in memory of two pages: for what no real guest
// gives. Names, sizes and units are Linux v6.1's (kernel/panic.c, kernel/watchdog.c,
// kernel/sched/core.c); their places are made up.
#ifndef FAKE_VITALS_H
#define FAKE_VITALS_H

#include "fake-answerers.h"
#include "linux/vitals.h"

enum {
	FAKE_VITALS_SIZE = 8192,
	FAKE_CPUS = 3, // with numbers 0 to 2
	// Offsets in the memory.
	FAKE_PANIC_CPU = 0,
	FAKE_TAINTED_MASK = 8,
	FAKE_OOPS_COUNT = 16,
	FAKE_DIE_COUNTER = 20,
	FAKE_WARN_COUNT = 24,
	FAKE_HUNG_COUNT = 32,
	FAKE_AVENRUN = 40,
	FAKE_ONLINE = 64,
	FAKE_ALLOWED = 72,
	FAKE_THRESH = 80,
	FAKE_ENABLED = 88,
	FAKE_CPU_IDS = 92,
	FAKE_OFFSETS = 96, // __per_cpu_offset
	FAKE_TAINT_FLAGS = 256,
	FAKE_TAINT_SIZE = 512,
	FAKE_AREAS = 4096, // of the CPUs
	FAKE_AREA = 256,
	// Offsets in the area of a CPU.
	FAKE_TOUCHED = 0,
	FAKE_CLOCK = 8,    // rq's
	FAKE_EXPIRES = 16, // of hrtimer_cpu_base
};

struct fake_vitals {
	struct fake_answerers fake;
	uint8_t *memory; // FAKE's
	struct gg_answerers answerers;
};

// Makes a kernel that is well, whose CPUs showed signs of life at 100 s.
void fake_vitals_init(struct fake_vitals *vitals);
void fake_vitals_deinit(struct fake_vitals *vitals);

#endif
