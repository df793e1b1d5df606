// SPDX-License-Identifier: GPL-3.0-or-later
//
// The file of a compressed kdump, whose parts several threads write in any order: plain, or flattened for
// a stream (makedumpfile IMPLEMENTATION, "flattened format"; QEMU dump/dump.c).
#ifndef GG_KDUMP_FILE_H
#define GG_KDUMP_FILE_H

#include "base/output.h"

#include <pthread.h>

struct gg_kdump_file {
	struct gg_output *output;
	bool flattened;
	pthread_mutex_t lock;
	uint64_t end;     // the first offset that is free
	uint64_t written; // bytes of OUTPUT, where the file is flattened
};

// Starts the file, whose free space begins at END. OUTPUT is borrowed; a stream takes a flattened file only.
struct gg_error *gg_kdump_file_init(struct gg_kdump_file *file, struct gg_output *output,
				    bool flattened, uint64_t end);
void gg_kdump_file_deinit(struct gg_kdump_file *file);

// Returns the offset of SIZE bytes that are nobody else's.
uint64_t gg_kdump_file_take(struct gg_kdump_file *file, uint64_t size);

// Writes SIZE bytes at OFFSET.
struct gg_error *gg_kdump_file_put(struct gg_kdump_file *file, uint64_t offset, const void *bytes,
				   size_t size);

// Returns the bytes of pages so far, for progress.
uint64_t gg_kdump_file_end(struct gg_kdump_file *file);

// Ends the file, and sets RET to the number of bytes in the output.
struct gg_error *gg_kdump_file_finish(struct gg_kdump_file *file, uint64_t *ret);

#endif
