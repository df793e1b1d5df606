// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest: the machine and the kernels in its RAM, each found when it is first asked for, and
// kept.
#ifndef GG_GUEST_H
#define GG_GUEST_H

#include "base/notices.h"
#include "linux/kernel.h"
#include "linux/per-cpu.h"
#include "machine/machine.h"
#include "source.h"

#include <gdb-guest/log.h>
#include <gdb-guest/virtual.h>

struct gg_guest {
	struct gg_machine machine;
	gg_gpa_t note; // the place of the kernel's VMCOREINFO at an earlier look, or 0
	struct gg_kernel *kernel;
	struct gg_kernels others;       // other whole kernels, as far as they were found
	bool foreseen;                  // KERNEL is to be confirmed
	struct gg_error *kernel_error;  // the reason for which no kernel was found, or NULL
	bool others_complete;           // all of RAM was searched for OTHERS
	bool kernel_told;               // the notices of the kernels are out
	struct gg_kernel_choice choice; // of the user; its note is 0 without
	bool chosen;                    // KERNEL is the user's choice
	gg_gpa_t lost_choice;           // the note of a choice whose kernel is gone, or 0
	struct gg_address_space *space;
	struct gg_kept *kept; // of the target; NULL: nothing is kept
	char *vmlinux;        // the file that the user names for the kernel's types, or ""
	const struct gg_kernel *with_vmlinux; // the kernel that has the file's types
};

// Creates a guest as gg_guest_create() does, by the rows of SOURCES (NULL behind the last).
struct gg_error *gg_guest_create_from(const struct gg_source_ops *const sources[],
				      const struct gg_host *host, const struct gg_target *target,
				      struct gg_guest **ret);

// Returns the backing of the RAM.
struct gg_backing *gg_guest_backing(const struct gg_guest *guest);

// Returns the files that GUEST is read from, NULL behind the last: no command writes over them.
const char *const *gg_guest_files(const struct gg_guest *guest);

// Reads the facts about the program that runs GUEST. The caller calls gg_source_facts_deinit(),
// also after an error.
struct gg_error *gg_guest_facts(struct gg_guest *guest, struct gg_source_facts *ret);

// Appends the command line of the program that runs GUEST: its arguments, each with its NUL, any bytes at
// all. GG_UNSUPPORTED where the source has none, GG_NOT_FOUND where it is not known.
struct gg_error *gg_guest_command_line(struct gg_guest *guest, struct gg_buffer *ret);

// Destroys SPACE, which may be NULL.
void gg_address_space_destroy(struct gg_address_space *space);

struct gg_error *gg_guest_ram_map(struct gg_guest *guest, const struct gg_ram_map **ret);

// Tests whether any of the guest's RAM is there: else GG_ABSENT, with advice, before anything is
// looked for in it.
struct gg_error *gg_guest_check_ram(struct gg_guest *guest);

struct gg_error *gg_guest_qemu_cpus(struct gg_guest *guest, const struct gg_qemu_cpus **ret);

// Finds the architecture of the CPUs; see gg_machine_arch().
struct gg_error *gg_guest_cpu_arch(struct gg_guest *guest, const struct gg_arch **ret);

// Finds the guest's architecture: the CPUs' own; where no CPU uses page tables, as after a reset,
// the architecture of the kernel in RAM, if there is a kernel.
struct gg_error *gg_guest_arch(struct gg_guest *guest, const struct gg_arch **ret);

// Reads the registers of CPU. Where the source does not say whether CPU executes a nested guest,
// the page tables decide, if the kernel's are known.
struct gg_error *gg_guest_cpu_state(struct gg_guest *guest, const struct gg_qemu_cpu *cpu,
				    struct gg_cpu_state *ret);

// Finds the per-CPU memory of the CPU with QEMU's number CPU in the kernel.
struct gg_error *gg_guest_per_cpu(struct gg_guest *guest, uint32_t cpu, struct gg_per_cpu *ret);

// Returns the site of GUEST's kernels, as far as its RAM map and CPUs are known by now.
struct gg_kernel_site gg_guest_kernel_site(struct gg_guest *guest);

// Tests whether a look at all of RAM costs too much to be done unasked.
bool gg_guest_is_over_wire(const struct gg_guest *guest);

// Sets the function that is called behind each read of SIZE bytes over the wire; NULL unsets it. An error
// of the function's ends the read.
void gg_guest_watch_wire(struct gg_guest *guest, struct gg_error *(*watch)(void *data, size_t size),
			 void *data);

// Tests whether the target still answers: GG_LOST where a read failed for that reason. Results from
// before are then worth nothing.
struct gg_error *gg_guest_check(const struct gg_guest *guest);

// Finds GUEST's kernel. SCAN has the notes that are in all of RAM, or is NULL.
struct gg_error *gg_guest_kernel(struct gg_guest *guest, const struct gg_vmcoreinfo_scan *scan,
				 const struct gg_notices *notices, const struct gg_kernel **ret);

// Finds the kernel that all CPUs run by their page tables, without a look at all of RAM. It is GUEST's
// kernel up to gg_guest_confirm_kernel(), which must follow. RET is NULL where no kernel is certain,
// or GUEST's kernel is known already.
struct gg_error *gg_guest_foresee_kernel(struct gg_guest *guest, const struct gg_kernel **ret);

// Finds GUEST's kernel as gg_guest_kernel() does. *IS_SAME is true where it is the foreseen kernel.
struct gg_error *gg_guest_confirm_kernel(struct gg_guest *guest,
					 const struct gg_vmcoreinfo_scan *scan,
					 const struct gg_notices *notices,
					 const struct gg_kernel **ret, bool *is_same);

// Finds GUEST's kernel; the search ends with the first kernel that all CPUs run, and no notice
// names others then.
struct gg_error *gg_guest_running_kernel(struct gg_guest *guest, const struct gg_notices *notices,
					 const struct gg_kernel **ret);

// Reads the nanoseconds from 1970, in UTC, to the start of the log's clock, as the kernel has them
// now; a notice says so. A NULL for GUEST is an error.
struct gg_error *gg_guest_wall_offset(struct gg_guest *guest, const struct gg_notices *notices,
				      int64_t *ret);

// Converts QUERY's bounds to times of the log's clock.
struct gg_error *gg_guest_resolve_query(struct gg_guest *guest, const struct gg_notices *notices,
					struct gg_log_query *query);

// Takes the kernel that the user chose, if there is a choice and its kernel is still there.
struct gg_error *gg_guest_find_chosen(struct gg_guest *guest);

// Moves the first kernel of FOUND, which is consumed, to GUEST's kernel, the rest to the others.
void gg_guest_take_kernels(struct gg_guest *guest, struct gg_kernels *found);

// Adds KERNEL, which is consumed, to the others, unless it is damaged or GUEST's kernel.
void gg_guest_add_other(struct gg_guest *guest, struct gg_kernel *kernel);

// Tells NOTICES, once, that no CPU runs GUEST's kernel, and that RAM has others.
struct gg_error *gg_guest_tell_kernels(struct gg_guest *guest, const struct gg_notices *notices);

struct gg_log_sink;

// Reads the kernel's log into SINK, whatever finds it.
struct gg_error *gg_guest_read_log(struct gg_guest *guest, const struct gg_notices *notices,
				   struct gg_log_sink *sink);

#endif
