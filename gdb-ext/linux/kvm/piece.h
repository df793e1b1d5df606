// SPDX-License-Identifier: GPL-3.0-or-later
//
// A piece of a process's memory.
#ifndef GG_KVM_PIECE_H
#define GG_KVM_PIECE_H

#include <gdb-guest/host.h>

enum gg_kvm_page {
	GG_KVM_HELD,    // in the RAM of the guest that has the process, be they mapped or a file's
	GG_KVM_SWAPPED, // by the kernel
	GG_KVM_ZEROS,   // the process has not touched them, and would find zeros
	GG_KVM_NO_PAGE, // the process has no page there
};

struct gg_kvm_piece {
	enum gg_kvm_page kind;
	uint64_t size; // at least 1
	gg_gpa_t gpa;  // of GG_KVM_HELD, in the guest that has the process
};

#endif
