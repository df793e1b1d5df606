// SPDX-License-Identifier: GPL-3.0-or-later
//
// A GHashTable of QEMU's (GLib glib/ghash.c, v2.74 and v2.88).
#ifndef GG_ARM64_HASH_TABLE_H
#define GG_ARM64_HASH_TABLE_H

#include "host/host.h"

// The arrays, of SIZE elements each.
struct arm64_hash_table {
	const struct gg_host *host;
	uint64_t size;
	uint8_t *keys, *hashes, *values;
	unsigned int key_size;
};

// Reads the table at ADDRESS, whose values are pointers; GG_BAD_DATA where no such table is there.
struct gg_error *arm64_hash_table_init(struct arm64_hash_table *table, const struct gg_host *host,
				       uint64_t address);

// TABLE may be zeros.
void arm64_hash_table_deinit(struct arm64_hash_table *table);

// Tests whether the element INDEX is in use, and sets its key and its value.
bool arm64_hash_table_get(const struct arm64_hash_table *table, uint64_t index, uint64_t *key,
			  uint64_t *value);

#endif
