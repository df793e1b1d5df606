// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_X86_VMCS_DERIVE_H
#define GG_X86_VMCS_DERIVE_H

#include "vmcs.h"

// A VMCS, and the fields that are known of it from elsewhere.
struct x86_vmcs_sample {
	uint8_t page[X86_VMCS_SIZE];
	bool known[X86_VMCS_FIELDS];
	uint64_t values[X86_VMCS_FIELDS];
};

// Finds the places of fields that COUNT SAMPLES, of one revision, show. GG_NOT_FOUND where they show none; GG_BAD_DATA
// where a sample's VMCS cannot have what is known of it.
struct gg_error *x86_vmcs_derive(const struct x86_vmcs_sample *samples, size_t count,
				 struct x86_vmcs_layout *ret);

#endif
