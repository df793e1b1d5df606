// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory of a process: its struct mm_struct.
#ifndef GG_MM_H
#define GG_MM_H

#include "host/record.h"
#include "linux/answerers/answerers.h"

enum gg_mm_counter { GG_MM_FILE, GG_MM_ANON, GG_MM_SWAP, GG_MM_SHMEM, GG_MM_COUNTERS };

struct gg_mm {
	uint64_t vsz, rss, swap; // in bytes, as VmSize, VmRSS and VmSwap in /proc/PID/status
	gg_gva_t pgd;            // the root of its page tables
	gg_gva_t arg_start, arg_end, env_start, env_end; // in the process's own addresses
	gg_gva_t exe_file;                               // a struct file, 0 without
};

struct gg_mm_layout {
	struct gg_member total_vm, counts[GG_MM_COUNTERS], parts[GG_MM_COUNTERS];
	struct gg_member pgd, arg_start, arg_end, env_start, env_end, exe_file;
};

// A reader of many.
struct gg_mm_reader {
	const struct gg_answerers *kernel;
	struct gg_mm_layout layout;
	struct gg_record record;
	uint64_t page_size;
	uint64_t *offsets; // of the CPUs' per-CPU memory
	size_t cpu_count;
	uint64_t ram; // the memory that the kernel manages, in bytes; 0 if not known
};

// Resolves all members. KERNEL must outlive RET.
struct gg_error *gg_mm_reader_init(struct gg_mm_reader *ret, const struct gg_answerers *kernel);

// READER may be zeros.
void gg_mm_reader_deinit(struct gg_mm_reader *reader);

// Reads the struct mm_struct at ADDRESS.
struct gg_error *gg_mm_read(struct gg_mm_reader *reader, gg_gva_t address, struct gg_mm *ret);

#endif
