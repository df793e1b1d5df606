// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel without VMCOREINFO whose log was found by its structure. It is asked as any kernel is
// (see log.h), and answers for the log alone, with the layouts of kernels of 64 bits.
#ifndef GG_LOG_GUESS_H
#define GG_LOG_GUESS_H

#include "host/host.h"
#include "memory/page-table.h"

enum gg_guess_format { GG_GUESS_RING, GG_GUESS_RECORDS, GG_GUESS_BYTES };

enum {
	GG_GUESS_RING_SIZE = 96, // of a printk_ringbuffer, at most
	GG_GUESS_MEMORY_SIZE = 64 + GG_GUESS_RING_SIZE,
};

// The way from a virtual address to a byte of MAP.
struct gg_guess_mapping {
	struct gg_page_table *table; // NULL: by the offset
	uint64_t offset;             // subtracted from the address
};

struct gg_log_guess {
	struct gg_host host; // whose data this is: it must not be moved
	enum gg_guess_format format;
	const struct gg_ram_map *map;
	struct gg_guess_mapping mapping;
	uint64_t data_ring;   // the offset of text_data_ring in the ring
	uint64_t info_size;   // of a printk_info
	uint64_t header_size; // of a record
	// The log's variables, as if the kernel had them side by side.
	uint8_t memory[GG_GUESS_MEMORY_SIZE];
};

void gg_log_guess_init(struct gg_log_guess *guess, enum gg_guess_format format,
		       const struct gg_ram_map *map, const struct gg_guess_mapping *mapping);

// Makes GUESS a copy that does not depend on FROM.
void gg_log_guess_copy(struct gg_log_guess *guess, const struct gg_log_guess *from);

// Makes a copy of the printk_ringbuffer in RING, GG_GUESS_RING_SIZE bytes, the kernel's.
void gg_log_guess_set_ring(struct gg_log_guess *guess, const uint8_t *ring);

// Sets the variable NAME: log_buf, log_buf_len, log_first_idx, log_next_idx, log_end.
void gg_log_guess_set(struct gg_log_guess *guess, const char *name, uint64_t value);

#endif
