// SPDX-License-Identifier: GPL-3.0-or-later
#include "kept-array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

struct gg_error *gg_kept_array_init(struct gg_kept_array *array, const struct gg_host *host,
				    uint64_t address, size_t element, size_t count)
{
	*array = (struct gg_kept_array){
		.host = host, .address = address, .element = element, .count = count
	};
	if (count > (UINT64_MAX - address) / element)
		return gg_error_create(GG_BAD_DATA, "%zu elements at 0x%" PRIx64 " wrap", count,
				       address);
	array->page_count = (address % PAGE + count * element) / PAGE + 1;
	array->pages = calloc(array->page_count, sizeof(*array->pages));
	return array->pages ? NULL : gg_enomem;
}

void gg_kept_array_deinit(struct gg_kept_array *array)
{
	for (size_t i = 0; array->pages && i < array->page_count; i++)
		free(array->pages[i]);
	free(array->pages);
	*array = (struct gg_kept_array){ 0 };
}

// Finds the page NUMBER. Only the part that the array has is read: what is around may not be there.
static struct gg_error *find_page(struct gg_kept_array *array, size_t number, const uint8_t **ret)
{
	*ret = array->pages[number];
	if (*ret)
		return NULL;
	const uint64_t base = array->address - array->address % PAGE + number * PAGE;
	const uint64_t first = base > array->address ? base : array->address;
	const uint64_t end = array->address + array->count * array->element;
	const uint64_t last = end - base < PAGE ? end : base + PAGE;
	uint8_t *bytes = malloc(PAGE);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err =
		gg_host_read(array->host, first, bytes + (first - base), (size_t)(last - first));
	if (err)
		free(bytes);
	else
		*ret = array->pages[number] = bytes;
	return err;
}

struct gg_error *gg_kept_array_get(struct gg_kept_array *array, size_t index, void *ret)
{
	uint8_t *to = ret;
	if (index >= array->count)
		return gg_error_create(GG_BAD_DATA, "element %zu of the %zu at 0x%" PRIx64, index,
				       array->count, array->address);
	size_t offset = array->address % PAGE + index * array->element;
	for (size_t left = array->element; left;) {
		const uint8_t *page;
		const size_t room = PAGE - offset % PAGE, size = left < room ? left : room;
		struct gg_error *err = find_page(array, offset / PAGE, &page);
		if (err)
			return err;
		memcpy(to, page + offset % PAGE, size);
		to += size;
		offset += size;
		left -= size;
	}
	return NULL;
}
