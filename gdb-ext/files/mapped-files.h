// SPDX-License-Identifier: GPL-3.0-or-later
//
// The files that a core's process had mapped: they still have the bytes that the process could not
// change (a program's texts, say), which the core does not hold.
#ifndef GG_MAPPED_FILES_H
#define GG_MAPPED_FILES_H

#include "core-file.h"

struct gg_mapped_files;

// Reads CORE's list of mapped files. PROGRAM_PATH is the program's present place, if not its old
// place, or NULL. CORE must outlive RET.
struct gg_error *gg_mapped_files_create(const struct gg_core_file *core, const char *program_path,
					struct gg_mapped_files **ret);

// Destroys FILES, which may be NULL.
void gg_mapped_files_destroy(struct gg_mapped_files *files);

// Reads SIZE bytes at ADDRESS out of the file that was mapped there, if it was mapped read-only and
// is still the same. GG_ABSENT says why not.
struct gg_error *gg_mapped_files_read(struct gg_mapped_files *files, uint64_t address, void *buffer,
				      size_t size);

// Returns the path of the process's program, as it was in the process's root, valid as long as
// FILES is; NULL where the core does not have it.
const char *gg_mapped_files_program(const struct gg_mapped_files *files);

// Tests whether the ELF file at PATH is another program than the process's, by its build ID; false
// without a build ID.
bool gg_mapped_files_is_other_program(const struct gg_mapped_files *files, const char *path);

// Returns the path of the mapping of number INDEX (from 0), valid as long as FILES is, and sets
// ADDRESS to the mapping's start, if the file starts there too; else an empty path. NULL where
// there are no more.
const char *gg_mapped_files_start(const struct gg_mapped_files *files, size_t index,
				  uint64_t *address);

// Opens the file that was mapped from PATH; the caller closes RET. GG_ABSENT as above.
struct gg_error *gg_mapped_files_open(struct gg_mapped_files *files, const char *path, int *ret);

#endif
