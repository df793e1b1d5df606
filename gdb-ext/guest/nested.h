// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_NESTED_H
#define GG_GUEST_NESTED_H

#include "guest.h"
#include "linux/kvm/kvm.h"

#include <gdb-guest/nested.h>

// Reads the nested guests of GUEST's kernel; their memory is counted where a look costs little, or with
// COUNT_MEMORY. The caller calls gg_kvm_machines_deinit().
struct gg_error *gg_guest_nested(struct gg_guest *guest, bool count_memory,
				 const struct gg_notices *notices, struct gg_kvm_machines *ret);

// Tests whether GUEST may have nested guests that no lists of KVM's have: no kernel is found, or KVM is loaded and its
// types are not known.
bool gg_guest_lacks_lists(struct gg_guest *guest);

// Finds the ELF note NAME that the guest's kernel made for its dump: in the source, beside memory, or, but over the wire, among the
// kernel's variables. The caller frees TEXT. GG_NOT_FOUND without.
struct gg_error *gg_guest_kernel_note(struct gg_guest *guest, const char *name, char **text,
				      size_t *size);

#endif
