// SPDX-License-Identifier: GPL-3.0-or-later
//
// The target: what the debugger has in front of it.
#ifndef GDB_GUEST_TARGET_H
#define GDB_GUEST_TARGET_H

#include "debug.h"
#include "types.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#pragma GCC visibility push(default)

// What tells a kernel in the guest's RAM from others, and from what is there later.
struct gg_kernel_choice {
	gg_gpa_t note;     // where its VMCOREINFO is
	uint64_t identity; // a checksum of that
};

// What the debugger has in front of it.
struct gg_target {
	const char *core_path;    // of a core of QEMU or a vmcore, or NULL
	const char *program_path; // of QEMU's binary, or NULL where it is not known
	pid_t pid;                // of a live process, or 0
	// Read guest memory by way of the host's read only: slow, and what the faster ways are
	// tested against.
	bool via_host;

	// Where the debugger is connected to QEMU's gdbstub: what QEMU's monitor printed, in the
	// order of enum gg_monitor_text, "" for what it refused; copied. NULL elsewhere. The host's
	// read takes guest-physical addresses then, and is asked for RAM only; its registers are a
	// vCPU's, the thread being 1 for the first one.
	const char *const *monitor;
	// A file with the guest's memory as QEMU's own dump-guest-memory wrote it, to be read in
	// place of the gdbstub; or NULL.
	const char *memory_path;
	// Where this guest's VMCOREINFO was when it was last looked at, or 0: it is looked for
	// there first, and believed if it is borne out again.
	gg_gpa_t note;
	// The kernel that the user has chosen, as gg_guest_kernels() showed it; its note is 0
	// where none is chosen.
	struct gg_kernel_choice choice;
	// The guest's debug log, which must outlive the guest; NULL is off.
	const struct gg_debug *debug;
};

#pragma GCC visibility pop

#endif
