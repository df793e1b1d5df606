// SPDX-License-Identifier: GPL-3.0-or-later
//
// Where the bytes of QEMU's memory really are, and whether they are there at all.
#ifndef GG_BACKING_H
#define GG_BACKING_H

#include "../host/core-file.h"
#include "../host/host.h"

enum gg_extent_kind {
	GG_EXTENT_DATA,
	GG_EXTENT_ABSENT, // existed, and is not to be had: never to be shown as zeros
};

struct gg_extent {
	uint64_t size; // at least 1
	enum gg_extent_kind kind;
};

struct gg_backing;

struct gg_backing_ops {
	// The extent that starts at HVA, at most SIZE (at least 1) bytes of it.
	struct gg_error *(*extent)(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				   struct gg_extent *ret);

	// All SIZE (at least 1) bytes at HVA, or an error.
	struct gg_error *(*read)(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				 size_t size);
};

struct gg_backing {
	const struct gg_backing_ops *ops;
	const struct gg_host *host;
	const struct gg_core_file *core; // or NULL: not a core
};

// Bytes by way of the host's read; which of them are absent, by CORE where there is one.
void gg_backing_init_host(struct gg_backing *backing, const struct gg_host *host,
			  const struct gg_core_file *core);

#endif
