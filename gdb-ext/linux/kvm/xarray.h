// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's extensible arrays, struct xarray (Linux include/linux/xarray.h, v6.12).
#ifndef GG_KVM_XARRAY_H
#define GG_KVM_XARRAY_H

#include "host/host.h"

struct gg_xarray_layout {
	struct gg_member head;        // of an xarray
	struct gg_member shift, slot; // of an xa_node; SLOT is the first one
};

struct gg_xarray_entry {
	uint64_t value; // a pointer, a number with bit 0 set, or 0 for no entry
	uint64_t last;  // of no entry: the last index up to which there is none for sure
};

// Finds the entry INDEX of the xarray at ADDRESS. GG_BAD_DATA for a damaged tree.
struct gg_error *gg_xarray_find(const struct gg_host *host, const struct gg_xarray_layout *layout,
				gg_gva_t address, uint64_t index, struct gg_xarray_entry *ret);

#endif
