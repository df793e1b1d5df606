// SPDX-License-Identifier: GPL-3.0-or-later
//
// The words of a kernel's stacks, read in few pieces: one read may cost a round trip to a gdbstub.
#ifndef GG_STACK_MEMORY_H
#define GG_STACK_MEMORY_H

#include "host/host.h"

#include <gdb-guest/guest.h>

enum {
	GG_STACK_AHEAD = 32 << 10, // CONFIG_KASAN's stacks
	GG_STACK_PAGE = 4096,
	GG_STACK_PAGES = 8,
};

struct gg_stack_page {
	gg_gva_t address;
	bool is_held;
	uint8_t bytes[GG_STACK_PAGE];
};

struct gg_stack_memory {
	const struct gg_host *host;
	gg_gva_t start; // of the part of a stack that was read at once
	size_t held;
	uint8_t ahead[GG_STACK_AHEAD];
	struct gg_stack_page pages[GG_STACK_PAGES]; // other pages, by the page's number
};

// Forgets all words. HOST must outlive MEMORY.
void gg_stack_memory_init(struct gg_stack_memory *memory, const struct gg_host *host);

// Reads the words from START to END at once, at most GG_STACK_AHEAD bytes. If that fails, each page is
// read at its first use.
struct gg_error *gg_stack_memory_ahead(struct gg_stack_memory *memory, gg_gva_t start,
				       gg_gva_t end);

// Reads the word at ADDRESS. GG_FAULT, GG_ABSENT.
struct gg_error *gg_stack_word(struct gg_stack_memory *memory, gg_gva_t address, uint64_t *ret);

#endif
