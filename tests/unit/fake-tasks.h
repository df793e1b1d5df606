// SPDX-License-Identifier: GPL-3.0-or-later
//
// A Linux kernel with tasks, in memory of 64 KiB, and page tables that map one page of a program: for
// lists and structures that no real guest gives. The members are those of Linux v6.12; their places
// are made up.
#ifndef FAKE_TASKS_H
#define FAKE_TASKS_H

#include "fake-answerers.h"
#include "page-image.h"

#define FAKE_TASKS_BASE UINT64_C(0xffff888000000000)
#define FAKE_TASKS_ARGS UINT64_C(0x400000) // in the program: a page, and none behind it

enum {
	FAKE_TASKS_SIZE = 64 << 10,
	FAKE_TASKS_CPUS = 2,
	FAKE_TASKS_COUNT = 6, // PIDs 0 (init_task) to 5
	// Offsets in the memory.
	FAKE_CPU_IDS_AT = 0,
	FAKE_OFFSETS_AT = 8,
	FAKE_PRESENT_AT = 24,
	FAKE_TOTALRAM_AT = 32,
	FAKE_RUN_QUEUES = 0x1000, // 0x100 bytes a CPU
	FAKE_TASKS_AT = 0x2000,   // FAKE_TASK_SIZE bytes a task
	FAKE_TASK_SIZE = 0x100,
	FAKE_SIGNALS = 0x4000, // 0x40 bytes a task
	FAKE_MM = 0x5000,      // PID 1's
	FAKE_FILE = 0x5100,
	FAKE_FS = 0x5140,
	FAKE_DENTRIES = 0x5200, // 0x40 bytes each: the root, "bin", "sh"
	FAKE_MOUNT = 0x5400,
	FAKE_NAMES = 0x5500,
	FAKE_KTHREAD = 0x5600, // PID 2's
	FAKE_WORKER = 0x5680,
	FAKE_FULL_NAME = 0x5700,
	// Offsets in a task.
	FAKE_TASK_LIST = 0, // next, prev
	FAKE_TASK_NODE = 16,
	FAKE_TASK_PID = 32,
	FAKE_TASK_TGID = 36,
	FAKE_TASK_STATE = 40,
	FAKE_TASK_COMM_AT = 48,
	FAKE_TASK_FLAGS = 64,
	FAKE_TASK_MM = 72,
	FAKE_TASK_PARENT = 88,
	FAKE_TASK_SIGNAL = 96,
	FAKE_TASK_RUNTIME = 128,
	// Offsets in a signal_struct, a dentry.
	FAKE_THREAD_HEAD = 0,
	FAKE_DENTRY_PARENT = 0,
	FAKE_DENTRY_HASH = 8,
	FAKE_DENTRY_LENGTH = 16,
	FAKE_DENTRY_NAME = 24,
};

struct fake_tasks {
	struct fake_answerers fake;
	uint8_t *memory; // FAKE's
	struct page_image *pages;
	struct gg_answerers answerers;
};

// Makes the kernel: PID 1 is /bin/sh with the arguments "sh" and "-c"; 2 a worker with the work
// "events"; 3 PID 1's child; 4 and 5 threads of 3.
void fake_tasks_init(struct fake_tasks *tasks);
void fake_tasks_deinit(struct fake_tasks *tasks);

// Returns the address of PID's task_struct, and the place of a member in the memory.
gg_gva_t fake_task_address(unsigned int pid);
uint8_t *fake_task_bytes(const struct fake_tasks *tasks, unsigned int pid, unsigned int member);

// Links the list_heads whose addresses NODES are, in their order and in a circle.
void fake_tasks_link(const struct fake_tasks *tasks, const gg_gva_t *nodes, size_t count);

#endif
