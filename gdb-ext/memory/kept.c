// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a kernel's page tables, and its identity.
// Out: bytes, which were read for this guest or an earlier guest.
// Trusts nothing it reads: the number of pages is bounded; a store that is full is emptied.
#include "kept.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 512, // a part of a guest's page: a search needs few bytes of each place
	MAX_PAGES = (32 << 20) / PAGE,
	SLOTS = 2 * MAX_PAGES, // a power of two
};

struct page {
	uint64_t identity;
	gg_gva_t number;
	uint8_t *bytes; // NULL: a free slot
};

struct gg_kept {
	struct page slots[SLOTS]; // open addressing
	size_t count;
};

// ---- The store ----

struct gg_error *gg_kept_create(struct gg_kept **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? NULL : gg_enomem;
}

static void empty(struct gg_kept *kept)
{
	for (size_t i = 0; i < SLOTS; i++)
		free(kept->slots[i].bytes);
	memset(kept, 0, sizeof(*kept));
}

void gg_kept_destroy(struct gg_kept *kept)
{
	if (!kept)
		return;
	empty(kept);
	free(kept);
}

// Finds the slot of the page NUMBER, or the free slot where the page belongs.
static struct page *find_slot(struct gg_kept *kept, uint64_t identity, gg_gva_t number)
{
	size_t slot = (size_t)((number ^ identity) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
	for (;; slot++) {
		struct page *page = &kept->slots[slot % SLOTS];
		if (!page->bytes || (page->number == number && page->identity == identity))
			return page;
	}
}

static const uint8_t *find_page(const struct gg_kept_memory *memory, gg_gva_t number)
{
	return memory->kept ? find_slot(memory->kept, memory->identity, number)->bytes : NULL;
}

static struct gg_error *add_page(const struct gg_kept_memory *memory, gg_gva_t number,
				 const uint8_t *bytes)
{
	struct gg_kept *kept = memory->kept;
	if (kept->count == MAX_PAGES)
		empty(kept);
	struct page *page = find_slot(kept, memory->identity, number);
	uint8_t *copy = malloc(PAGE);
	if (!copy)
		return gg_enomem;
	memcpy(copy, bytes, PAGE);
	*page = (struct page){ memory->identity, number, copy };
	kept->count++;
	return NULL;
}

// ---- Reading ----

// Reads and keeps COUNT pages from NUMBER on, none of which is kept. The caller frees RET, also
// after an error.
static struct gg_error *read_pages(const struct gg_kept_memory *memory, gg_gva_t number,
				   size_t count, uint8_t **ret)
{
	*ret = malloc(count * PAGE);
	if (!*ret)
		return gg_enomem;
	struct gg_error *err = gg_page_table_read(memory->table, number * PAGE, *ret, count * PAGE);
	for (size_t i = 0; !err && i < count; i++)
		err = add_page(memory, number + i, *ret + i * PAGE);
	return err;
}

// Returns the number of pages from NUMBER up to LAST that are kept, or are not, as the first page.
static size_t count_alike(const struct gg_kept_memory *memory, gg_gva_t number, gg_gva_t last)
{
	const bool is_kept = find_page(memory, number);
	size_t count = 1;
	while (number + count <= last && is_kept == (bool)find_page(memory, number + count))
		count++;
	return count;
}

struct gg_error *gg_kept_read(const struct gg_kept_memory *memory, gg_gva_t gva, void *buffer,
			      size_t size)
{
	uint8_t *to = buffer;
	if (!memory->kept || !size || gva + size < gva)
		return gg_page_table_read(memory->table, gva, buffer, size);
	const gg_gva_t last = (gva + size - 1) / PAGE;
	while (size) {
		_cleanup_free_ uint8_t *read = NULL;
		const gg_gva_t number = gva / PAGE;
		const uint8_t *bytes = find_page(memory, number);
		const size_t count = bytes ? 1 : count_alike(memory, number, last);
		struct gg_error *err = bytes ? NULL : read_pages(memory, number, count, &read);
		if (gg_error_is_final(err))
			return err;
		// The pages around may not be there: the message is about what was asked for.
		if (err) {
			gg_error_destroy(err);
			return gg_page_table_read(memory->table, gva, to, size);
		}
		const size_t offset = gva % PAGE, room = count * PAGE - offset;
		const size_t piece = size < room ? size : room;
		memcpy(to, (bytes ? bytes : read) + offset, piece);
		gva += piece;
		to += piece;
		size -= piece;
	}
	return NULL;
}

uint64_t gg_kept_from(const struct gg_kept_memory *memory, gg_gva_t gva, uint64_t size)
{
	uint64_t held = 0;
	while (held < size && find_page(memory, (gva + held) / PAGE))
		held += PAGE - (gva + held) % PAGE;
	return held < size ? held : size;
}
