// SPDX-License-Identifier: GPL-3.0-or-later
#include "stack-memory.h"

#include <inttypes.h>
#include <string.h>

void gg_stack_memory_init(struct gg_stack_memory *memory, const struct gg_host *host)
{
	memory->host = host;
	memory->held = 0;
	for (size_t i = 0; i < GG_STACK_PAGES; i++)
		memory->pages[i].is_held = false;
}

struct gg_error *gg_stack_memory_ahead(struct gg_stack_memory *memory, gg_gva_t start, gg_gva_t end)
{
	memory->held = 0;
	if (end <= start || end - start > GG_STACK_AHEAD)
		return NULL;
	struct gg_error *err =
		gg_host_read(memory->host, start, memory->ahead, (size_t)(end - start));
	if (err)
		return gg_error_unless_final(err);
	memory->start = start;
	memory->held = (size_t)(end - start);
	return NULL;
}

// Finds the SIZE bytes at ADDRESS, which are in one page.
static struct gg_error *find(struct gg_stack_memory *memory, gg_gva_t address, size_t size,
			     const uint8_t **ret)
{
	const uint64_t offset = address - memory->start;
	if (offset < memory->held && size <= memory->held - offset) {
		*ret = memory->ahead + offset;
		return NULL;
	}
	const gg_gva_t start = address - address % GG_STACK_PAGE;
	struct gg_stack_page *page = &memory->pages[address / GG_STACK_PAGE % GG_STACK_PAGES];
	if (!page->is_held || page->address != start) {
		page->is_held = false;
		struct gg_error *err =
			gg_host_read(memory->host, start, page->bytes, sizeof(page->bytes));
		if (err)
			return err;
		page->address = start;
		page->is_held = true;
	}
	*ret = page->bytes + address % GG_STACK_PAGE;
	return NULL;
}

struct gg_error *gg_stack_word(struct gg_stack_memory *memory, gg_gva_t address, uint64_t *ret)
{
	const unsigned int word = memory->host->address_size;
	const uint8_t *bytes;
	if (address % word)
		return gg_error_create(GG_BAD_DATA, "the stack pointer 0x%" PRIx64 " is odd",
				       address);
	struct gg_error *err = find(memory, address, word, &bytes);
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, word, memory->host->big_endian, "stack");
	return gg_cursor_uint(&cursor, word, ret);
}
