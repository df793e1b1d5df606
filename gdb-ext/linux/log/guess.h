// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel that nobody describes, of which the log was found by what it looks like: asked as any
// kernel is (see log.h), it answers for the log alone, with the layouts that kernels of 64 bits
// have.
#ifndef GG_LOG_GUESS_H
#define GG_LOG_GUESS_H

#include "host/host.h"
#include "memory/page-table.h"

enum gg_guess_format { GG_GUESS_RING, GG_GUESS_RECORDS, GG_GUESS_BYTES };

enum {
	GG_GUESS_RING_SIZE = 96, // of a printk_ringbuffer, at most
	GG_GUESS_MEMORY_SIZE = 64 + GG_GUESS_RING_SIZE,
};

// How a virtual address leads to a byte of MAP.
struct gg_guess_mapping {
	struct gg_page_table *table; // by these page tables, or, if it is NULL, ...
	uint64_t offset;             // ... by taking this away
};

struct gg_log_guess {
	struct gg_host host; // whose data this is: it must not be moved
	enum gg_guess_format format;
	const struct gg_ram_map *map;
	struct gg_guess_mapping mapping;
	// The ring: where its text_data_ring is, and how large a printk_info.
	uint64_t data_ring, info_size;
	// The record's header.
	uint64_t header_size;
	// The log's variables, as if the kernel had them side by side.
	uint8_t memory[GG_GUESS_MEMORY_SIZE];
};

void gg_log_guess_init(struct gg_log_guess *guess, enum gg_guess_format format,
		       const struct gg_ram_map *map, const struct gg_guess_mapping *mapping);

// A copy of FROM, which asks nothing of FROM itself.
void gg_log_guess_copy(struct gg_log_guess *guess, const struct gg_log_guess *from);

// Has a copy of the printk_ringbuffer in RING, GG_GUESS_RING_SIZE bytes, be the kernel's.
void gg_log_guess_set_ring(struct gg_log_guess *guess, const uint8_t *ring);

// Sets the variable NAME: log_buf, log_buf_len, log_first_idx, log_next_idx, log_end.
void gg_log_guess_set(struct gg_log_guess *guess, const char *name, uint64_t value);

#endif
