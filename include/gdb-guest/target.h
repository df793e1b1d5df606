// SPDX-License-Identifier: GPL-3.0-or-later
//
// The target: the guest's place, as the debugger has it.
#ifndef GDB_GUEST_TARGET_H
#define GDB_GUEST_TARGET_H

#include "debug.h"
#include "error.h"
#include "types.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct gg_kept;

#pragma GCC visibility push(default)

// The choice of a kernel in the guest's RAM, which no other kernel meets, now or later.
struct gg_kernel_choice {
	gg_gpa_t note;     // the place of its VMCOREINFO
	uint64_t identity; // a checksum of its VMCOREINFO
};

enum { GG_NESTED_DEPTH = 4 };

// Opens the vmcore PATH, to see that it is one. RET is its format and its writer, for people; the
// caller frees it. GG_INVALID for a core of a process.
struct gg_error *gg_vmcore_text(const char *path, char **ret);

// The place of a guest.
struct gg_target {
	const char *core_path;    // of a core of QEMU or a vmcore, or NULL
	const char *program_path; // of QEMU's binary, or NULL where it is not known
	pid_t pid;                // of a live process, or 0
	// Guest memory is read by the host's read alone: slow; the faster ways are tested against
	// it.
	bool via_host;

	// The texts that QEMU's monitor printed, in the order of enum gg_monitor_text, "" for a
	// command that it refused, where the debugger is connected to QEMU's gdbstub; NULL
	// elsewhere. The host's read takes guest-physical addresses then, of RAM only; its
	// registers are a vCPU's, whose thread is 1 for the first.
	const char *const *monitor;
	// A file with the guest's memory as QEMU's own dump-guest-memory wrote it, to be read in
	// place of the gdbstub; or NULL.
	const char *memory_path;
	// The place of this guest's VMCOREINFO at an earlier look, or 0: a search starts there, and
	// memory must bear it out again.
	gg_gpa_t note;
	// The kernel that the user has chosen, as gg_guest_kernels() showed it; its note is 0
	// without a choice.
	struct gg_kernel_choice choice;
	// The store of earlier guests of this connection, where reads cost much; NULL: nothing is
	// kept. It must outlive the guest.
	struct gg_kept *kept;
	// The vmlinux with debuginfo that the user names for a kernel without BTF, or NULL.
	const char *vmlinux_path;
	// The nested guest to look at, from the outermost on: each is the number in guest-nested's list, or
	// the address of its struct kvm. The kernel's place, its choice and the vmlinux are then those of the
	// innermost guest.
	const uint64_t *nested;
	size_t nested_count; // at most GG_NESTED_DEPTH; 0: the guest itself
	// The guest's debug log, which must outlive the guest; NULL is off.
	const struct gg_debug *debug;
};

#pragma GCC visibility pop

#endif
