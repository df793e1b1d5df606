// SPDX-License-Identifier: GPL-3.0-or-later
#include "window.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SMALL_PIECE = 4096, MAX_PIECE = 1 << 20 };

void gg_window_init(struct gg_window *window, const struct gg_host *host, uint64_t address,
		    uint64_t size)
{
	*window = (struct gg_window){
		.host = host, .address = address, .size = size, .piece = MAX_PIECE
	};
}

void gg_window_deinit(struct gg_window *window)
{
	free(window->bytes);
	gg_error_destroy(window->err);
	*window = (struct gg_window){ 0 };
}

static struct gg_error *read_piece(struct gg_window *window, uint64_t offset, size_t size)
{
	if (size > window->capacity) {
		uint8_t *bytes = realloc(window->bytes, size);
		if (!bytes)
			return gg_enomem;
		window->bytes = bytes;
		window->capacity = size;
	}
	window->held = 0;
	struct gg_error *err =
		gg_host_read(window->host, window->address + offset, window->bytes, size);
	if (err)
		return err;
	window->start = offset;
	window->held = size;
	return NULL;
}

// The last page of what is asked for is remembered: the caller goes on from there.
static struct gg_error *remember(struct gg_window *window, uint64_t last, struct gg_error *err)
{
	gg_error_destroy(window->err);
	window->failed = true;
	window->failed_page = (window->address + last) / SMALL_PIECE;
	window->faults++;
	window->err = err;
	return gg_error_create(gg_error_kind(err), "%s", gg_error_message(err));
}

static struct gg_error *load(struct gg_window *window, uint64_t offset, size_t size, uint64_t ahead)
{
	const uint64_t left = window->size - offset, last = offset + size - 1;
	if (window->failed && (window->address + last) / SMALL_PIECE == window->failed_page)
		return gg_error_create(gg_error_kind(window->err), "%s",
				       gg_error_message(window->err));
	uint64_t wanted = ahead > size ? ahead : size;
	if (wanted > window->piece)
		wanted = window->piece > size ? window->piece : size;
	if (wanted > left)
		wanted = left;
	if (wanted > MAX_PIECE)
		wanted = MAX_PIECE;
	if (window->piece < MAX_PIECE)
		window->piece *= 2;
	struct gg_error *err = read_piece(window, offset, (size_t)wanted);
	if (!err || gg_error_is_final(err))
		return err;

	window->piece = SMALL_PIECE;
	uint64_t page_end = last + SMALL_PIECE - (window->address + last) % SMALL_PIECE;
	if (page_end > window->size)
		page_end = window->size;
	if (page_end - offset < wanted) {
		gg_error_destroy(err);
		err = read_piece(window, offset, (size_t)(page_end - offset));
	}
	if (!err || gg_error_is_final(err))
		return err;
	return remember(window, last, err);
}

struct gg_error *gg_window_get(struct gg_window *window, uint64_t offset, size_t size,
			       uint64_t ahead, const uint8_t **ret)
{
	if (!size || size > MAX_PIECE || size > window->size || offset > window->size - size)
		return gg_error_create(GG_BAD_DATA,
				       "%zu bytes at offset %" PRIu64 " of the %" PRIu64
				       " bytes at 0x%" PRIx64,
				       size, offset, window->size, window->address);
	const bool held = offset >= window->start && offset - window->start <= window->held &&
			  size <= window->held - (offset - window->start);
	if (!held) {
		struct gg_error *err = load(window, offset, size, ahead);
		if (err)
			return err;
	}
	*ret = window->bytes + (offset - window->start);
	return NULL;
}
