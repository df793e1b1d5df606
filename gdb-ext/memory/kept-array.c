// SPDX-License-Identifier: GPL-3.0-or-later
#include "kept-array.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PIECE = 8192 }; // bytes, about

static size_t per_piece(const struct gg_kept_array *array)
{
	return PIECE / array->element;
}

struct gg_error *gg_kept_array_init(struct gg_kept_array *array, const struct gg_host *host,
				    uint64_t address, size_t element, size_t count)
{
	*array = (struct gg_kept_array){
		.host = host, .address = address, .element = element, .count = count
	};
	array->piece_count = count / per_piece(array) + 1;
	array->pieces = calloc(array->piece_count, sizeof(*array->pieces));
	return array->pieces ? NULL : gg_enomem;
}

void gg_kept_array_deinit(struct gg_kept_array *array)
{
	for (size_t i = 0; array->pieces && i < array->piece_count; i++)
		free(array->pieces[i]);
	free(array->pieces);
	*array = (struct gg_kept_array){ 0 };
}

static struct gg_error *read_piece(struct gg_kept_array *array, size_t number)
{
	const size_t first = number * per_piece(array), left = array->count - first;
	const size_t count = left < per_piece(array) ? left : per_piece(array);
	uint8_t *bytes = malloc(count * array->element);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err = gg_host_read(array->host, array->address + first * array->element,
					    bytes, count * array->element);
	if (err)
		free(bytes);
	else
		array->pieces[number] = bytes;
	return err;
}

struct gg_error *gg_kept_array_get(struct gg_kept_array *array, size_t index, const uint8_t **ret)
{
	const size_t number = index / per_piece(array);
	if (index >= array->count)
		return gg_error_create(GG_BAD_DATA, "element %zu of the %zu at 0x%" PRIx64, index,
				       array->count, array->address);
	struct gg_error *err = array->pieces[number] ? NULL : read_piece(array, number);
	if (!err)
		*ret = array->pieces[number] + index % per_piece(array) * array->element;
	return err;
}
