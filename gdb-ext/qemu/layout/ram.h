// SPDX-License-Identifier: GPL-3.0-or-later
//
// The results so far for a FlatView that is being looked at.
#ifndef GG_STRUCTURE_RAM_H
#define GG_STRUCTURE_RAM_H

#include "internal.h"

enum {
	WORD = 8,
	PAGE = 4096,
	MAX_ADDRESS_SPACE = 96, // looked at where the symbol has no size
	NAME_TO_MAP = 64,       // current_map is that close behind the name
	FLAT_VIEW_SIZE = 128,
	MIN_STRIDE = 40,
	MAX_STRIDE = 160,
	MAX_RANGES = 4096, // a real machine has tens
	MAX_REGIONS = 4096,
	REGION_SIZE = 384,   // looked at: 272 bytes in v7.2
	MAX_RAM_BLOCK = 192, // where ram_block is at most
	BLOCK_SIZE = 640,
	MAX_BACK = 128, // where mr is at most
	IDSTR_SIZE = 256,
	MAX_IDSTR_OFFSET = 256,
};

struct range {
	uint64_t region, start, size;
	uint8_t bytes[MAX_STRIDE];
};

struct region {
	struct gg_glimpse glimpse;
	uint64_t block_address; // 0: none
	struct gg_glimpse block;
	uint64_t shown_end; // the furthest that a range shows of it
};

// A FlatView, and all that it leads to, as far as it has been found.
struct view {
	const struct gg_finder *finder;
	uint64_t address_space, name, address;
	struct gg_glimpse root; // the MemoryRegion that contains all others
	// Offsets.
	uint64_t current_map, ranges_at, nr_at, stride, mr_at, addr_at, offset_at;
	uint64_t block_at, back_at, host_at, length_at, idstr_at;
	bool left_out; // the core has no areas where blocks are
	struct range *ranges;
	size_t range_count;
	struct region *regions; // distinct
	size_t region_count;
};

// Creates the error about two candidates where there must be one.
struct gg_error *gg_view_ambiguous(const char *what, uint64_t first, uint64_t second);

// Finds MemoryRegion's ram, nonvolatile, ram_device and rdm, once the blocks are known. MANAGER
// becomes the manager of some RAM, or is left alone.
struct gg_error *gg_view_find_flags(const struct view *view, struct gg_answers *answers,
				    struct gg_discard_manager *manager);

// Finds RAMBlock's receivedmap and guest_memfd, as far as the binary's code shows their places.
struct gg_error *gg_view_find_absence(const struct view *view, struct gg_answers *answers);

#endif
