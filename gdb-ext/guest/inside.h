// SPDX-License-Identifier: GPL-3.0-or-later
//
// A look into nested guests from their outer guest: which CPU is inside which, and the kernel inside.
#ifndef GG_GUEST_INSIDE_H
#define GG_GUEST_INSIDE_H

#include "guest.h"
#include "linux/kvm/kvm.h"

// Creates the guest that is the nested guest WANTED (struct gg_target) of OUTER, which must outlive RET.
struct gg_error *gg_guest_create_inside(struct gg_guest *outer, uint64_t wanted,
					struct gg_guest **ret);

// ---- The CPUs inside ----

enum { GG_INSIDE_WHY = 256 };

// A vCPU of a nested guest.
struct gg_inside_vcpu {
	size_t number; // of the nested guest in guest-nested's list, from 1 on
	uint32_t vcpu;
	gg_gva_t address; // of the nested guest's struct kvm
};

// A finder of the vCPUs that CPUs execute. Zeros but for GUEST at first.
struct gg_inside_finder {
	struct gg_guest *guest;
	bool has_read;
	struct gg_kvm_machines machines;
	char why[GG_INSIDE_WHY]; // the reason for which MACHINES are not known; else ""
};

// Finds the vCPU that CPU, which executes a nested guest, executes. Where that is not known RET's number is 0, and
// WHY has the reason.
struct gg_error *gg_inside_find(struct gg_inside_finder *finder, const struct gg_qemu_cpu *cpu,
				struct gg_inside_vcpu *ret, char why[GG_INSIDE_WHY]);

void gg_inside_finder_deinit(struct gg_inside_finder *finder);

// ---- The kernel inside ----

enum gg_inside_kind {
	GG_INSIDE_UNKNOWN, // not looked for
	GG_INSIDE_LINUX,
	GG_INSIDE_NONE,      // the page tables of its vCPUs lead to no Linux
	GG_INSIDE_ABSENT,    // these page tables are absent
	GG_INSIDE_ENCRYPTED, // the hardware encrypts its memory
};

struct gg_inside_kernel {
	enum gg_inside_kind kind;
	char *release; // of Linux, escaped; owned
};

// Finds the kernel in MACHINE, one of OUTER's, by the page tables of its vCPUs, without a look at all of its memory.
// The caller frees RET's release.
struct gg_error *gg_guest_kernel_inside(struct gg_guest *outer,
					const struct gg_kvm_machine *machine,
					struct gg_inside_kernel *ret);

#endif
