// SPDX-License-Identifier: GPL-3.0-or-later
//
// Kernel logs in memory, made as the kernel makes them, of each layout that there was: for what no
// kernel at hand has. The layouts, with the version that each is from, are in log-image.c.
#ifndef LOG_IMAGE_H
#define LOG_IMAGE_H

#include "host/bytes.h"

struct log_image;

// An empty log. NAME is a layout's; COUNT_BITS and SIZE_BITS say how large it is (COUNT_BITS is for
// the ring buffer only), FIRST how many records there were before. NULL for an unknown name.
struct log_image *log_image_create(const char *name, unsigned int count_bits,
				   unsigned int size_bits, uint64_t first);
void log_image_destroy(struct log_image *image);

// The kernel that has it. log_image_finish() must have been called.
const struct gg_host *log_image_host(struct log_image *image);

// The state of a record of the ring buffer (0 reserved, 1 committed, 2 finalized, 3
// reusable), and whether its text found no room.
struct log_image_record {
	const char *text, *subsystem, *device; // the latter two may be NULL
	size_t text_size;
	uint64_t time; // ns
	unsigned int level, facility, flags, state;
	uint32_t caller;
	bool no_room;
};

void log_image_add(struct log_image *image, const struct log_image_record *record);

// The log has been cleared: what comes now is new.
void log_image_clear(struct log_image *image);

// Writes the log's variables. No record can be added any more.
void log_image_finish(struct log_image *image);

// Parts of it, to be damaged: "ring", "descs", "infos", "data", "variables" of the ring buffer;
// "data", "variables" of the others. NULL without such a part.
uint8_t *log_image_part(struct log_image *image, const char *name, size_t *size);

// Names of all layouts, up to a NULL.
extern const char *const log_image_layouts[];

#endif
