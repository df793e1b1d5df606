// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest: what is known of it, each part found when it is first asked for, and kept.
#ifndef GG_GUEST_H
#define GG_GUEST_H

#include "base/notices.h"
#include "machine/find-arch.h"
#include "host/checked.h"
#include "linux/kernel.h"
#include "qemu/monitor/monitor.h"
#include "qemu/layout/structure.h"

#include <gdb-guest/log.h>
#include <gdb-guest/virtual.h>

struct gg_guest {
	// The debugger's, its reads checked against the core, and what it does not know of QEMU
	// found by structure.
	const struct gg_host *host;
	struct gg_checked_host checked;
	struct gg_process_map *process_map; // NULL: not known
	struct gg_structure *structure;     // NULL: the debugger is at a gdbstub
	struct gg_monitor *monitor;         // NULL: it is not
	struct gg_core_file *memory;        // what QEMU wrote of it, or NULL
	gg_gpa_t note;                      // where the kernel's was, or 0
	char *program_path;
	bool is_other_program; // than the core's
	pid_t pid;
	struct gg_core_file *core;     // NULL: not a core
	struct gg_mapped_files *files; // of the core
	struct gg_backing *backing;    // of QEMU's memory
	struct gg_ram_map *ram_map;
	struct gg_qemu_cpus cpus;
	const struct gg_arch *arch; // of the CPUs
	struct gg_kernel *kernel;
	struct gg_kernels others;       // whole ones beside it, as far as they were found
	struct gg_error *kernel_error;  // the reason there is none, once that is known
	bool others_complete;           // all of RAM was looked at for them
	bool kernel_told;               // the notices of the kernels are out
	struct gg_kernel_choice choice; // of the user; its note is 0 without
	bool chosen;                    // KERNEL is the user's choice
	gg_gpa_t lost_choice;           // where a choice's kernel is not any more, or 0
	struct gg_address_space *space;
};

// A descriptor, which is the caller's, of the program that GUEST's QEMU is, or was.
struct gg_error *gg_guest_open_program(const struct gg_guest *guest, int *ret);

// NULL is allowed.
void gg_address_space_destroy(struct gg_address_space *space);

struct gg_error *gg_guest_ram_map(struct gg_guest *guest, const struct gg_ram_map **ret);

// GG_ABSENT, with what is to be done about it, where none of the guest's RAM is there: there is
// nothing to look for in it.
struct gg_error *gg_guest_check_ram(struct gg_guest *guest);

struct gg_error *gg_guest_qemu_cpus(struct gg_guest *guest, const struct gg_qemu_cpus **ret);

// The architecture of the CPUs by their modes; where the CPUs cannot be read, by QEMU's types.
struct gg_error *gg_guest_cpu_arch(struct gg_guest *guest, const struct gg_arch **ret);

// The guest's architecture: where no CPU uses page tables, as after a reset, that of the kernel in
// RAM, which is looked for; else, and without a kernel, the CPUs'.
struct gg_error *gg_guest_arch(struct gg_guest *guest, const struct gg_arch **ret);

// The registers of CPU. Where their source does not say whether it executes a nested guest, that
// follows from the page tables, if the kernel's are known.
struct gg_error *gg_guest_cpu_state(struct gg_guest *guest, const struct gg_qemu_cpu *cpu,
				    struct gg_cpu_state *ret);

// Where GUEST's kernels are looked for, once its RAM map and its CPUs' architecture are known.
struct gg_kernel_site gg_guest_kernel_site(const struct gg_guest *guest);

// At QEMU's gdbstub: takes TARGET's texts and finds GUEST's RAM in them; reads the CPUs into
// guest->cpus; finds the kernel where it was, or by the CPUs' page tables.
struct gg_error *gg_guest_open_stub(struct gg_guest *guest, const struct gg_target *target);
struct gg_error *gg_guest_read_monitor_cpus(struct gg_guest *guest);
struct gg_error *gg_guest_find_kernel_at_stub(struct gg_guest *guest,
					      const struct gg_notices *notices);

// Is a look at all of RAM too dear, since it comes through a gdbstub?
bool gg_guest_is_over_wire(const struct gg_guest *guest);

// GG_LOST if a read has failed because the target does not answer any more: whatever was done
// without it is not to be believed.
struct gg_error *gg_guest_check(const struct gg_guest *guest);

// SCAN, which may be NULL, is what was found in all of RAM already.
struct gg_error *gg_guest_kernel(struct gg_guest *guest, const struct gg_vmcoreinfo_scan *scan,
				 const struct gg_notices *notices, const struct gg_kernel **ret);

// The same, but where it is plain which kernel runs no other is looked for, nor told of.
struct gg_error *gg_guest_running_kernel(struct gg_guest *guest, const struct gg_notices *notices,
					 const struct gg_kernel **ret);

// The nanoseconds from 1970, in UTC, to the start of the log's clock, as the kernel has them now; a
// notice says so. GUEST may be NULL: that is an error.
struct gg_error *gg_guest_wall_offset(struct gg_guest *guest, const struct gg_notices *notices,
				      int64_t *ret);

// Makes QUERY's bounds times of the log's clock.
struct gg_error *gg_guest_resolve_query(struct gg_guest *guest, const struct gg_notices *notices,
					struct gg_log_query *query);

// Takes the kernel that the user chose, if there is a choice, and the kernel is there still.
struct gg_error *gg_guest_find_chosen(struct gg_guest *guest);

// Makes the first kernel of FOUND, which is consumed, GUEST's, and the rest the others.
void gg_guest_take_kernels(struct gg_guest *guest, struct gg_kernels *found);

// Adds KERNEL, which is consumed, to the others, if it is whole and not GUEST's own.
void gg_guest_add_other(struct gg_guest *guest, struct gg_kernel *kernel);

// Tells, once, what the user should know of GUEST's kernels: that no CPU runs the one that is
// shown, that there are others.
struct gg_error *gg_guest_tell_kernels(struct gg_guest *guest, const struct gg_notices *notices);

struct gg_log_sink;

// The kernel's log, whatever way it is found, into SINK.
struct gg_error *gg_guest_read_log(struct gg_guest *guest, const struct gg_notices *notices,
				   struct gg_log_sink *sink);

#endif
