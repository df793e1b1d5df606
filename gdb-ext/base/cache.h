// SPDX-License-Identifier: GPL-3.0-or-later
//
// Files that can be made again, in a folder of the user's cache.
//
// In:  $XDG_CACHE_HOME, or the user's home (freedesktop.org's base directory specification).
// Out: a folder for this user alone; in it the files that were used last.
#ifndef GG_CACHE_H
#define GG_CACHE_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Finds gdb-guest's folder NAME in the user's cache, and makes it where it is missing. The caller frees
// RET.
struct gg_error *gg_cache_folder(const char *name, char **ret);

// Marks PATH as used now. False where it is no file of the user's, or empty; SIZE is the file's size.
bool gg_cache_use(const char *path, uint64_t *size);

// Removes the files of FOLDER that were used longest ago, until at most COUNT files with SIZE bytes are
// left. The file that was used last stays.
struct gg_error *gg_cache_prune(const char *folder, size_t count, uint64_t size);

#endif
