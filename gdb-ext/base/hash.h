// SPDX-License-Identifier: GPL-3.0-or-later
//
// 64-bit FNV-1a, a hash for names of things, not against enemies.
#ifndef GG_HASH_H
#define GG_HASH_H

#include <stddef.h>
#include <stdint.h>

#define GG_HASH_START UINT64_C(0xcbf29ce484222325)

// Continues HASH, at first GG_HASH_START, with SIZE bytes.
static inline uint64_t gg_hash(uint64_t hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
