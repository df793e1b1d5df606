// SPDX-License-Identifier: GPL-3.0-or-later
//
// A large array in a guest of which here and there an element is needed, again and again (a binary
// search): read in pieces, which are kept. For an array that is read from one end see window.h.
#ifndef GG_KEPT_ARRAY_H
#define GG_KEPT_ARRAY_H

#include "host/host.h"

struct gg_kept_array {
	const struct gg_host *host;
	uint64_t address;
	size_t element, count; // the bytes of an element, the elements
	uint8_t **pieces;      // NULL for a piece that is not read yet
	size_t piece_count;
};

// COUNT elements of ELEMENT bytes (1 to 64) at ADDRESS; none is read yet. HOST must outlive ARRAY.
struct gg_error *gg_kept_array_init(struct gg_kept_array *array, const struct gg_host *host,
				    uint64_t address, size_t element, size_t count);

// ARRAY may be zeros.
void gg_kept_array_deinit(struct gg_kept_array *array);

// Finds the element INDEX, which must be below the count; valid as long as ARRAY is.
struct gg_error *gg_kept_array_get(struct gg_kept_array *array, size_t index, const uint8_t **ret);

#endif
