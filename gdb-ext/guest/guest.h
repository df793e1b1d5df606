// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest: what is known of it, each part found when it is first asked for, and kept.
#ifndef GG_GUEST_H
#define GG_GUEST_H

#include "base/notices.h"
#include "linux/kernel.h"
#include "machine/machine.h"
#include "source.h"

#include <gdb-guest/log.h>
#include <gdb-guest/virtual.h>

struct gg_guest {
	struct gg_machine machine;
	gg_gpa_t note; // where the kernel's was, or 0
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

// Creates a guest as gg_guest_create() does, by the rows of SOURCES (NULL behind the last).
struct gg_error *gg_guest_create_from(const struct gg_source_ops *const sources[],
				      const struct gg_host *host, const struct gg_target *target,
				      struct gg_guest **ret);

// The backing of the RAM.
struct gg_backing *gg_guest_backing(const struct gg_guest *guest);

// The files that GUEST is read from, NULL behind the last: a command never writes over them.
const char *const *gg_guest_files(const struct gg_guest *guest);

// Reads the facts about the program that runs GUEST. The caller calls gg_source_facts_deinit(), also
// after an error.
struct gg_error *gg_guest_facts(struct gg_guest *guest, struct gg_source_facts *ret);

// NULL is allowed.
void gg_address_space_destroy(struct gg_address_space *space);

struct gg_error *gg_guest_ram_map(struct gg_guest *guest, const struct gg_ram_map **ret);

// GG_ABSENT, with what is to be done about it, where none of the guest's RAM is there: there is
// nothing to look for in it.
struct gg_error *gg_guest_check_ram(struct gg_guest *guest);

struct gg_error *gg_guest_qemu_cpus(struct gg_guest *guest, const struct gg_qemu_cpus **ret);

// The architecture of the CPUs; see gg_machine_arch().
struct gg_error *gg_guest_cpu_arch(struct gg_guest *guest, const struct gg_arch **ret);

// The guest's architecture: where no CPU uses page tables, as after a reset, that of the kernel in
// RAM, which is looked for; else, and without a kernel, the CPUs'.
struct gg_error *gg_guest_arch(struct gg_guest *guest, const struct gg_arch **ret);

// The registers of CPU. Where their source does not say whether it executes a nested guest, that
// follows from the page tables, if the kernel's are known.
struct gg_error *gg_guest_cpu_state(struct gg_guest *guest, const struct gg_qemu_cpu *cpu,
				    struct gg_cpu_state *ret);

// Where GUEST's kernels are looked for, once its RAM map and its CPUs' architecture are known.
struct gg_kernel_site gg_guest_kernel_site(struct gg_guest *guest);

// Tests whether a look at all of RAM costs too much to be done unasked.
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
