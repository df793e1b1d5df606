// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory map of a process, live or as a core has it: its areas, and the files among them.
#ifndef GG_PROCESS_MAP_H
#define GG_PROCESS_MAP_H

#include "mapped-files.h"

#include <sys/types.h>

// A file whose start was mapped.
struct gg_file_start {
	uint64_t address, end; // of the mapping; the end of a core's is not known, 0
	char *path;            // in the process's own root
};

struct gg_process_map;

// Creates the map of a core's process; FILES is the core's. Both must outlive RET.
struct gg_error *gg_process_map_create_core(const struct gg_core_file *core,
					    struct gg_mapped_files *files,
					    struct gg_process_map **ret);

// Creates the map of a live process, as /proc/PID/maps has it now. GG_SYSTEM where that may not be
// read.
struct gg_error *gg_process_map_create_live(pid_t pid, struct gg_process_map **ret);

// Destroys MAP, which may be NULL.
void gg_process_map_destroy(struct gg_process_map *map);

// Tests whether all of the SIZE (at least 1) bytes at ADDRESS are mapped, also where a core lacks
// them.
bool gg_process_map_has(const struct gg_process_map *map, uint64_t address, uint64_t size);

// Tests whether any of the SIZE (at least 1) bytes at ADDRESS is mapped.
bool gg_process_map_touches(const struct gg_process_map *map, uint64_t address, uint64_t size);

// Tests whether the process may have had areas that MAP lacks: GDB's gcore leaves whole areas out
// of a core.
bool gg_process_map_may_lack(const struct gg_process_map *map);

// Returns the files whose first bytes are mapped, ascending by address, valid as long as MAP is.
const struct gg_file_start *gg_process_map_files(const struct gg_process_map *map, size_t *count);

// Opens FILE; the caller closes RET. GG_ABSENT where it is gone, or not the mapped file any more.
struct gg_error *gg_process_map_open(const struct gg_process_map *map,
				     const struct gg_file_start *file, int *ret);

#endif
