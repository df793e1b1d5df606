// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the host, guesses.
// Out: bytes, or that there are none. Pages are read once and kept, since guesses crowd: an
// object's type is looked up through the same few pages a thousand times.
#include "peek.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <string.h>

enum {
	PAGE = 4096,
	MAX_PEEKS = 1 << 24, // a real QEMU takes thousands
	SLOTS = 8192,        // of the table; it is emptied when three quarters full
	MAX_PAGES = SLOTS / 4 * 3,
};

struct page {
	uint64_t number;
	bool used, readable;
	uint8_t *bytes; // NULL where it is not readable
};

struct gg_peek {
	const struct gg_host *host;
	struct gg_error *err;
	struct page pages[SLOTS];
	size_t count;
	size_t peeks;
};

struct gg_error *gg_peek_create(const struct gg_host *host, struct gg_peek **ret)
{
	struct gg_peek *peek = calloc(1, sizeof(*peek));
	if (!peek)
		return gg_enomem;
	peek->host = host;
	*ret = peek;
	return NULL;
}

static void forget_pages(struct gg_peek *peek)
{
	for (size_t i = 0; i < SLOTS; i++) {
		free(peek->pages[i].bytes);
		peek->pages[i] = (struct page){ 0 };
	}
	peek->count = 0;
}

void gg_peek_destroy(struct gg_peek *peek)
{
	if (!peek)
		return;
	forget_pages(peek);
	gg_error_destroy(peek->err);
	free(peek);
}

struct gg_error *gg_peek_error(struct gg_peek *peek)
{
	return no_cleanup_ptr(peek->err);
}

// Keeps ERR unless it only says that there is nothing to read.
static void note_error(struct gg_peek *peek, struct gg_error *err)
{
	const bool serious = err && gg_error_kind(err) != GG_FAULT &&
			     gg_error_kind(err) != GG_ABSENT && gg_error_kind(err) != GG_SYSTEM;
	if (serious && !peek->err)
		peek->err = err;
	else
		gg_error_destroy(err);
}

static void read_page(struct gg_peek *peek, struct page *page)
{
	page->used = true;
	peek->count++;
	page->bytes = malloc(PAGE);
	struct gg_error *err = page->bytes ? gg_interrupt_check() : gg_enomem;
	if (!err)
		err = gg_host_read(peek->host, page->number * PAGE, page->bytes, PAGE);
	page->readable = !err;
	note_error(peek, err);
	if (!page->readable) {
		free(page->bytes);
		page->bytes = NULL;
	}
}

static const struct page *find_page(struct gg_peek *peek, uint64_t number)
{
	if (peek->count >= MAX_PAGES)
		forget_pages(peek);
	// Fibonacci hashing: neighbours are spread over the table.
	size_t slot = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) % SLOTS;
	while (peek->pages[slot].used && peek->pages[slot].number != number)
		slot = (slot + 1) % SLOTS;
	struct page *page = &peek->pages[slot];
	if (!page->used) {
		page->number = number;
		read_page(peek, page);
	}
	return page;
}

size_t gg_peek_some(struct gg_peek *peek, uint64_t address, void *buffer, size_t size)
{
	uint8_t *bytes = buffer;
	size_t done = 0;
	if (++peek->peeks > MAX_PEEKS)
		note_error(peek, gg_error_create(GG_BAD_DATA, "it leads to more than %d places",
						 MAX_PEEKS));
	while (done < size && !peek->err && address + done >= address) {
		const uint64_t at = address + done;
		const struct page *page = find_page(peek, at / PAGE);
		if (!page->readable)
			break;
		size_t piece = PAGE - at % PAGE;
		if (piece > size - done)
			piece = size - done;
		memcpy(bytes + done, page->bytes + at % PAGE, piece);
		done += piece;
	}
	memset(bytes + done, 0, size - done);
	return done;
}

bool gg_peek_bytes(struct gg_peek *peek, uint64_t address, void *buffer, size_t size)
{
	return gg_peek_some(peek, address, buffer, size) == size;
}

bool gg_peek_word(struct gg_peek *peek, uint64_t address, uint64_t *ret)
{
	uint8_t bytes[8];
	if (!address || address % sizeof(bytes) ||
	    !gg_peek_bytes(peek, address, bytes, sizeof(bytes)))
		return false;
	struct gg_cursor cursor = gg_cursor(bytes, sizeof(bytes), peek->host->big_endian, "a word");
	struct gg_error *err = gg_cursor_uint(&cursor, sizeof(bytes), ret);
	gg_error_destroy(err);
	return !err;
}

bool gg_peek_text(struct gg_peek *peek, uint64_t address, char *buffer, size_t size)
{
	const size_t got = address ? gg_peek_some(peek, address, buffer, size) : 0;
	size_t length = 0;
	while (length < got && buffer[length] >= ' ' && buffer[length] <= '~')
		length++;
	return length && length < got && !buffer[length];
}

void gg_peek_glimpse(struct gg_peek *peek, uint64_t address, size_t size, struct gg_glimpse *ret)
{
	ret->address = address;
	ret->big_endian = peek->host->big_endian;
	ret->size = gg_peek_some(peek, address, ret->bytes,
				 size < GG_GLIMPSE_SIZE ? size : GG_GLIMPSE_SIZE);
}

static uint64_t glimpse_uint(const struct gg_glimpse *glimpse, size_t offset, unsigned int size)
{
	uint64_t value = 0;
	struct gg_cursor cursor =
		gg_cursor(glimpse->bytes, glimpse->size, glimpse->big_endian, "a glimpse");
	struct gg_error *err = gg_cursor_seek(&cursor, offset);
	if (!err)
		err = gg_cursor_uint(&cursor, size, &value);
	gg_error_destroy(err);
	return err ? 0 : value;
}

uint64_t gg_glimpse_word(const struct gg_glimpse *glimpse, size_t offset)
{
	return glimpse_uint(glimpse, offset, 8);
}

uint32_t gg_glimpse_half(const struct gg_glimpse *glimpse, size_t offset)
{
	return (uint32_t)glimpse_uint(glimpse, offset, 4);
}
