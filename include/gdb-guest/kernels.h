// SPDX-License-Identifier: GPL-3.0-or-later
//
// The Linux kernels in the guest's RAM.
#ifndef GDB_GUEST_KERNELS_H
#define GDB_GUEST_KERNELS_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// The way by which a kernel's VMCOREINFO was found.
enum gg_kernel_finder {
	GG_FOUND_BY_SCAN,    // in RAM
	GG_FOUND_BY_DEVICE,  // where QEMU's vmcoreinfo device has it
	GG_FOUND_BY_TABLES,  // by the image that the CPUs' page tables map
	GG_FOUND_BY_CHOICE,  // where the user's choice has it
	GG_FOUND_BY_KDUMP,   // where the kernel that was booted after its crash has it
	GG_FOUND_BY_FILE,    // in a note of the vmcore
	GG_FOUND_BY_LOWCORE, // where a word of the kernel's in low memory has it
};

// The name of FINDER in data: "scan", "device", "tables", "choice", "kdump", "file" or "lowcore".
const char *gg_kernel_finder_name(enum gg_kernel_finder finder);

// A Linux kernel in the guest's RAM. Valid only as long as the call that shows it; texts that the
// guest wrote are escaped.
struct gg_kernel_info {
	struct gg_kernel_choice choice; // what chooses it
	const char *release;            // as uname -r says
	const char *architecture;
	enum gg_kernel_finder finder;
	bool is_chosen;       // it is the kernel that all functions show
	const uint32_t *cpus; // cpu_index of those that run it
	size_t cpu_count;
	bool has_crashed;    // it has said so to a kernel for crashes
	uint64_t crash_time; // in seconds since 1970
	const char *panic;   // the last line of its log that tells of a panic, or NULL
	const char *last;    // the last line of its log, or NULL
	bool has_time;
	uint64_t time; // of that, in nanoseconds of the kernel's clock
};

typedef struct gg_error *gg_visit_kernel_fn(void *data, const struct gg_kernel_info *kernel);

// Calls VISIT for every kernel in the guest's RAM, those that more CPUs run first: the running one,
// the crashed one that a kernel for crashes was booted after, and what all of RAM has, which is
// looked at unless that is behind a gdbstub; with SCAN it is there too. GG_NOT_FOUND without any.
struct gg_error *gg_guest_kernels(struct gg_guest *guest, bool scan, gg_visit_kernel_fn *visit,
				  void *data);

struct gg_kernels_options {
	bool scan; // as for gg_guest_kernels()
	bool json; // an object on a line for each kernel
	// Called with each kernel, in the order of the list, whose numbers start at 1. An error ends
	// the command. May be NULL.
	gg_visit_kernel_fn *visit;
	void *data; // for VISIT
};

// Writes the list of the kernels in the guest's RAM.
struct gg_error *gg_print_kernels(struct gg_guest *guest, const struct gg_kernels_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices);

// The choice that GUEST was created with; its note is 0 once the kernel was found not to be there.
struct gg_kernel_choice gg_guest_choice(const struct gg_guest *guest);

// Tests whether the symbols are those of the kernel that the CPU with cpu_index INDEX runs, which
// they may not be where the user has chosen a kernel.
bool gg_guest_shows_kernel_of(struct gg_guest *guest, uint32_t index);

// Tests whether the file that gg_target.vmlinux_path names is the vmlinux of GUEST's kernel, with
// debuginfo. GG_INVALID where it is not.
struct gg_error *gg_guest_check_vmlinux(struct gg_guest *guest);

#pragma GCC visibility pop

#endif
