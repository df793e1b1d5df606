// SPDX-License-Identifier: GPL-3.0-or-later
#include "vector.h"

#include <stdlib.h>
#include <string.h>

struct gg_error *gg_vector_grow(void *array, size_t count, size_t size)
{
	enum { FIRST = 8 };
	// The array has room for FIRST elements, or for the next power of two.
	if (count && (count < FIRST || count & (count - 1)))
		return NULL;
	void *elements;
	memcpy(&elements, array, sizeof(elements));
	elements = reallocarray(elements, count < FIRST ? FIRST : 2 * count, size);
	if (!elements)
		return gg_enomem;
	memcpy(array, &elements, sizeof(elements));
	return NULL;
}
