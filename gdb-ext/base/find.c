// SPDX-License-Identifier: GPL-3.0-or-later
#include "find.h"

#include <string.h>

const uint8_t *gg_find_bytes(const uint8_t *bytes, size_t size, const void *name, size_t length)
{
	const uint8_t first = length ? *(const uint8_t *)name : 0;
	if (!length)
		return bytes;
	while (size >= length) {
		const uint8_t *found = memchr(bytes, first, size - length + 1);
		if (!found || !memcmp(found, name, length))
			return found;
		size -= (size_t)(found - bytes) + 1;
		bytes = found + 1;
	}
	return NULL;
}
