// SPDX-License-Identifier: GPL-3.0-or-later
//
// A large array in a guest, read in few and large pieces, as far as it is needed: one read may cost
// a round trip to a gdbstub.
#ifndef GG_WINDOW_H
#define GG_WINDOW_H

#include "host/host.h"

struct gg_window {
	const struct gg_host *host;
	uint64_t address, size; // of the array
	uint8_t *bytes;
	size_t capacity;
	uint64_t start, held; // the part that is in BYTES
	// The page that could not be read last, and why; it is not tried again.
	bool failed;
	uint64_t failed_page;
	struct gg_error *err;
	uint64_t faults; // how many pages could not be read
	uint64_t piece;  // how much is read at a time: less where something could not be
};

// SIZE bytes at ADDRESS, none read yet. HOST must outlive the window.
void gg_window_init(struct gg_window *window, const struct gg_host *host, uint64_t address,
		    uint64_t size);
void gg_window_deinit(struct gg_window *window);

// SIZE (1 to 1 MiB) bytes at OFFSET, valid until the next call. AHEAD is how many bytes from OFFSET
// on will likely be asked for. GG_BAD_DATA beyond the array's end; where a larger piece cannot be
// read, the page that is asked for still can, if it is there.
struct gg_error *gg_window_get(struct gg_window *window, uint64_t offset, size_t size,
			       uint64_t ahead, const uint8_t **ret);

#endif
