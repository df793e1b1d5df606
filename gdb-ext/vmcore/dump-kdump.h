// SPDX-License-Identifier: GPL-3.0-or-later
//
// The facts about a guest that a compressed kdump has in its headers.
#ifndef GG_DUMP_KDUMP_H
#define GG_DUMP_KDUMP_H

#include "kdump-writer.h"
#include "pieces.h"
#include "guest/guest.h"

#include <gdb-guest/dump.h>

struct gg_kdump_dump {
	struct gg_guest *guest;
	const struct gg_kernel *kernel; // or NULL
	const struct gg_dump_options *options;
	const struct gg_codec *codec;
	const struct gg_arch *arch;
	const struct gg_ram_map *map;
	const struct gg_pieces *pieces;     // of whole pages
	const struct gg_page_set *excluded; // or NULL
	uint64_t page_size;
	const struct gg_buffer *notes;
	uint64_t cpu_notes_size; // of NOTES; VMCOREINFO, if there is any, follows
	struct gg_output *output;
	bool find_absent;
	struct gg_error *(*progress)(void *data, size_t piece, uint64_t done, uint64_t written);
	struct gg_error *(*meanwhile)(void *data); // as struct gg_workers has it
	void *data;

	uint64_t absent, file_size, memory_size; // set at the end
};

// Writes the file, but for its name.
struct gg_error *gg_kdump_dump(struct gg_kdump_dump *dump);

// Finds the codec of FORMAT, or NULL.
const struct gg_codec *gg_kdump_codec(const char *format);

// Returns the size of the pages of GUEST's kernel, which may be NULL.
uint64_t gg_kdump_page_size(const struct gg_kernel *kernel);

#endif
