// SPDX-License-Identifier: GPL-3.0-or-later
//
// The nested guests of any hypervisor, found by the pages from which the hardware executes them: where the guest is no Linux,
// or its kernel has no types of KVM's.
#ifndef GG_GUEST_SCANNED_H
#define GG_GUEST_SCANNED_H

#include "guest.h"

struct gg_scanned_vcpu {
	gg_gpa_t block; // the place of its page
	struct gg_control_block state;
	const struct gg_qemu_cpu *inside; // the guest's CPU that executes it, or NULL
};

struct gg_scanned_machine {
	size_t first, count; // of its vCPUs
	uint64_t mapped;     // bytes by its nested page tables
	bool counted;        // MAPPED is known
};

// Machines are vCPUs with the same nested page tables; a vCPU without is a machine of its own.
struct gg_scanned {
	struct gg_scanned_vcpu *vcpus;
	size_t vcpu_count;
	struct gg_scanned_machine *machines; // ascending by their place
	size_t machine_count;
	size_t stale; // pages that were not taken, for their nested page tables are gone
	// A CPU may execute a vCPU, and which is not known.
	bool may_be_inside;
};

// Looks at all of GUEST's RAM. NOTICES get a line for what is incomplete. GG_UNSUPPORTED where the CPUs have no such pages.
// The caller calls gg_scanned_deinit().
struct gg_error *gg_guest_scan_nested(struct gg_guest *guest, const struct gg_notices *notices,
				      struct gg_scanned *ret);

// Counts the memory that the nested page tables of all machines map.
struct gg_error *gg_scanned_count(struct gg_guest *guest, struct gg_scanned *scanned);

// Returns the last guest-physical address that the nested page tables of MACHINE may map.
gg_gpa_t gg_scanned_last(const struct gg_scanned *scanned,
			 const struct gg_scanned_machine *machine);

// Returns the limit of looks into nested page tables, at most MOST: a sound hypervisor maps a page of MAP, the outer guest's RAM,
// once, but for pages of zeros and merged pages, and tables in circles map it for ever.
uint64_t gg_scanned_looks(const struct gg_ram_map *map, uint64_t most);

// Creates the nested page tables of MACHINE, which has such. MAP must outlive RET. GG_UNSUPPORTED where their levels are not
// known.
struct gg_error *gg_scanned_tables(const struct gg_scanned *scanned,
				   const struct gg_scanned_machine *machine,
				   const struct gg_ram_map *map, struct gg_page_table **ret);

// Returns the place that names MACHINE: of its nested page tables, or of its vCPU without such.
gg_gpa_t gg_scanned_place(const struct gg_scanned *scanned,
			  const struct gg_scanned_machine *machine);

// SCANNED may be zeros.
void gg_scanned_deinit(struct gg_scanned *scanned);

// Opens the source of the nested guest WANTED, a number in the list of machines or the machine's place. Takes over OUTER, but
// not after an error.
struct gg_error *gg_source_scanned_open(struct gg_guest *outer, uint64_t wanted,
					struct gg_source **ret);

#endif
