// SPDX-License-Identifier: GPL-3.0-or-later
//
// The files that a core's process had mapped: where what it could not change (a program's texts,
// say) may be had although the core does not hold it.
#ifndef GG_MAPPED_FILES_H
#define GG_MAPPED_FILES_H

#include "core-file.h"

struct gg_mapped_files;

// PROGRAM_PATH, or NULL, is where the program is now, if not where it was. CORE must outlive RET.
struct gg_error *gg_mapped_files_create(const struct gg_core_file *core, const char *program_path,
					struct gg_mapped_files **ret);

// NULL is allowed.
void gg_mapped_files_destroy(struct gg_mapped_files *files);

// Reads SIZE bytes at ADDRESS out of the file that was mapped there, if it was mapped read-only and
// is still the same. GG_ABSENT says why not.
struct gg_error *gg_mapped_files_read(struct gg_mapped_files *files, uint64_t address, void *buffer,
				      size_t size);

// The path of the process's program, as it was in the process's root; NULL where the core does not
// tell. Valid as long as FILES is.
const char *gg_mapped_files_program(const struct gg_mapped_files *files);

// Is the ELF file at PATH another program than the process's, by its build ID? False where that
// cannot be told.
bool gg_mapped_files_is_other_program(const struct gg_mapped_files *files, const char *path);

// The path of the mapping of number INDEX (from 0) and, to ADDRESS, where it starts, if that is
// where its file starts; an empty path if not, NULL where there are no more. Valid as long as FILES
// is.
const char *gg_mapped_files_start(const struct gg_mapped_files *files, size_t index,
				  uint64_t *address);

// A descriptor, which is the caller's, of the file that was mapped from PATH. GG_ABSENT as above.
struct gg_error *gg_mapped_files_open(struct gg_mapped_files *files, const char *path, int *ret);

#endif
