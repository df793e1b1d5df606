// SPDX-License-Identifier: GPL-3.0-or-later
//
// A large array in a guest of which here and there an element is needed, again and again (a binary
// search): read by pages, which are kept. For an array that is read from one end see window.h.
#ifndef GG_KEPT_ARRAY_H
#define GG_KEPT_ARRAY_H

#include "host/host.h"

struct gg_kept_array {
	const struct gg_host *host;
	uint64_t address;
	size_t element, count; // the bytes of an element, the elements
	uint8_t **pages;       // by the pages of the array's memory; NULL for a page not read yet
	size_t page_count;
};

// COUNT elements (at least 1) of ELEMENT bytes (1 to 64) at ADDRESS; none is read yet. HOST must
// outlive ARRAY. GG_BAD_DATA where the array wraps.
struct gg_error *gg_kept_array_init(struct gg_kept_array *array, const struct gg_host *host,
				    uint64_t address, size_t element, size_t count);

// ARRAY may be zeros.
void gg_kept_array_deinit(struct gg_kept_array *array);

// Reads the element INDEX to RET. GG_BAD_DATA where the array does not have it.
struct gg_error *gg_kept_array_get(struct gg_kept_array *array, size_t index, void *ret);

#endif
